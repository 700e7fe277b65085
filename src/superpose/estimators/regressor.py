"""A regressor that can be read: curves, surfaces and few terms that sum to the prediction."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from sklearn.base import RegressorMixin

from superpose.errors import InputError
from superpose.estimators.base import CHUNK, AbstractKST, Floats
from superpose.estimators.table import read_table
from superpose.estimators.target import read_numbers, read_weight, target_name

__all__ = ["KSTRegressor"]


class KSTRegressor(RegressorMixin, AbstractKST):
    r"""Regressor whose every learned part is a Gaussian-process curve with a band.

    The prediction is a sum that can be read part by part, in units of the target,

    .. math:: f(x) = b + \sum_p g_p(x_p) + \sum_{(p,r)} s_{pr}(x_p, x_r)
              + \sum_q \Phi_q\Bigl(\sum_p \psi_{qp}(x_p)\Bigr).

    Main curves g and pairs s are solved for, with every smoothness and the noise level set by the
    evidence; terms Φ are added where they pay. Tables are read as they come: numbers, categories,
    dates and missing values (see `superpose.estimators.columns` for the rules).

    Parameters
    ----------
    pairs : "auto", int, or list of pairs of columns, default="auto"
        Surfaces of two attributes: as many as pay, this many, or exactly these, such as
        ``[("age", "bmi")]``. 0 leaves them out.
    terms : "auto" or int, default="auto"
        Terms of the Kolmogorov-Arnold superposition: as many as pay, or this many. With
        ``pairs=0, terms=0`` the model is additive: one curve an attribute.
    kernel : {"matern12", "matern32", "matern52", "squared_exponential"}, default="matern32"
        Covariance of the curves; from rough to smooth.
    knots : int, default=24
        Control points of a curve at most. More of them follow finer detail and cost time.
    random_state : int, default=0
        Seed of the search for terms. The same seed and data give the same model bit for bit.
    progress : callable, optional
        Called as ``progress(done, total, what)`` while fitting, for progress bars.

    Attributes
    ----------
    curves_, pairs_, terms_ : dict of str to Curve, Surface, Term
        What was learned, to read and to draw; see `superpose.explain`.
    importances_ : superpose.explain.Importances
        How much each part moves the predictions of the training rows.
    complexity_path_ : tuple of DialStep
        Accuracy against the cost of reading, for every step of the dial.
    attributes_ : list of Attribute
        The columns as the network sees them.
    fit_ : Fit
        Network, posterior, noise (a standard deviation in units of the target) and what the fit
        reported.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the columns of fit.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> x = np.linspace(0, 6, 200)[:, None]
    >>> model = KSTRegressor(terms=0).fit(x, np.sin(x[:, 0]))
    >>> model.predict([[np.pi / 2]]).round(2)
    array([1.])
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from a table.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_rows, n_columns)
            Numbers, categories and missing values as they come.
        y : array-like of shape (n_rows,)
            One finite number a row.
        sample_weight : array-like of shape (n_rows,), optional
            How many rows each row stands for; 0 leaves it out.

        Returns
        -------
        KSTRegressor
            Itself.

        Raises
        ------
        InputError
            Where the table, the target or the weights cannot be used; the message says why and
            what to do.
        """
        self._validate_params()
        table = read_table(X)
        target = read_numbers(y, table.n_rows, type(self).__name__)
        weight = read_weight(sample_weight, table.n_rows)
        used = weight > 0
        if used.sum() < 2:
            raise InputError(
                "a fit needs two rows of positive weight or more",
                "found 1 sample",
                "add rows",
            )
        self._remember_columns(table)
        self.target_name_ = target_name(y)
        self._learn(table.take(used), target[used], weight[used], "gaussian")
        return self

    def predict(self, X: Any, return_std: bool = False) -> Floats | tuple[Floats, Floats]:
        r"""Predict the target.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_rows, n_columns)
            Rows with the columns of fit.
        return_std : bool, default=False
            Also return how far an observation may fall from the prediction:
            :math:`\sqrt{\mathrm{var}\,f(x) + \sigma^2}`, the posterior variance of the sum and the
            noise.

        Returns
        -------
        mean : ndarray of shape (n_rows,)
            In units of the target.
        std : ndarray of shape (n_rows,), if asked for
            Standard deviations in units of the target.
        """
        mean = self._link(X)[:, 0]
        if not return_std:
            return mean
        x = torch.from_numpy(self._encode(X))
        with torch.no_grad():
            parts = [
                self.fit_.posterior.variance(self.fit_.network.encode(rows))
                for rows in x.split(CHUNK)
            ]
        variance = torch.cat(parts).numpy()[:, 0]
        return mean, np.sqrt(variance + float(self.fit_.noise or 0.0) ** 2)
