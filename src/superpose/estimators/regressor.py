"""A regressor that can be read: curves, surfaces and few terms that sum to the prediction."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from statistics import NormalDist
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions

from superpose.errors import InputError
from superpose.estimators.base import AbstractKST, Floats, Shapes
from superpose.estimators.batches import Rows, Sliced, is_large
from superpose.estimators.links import LOG_LINKS, mean_of, observation_variance
from superpose.estimators.scatter import MOST_ROWS, Scatter
from superpose.estimators.table import read_table
from superpose.estimators.target import (
    check_range,
    known_names,
    read_exposure,
    read_numbers,
    read_offset,
    read_weight,
    target_name,
)
from superpose.fitting import Deadline
from superpose.networks.axis_rows import BATCH

__all__ = ["KSTRegressor"]


class KSTRegressor(RegressorMixin, AbstractKST):
    r"""Regressor whose every learned part is a Gaussian-process curve with a band.

    The prediction is a sum that can be read part by part, in units of the target (with a log link,
    of its logarithm),

    .. math:: f(x) = b + \sum_p g_p(x_p) + \sum_{(p,r)} s_{pr}(x_p, x_r)
              + \sum_q \Phi_q\Bigl(\sum_p \psi_{qp}(x_p)\Bigr).

    Main curves g and pairs s are solved for, with every smoothness and the noise level set by the
    evidence; terms Φ are added where they pay. Tables are read as they come: numbers, categories,
    dates and missing values (see `superpose.estimators.columns` for the rules).

    Parameters
    ----------
    loss : {"gaussian", "poisson", "gamma", "student_t"}, default="gaussian"
        What the noise is like: of one size everywhere; counts (the sum is the log of their mean);
        positive, in proportion to its mean (log, too); or with wild values, which must not bend
        the curves (Student's t with 4 degrees of freedom). See the guide, "Losses".
    pairs : "auto", int, or list of pairs of columns, default="auto"
        Surfaces of two attributes: as many as pay, this many, or exactly these, such as
        ``[("age", "bmi")]``. 0 leaves them out.
    terms : "auto", int, or list of tuples of columns, default="auto"
        Terms of the Kolmogorov-Arnold superposition: as many as pay, this many, or one over exactly
        these columns each, such as ``[("age", "bmi", "sex")]``; a column of one value is left out.
        With ``pairs=0, terms=0`` the model is additive: one curve an attribute.
    kernel : {"auto", "matern12", "matern32", "matern52", "squared_exponential"}, default="auto"
        Covariance of the curves; from rough to smooth. "auto" is "matern32", and "matern12" over
        three times as many control points for a main curve that jumps, as the evidence has it.
    knots : int, default=24
        Control points of a curve at most. More of them follow finer detail and cost time.
    shapes : dict, optional
        What is known of main curves, by name or position of a number: "increasing", "decreasing",
        "convex", "concave", or two words as in ``{"dose": ("increasing", "concave")}``. It holds
        everywhere, on the scale of the sum; such a column enters no pair and no term. See the
        guide, "Shapes".
    random_state : int, default=0
        Seed of the search for terms. The same seed and data give the same model bit for bit.
    progress : callable or bool, optional
        Called as ``progress(done, total, what)`` while fitting, for progress bars; True shows one.
    device : str, default="cpu"
        Where the columns and products of the last Newton steps are made; "cuda" for a GPU. The
        same model, to rounding; solves, and the search for pairs and terms, stay on the processor.
    time_limit : float, optional
        Seconds of wall clock after which fit stops: asked between Newton steps and steps of the
        dial, so that the end comes a step and the bands later. The model is then the best that was
        finished, marked by `stopped_` and a `StoppedWarning`: at the earliest the main curves after
        a Newton step or two; of more than 50,000 rows, the sample's. A first interrupt (Ctrl-C) has
        the same effect, a second one raises KeyboardInterrupt. A limit that is not reached changes
        nothing. See the guide, "How a model is fitted".

    Attributes
    ----------
    unread_ : list of str
        Columns that no part reads, because a wide table left them out: they have no effect.
    curves_, pairs_, terms_ : dict of str to Curve, Surface, Term
        What was learned, to read and to draw; see `superpose.explain`.
    importances_ : superpose.explain.Importances
        How much each part moves the predictions of the training rows.
    interactions_ : superpose.explain.Interactions
        Pairs and terms, with the evidence for each and its share of the variance.
    complexity_path_ : tuple of DialStep
        Accuracy against the cost of reading, for every step of the dial.
    attributes_ : list of Attribute
        The columns as the network sees them.
    fit_ : Fit
        Network, posterior, noise (for "gaussian" a standard deviation in units of the target) and
        what the fit reported.
    scatter_ : Scatter or None
        How far observations fall from predictions of rows that were held out; None where none was.
    stopped_ : Stopped or None
        Why fit ended early, and what it left undone; None where it came to its end.
    known_names_ : dict of str to str
        Which of "offset" and "exposure" fit was given, and the names of their columns.
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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AbstractKST._parameter_constraints,
        "loss": [StrOptions({"gaussian", "poisson", "gamma", "student_t"})],
    }

    scatter_: Scatter | None

    def __init__(
        self,
        *,
        loss: str = "gaussian",
        pairs: str | int | list[tuple[str | int, str | int]] = "auto",
        terms: str | int | list[tuple[str | int, ...]] = "auto",
        kernel: str = "auto",
        knots: int = 24,
        shapes: Shapes = None,
        random_state: int = 0,
        progress: Callable[..., None] | bool | None = None,
        device: str = "cpu",
        time_limit: float | None = None,
    ) -> None:
        super().__init__(
            pairs=pairs,
            terms=terms,
            kernel=kernel,
            knots=knots,
            shapes=shapes,
            random_state=random_state,
            progress=progress,
            device=device,
            time_limit=time_limit,
        )
        self.loss = loss

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        offset: Any = None,
        exposure: Any = None,
    ) -> Self:
        """Learn from a table.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_rows, n_columns)
            Numbers, categories and missing values as they come.
        y : array-like of shape (n_rows,)
            One finite number a row: 0 or above for "poisson", above 0 for "gamma".
        sample_weight : array-like of shape (n_rows,), optional
            How many rows each row stands for; 0 leaves it out.
        offset : array-like of shape (n_rows,), optional
            A part of the sum that is known already, in units of the target or of its log; the
            curves learn the rest. Pass the offset of new rows to `predict`, which takes 0 else.
        exposure : array-like of shape (n_rows,), optional
            How long, or how much of it, each row was observed; an offset of log(exposure). Needs a
            log link.

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
        if is_large(X):
            known = self._known(None, offset, exposure)
            self.fit_batches(Sliced(Rows(X, y, sample_weight, known)))
            self.known_names_ = known_names(offset=offset, exposure=exposure)
            return self
        deadline = Deadline(self.time_limit)
        return self._fit(X, y, sample_weight, offset, deadline, exposure=exposure)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        offset: Any,
        deadline: Deadline,
        everything: Iterable[Any] | None = None,
        exposure: Any = None,
    ) -> Self:
        table = read_table(X)
        target = read_numbers(y, table.n_rows, type(self).__name__)
        weight = read_weight(sample_weight, table.n_rows)
        check_range(target, weight, self.loss)
        known = self._known(table.n_rows, offset, exposure)
        used = weight > 0
        if used.sum() < 2:
            raise InputError(
                "a fit needs two rows of positive weight or more",
                "found 1 sample",
                "add rows",
            )
        self._remember_columns(table)
        self.target_name_ = target_name(y)
        self.known_names_ = known_names(offset=offset, exposure=exposure)
        known = None if known is None else known[used]
        learned = (table.take(used), target[used], weight[used], self.loss, deadline)
        rows = self._learn(*learned, offset=known, everything=everything)
        self.scatter_ = self._scatter(*rows)
        return self

    def predict(
        self, X: Any, return_std: bool = False, offset: Any = None, exposure: Any = None
    ) -> Floats | tuple[Floats, Floats]:
        r"""Predict the mean of the target; with "student_t", its centre.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_rows, n_columns)
            Rows with the columns of fit.
        return_std : bool, default=False
            Also return how far an observation may fall from the prediction: the root of the
            posterior variance of the mean and the variance of the noise around it. Both are as
            the loss has them; for "gaussian", :math:`\sqrt{\mathrm{var}\,f(x) + \sigma^2}`.
        offset, exposure : array-like of shape (n_rows,), optional
            As in `fit`; 0 and 1 where they are not given.

        Returns
        -------
        mean : ndarray of shape (n_rows,)
            In units of the target.
        std : ndarray of shape (n_rows,), if asked for
            Standard deviations in units of the target.
        """
        link = self._link(X, self._known(None, offset, exposure))[:, 0]
        mean = mean_of(link, self.loss)
        return (mean, self._std(self._encode(X), mean)) if return_std else mean

    def predict_interval(
        self, X: Any, level: float = 0.9, offset: Any = None, exposure: Any = None
    ) -> tuple[Floats, Floats]:
        r"""Predict an interval that holds a new observation with a stated probability.

        .. math:: \bigl[\mu(x) + q_{\alpha/2}\, s(x),\; \mu(x) + q_{1 - \alpha/2}\, s(x)\bigr],
                  \qquad \alpha = 1 - \mathrm{level},

        with s the standard deviation that the model states, times a curve of the prediction, and q
        the quantiles of the errors of held-out rows in these units (Barber and others, 2021; see
        the guide, "Prediction intervals"). It is that of single observations; the band of the mean
        is in `explain`.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_rows, n_columns)
            Rows with the columns of fit.
        level : float, default=0.9
            Share of new observations that fall inside, over rows like those of fit.
        offset, exposure : array-like of shape (n_rows,), optional
            As in `predict`.

        Returns
        -------
        lower, upper : ndarray of shape (n_rows,)
            In units of the target; not below 0 where it cannot be.

        Raises
        ------
        InputError
            Where the level is not between 0 and 1.

        Warns
        -----
        UserWarning
            Where too few rows were held out for this level; the interval is then that of a normal
            distribution with the standard deviation that the model states.

        Examples
        --------
        >>> import numpy as np
        >>> from superpose import KSTRegressor
        >>> rng = np.random.default_rng(0)
        >>> x = rng.uniform(0, 1, (400, 1))
        >>> y = x[:, 0] + (0.1 + x[:, 0]) * rng.normal(size=400)
        >>> model = KSTRegressor(pairs=0, terms=0).fit(x, y)
        >>> lower, upper = model.predict_interval([[0.1], [0.9]], level=0.8)
        >>> bool(upper[1] - lower[1] > 2 * (upper[0] - lower[0]))
        True
        """
        if not 0 < level < 1:
            raise InputError("level must be between 0 and 1", f"found {level}", "pass 0.9 for 90 %")
        link = self._link(X, self._known(None, offset, exposure))[:, 0]
        mean = mean_of(link, self.loss)
        std, scatter = self._std(self._encode(X), mean), self.scatter_
        held = 0 if scatter is None else len(scatter.scores)
        if scatter is not None and held >= scatter.rows_needed(level):
            std = std * scatter.factor_at(link)
            low, high = scatter.quantiles(level)
        else:
            high = NormalDist().inv_cdf((1 + level) / 2)
            low = -high
            warnings.warn(
                f"{held} rows were held out, too few for an interval of {level:g} that is "
                "measured; this one is posterior and noise of the model, taken as normal",
                UserWarning,
                stacklevel=2,
            )
        lower, upper = mean + low * std, mean + high * std
        return (np.maximum(lower, 0.0) if self.loss in LOG_LINKS else lower), upper

    def score(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        offset: Any = None,
        exposure: Any = None,
    ) -> float:
        """Return the share of the variance of y that the predictions explain (R²).

        Parameters
        ----------
        X, y, sample_weight, offset, exposure : array-like
            As in `fit`, of the rows to measure on.

        Returns
        -------
        float
            1 is perfect, 0 no better than the mean of y.
        """
        predicted = self.predict(X, offset=offset, exposure=exposure)
        return float(r2_score(y, predicted, sample_weight=sample_weight))

    def _known(self, n_rows: int | None, offset: Any, exposure: Any) -> Floats | None:
        """Add offset and the log of the exposure, [n_rows, 1]; None where neither is given."""
        given = exposure if offset is None else offset
        if given is None:
            return None
        n_rows = len(given) if n_rows is None else n_rows
        known = read_offset(offset, n_rows)
        if exposure is None:
            return known
        if self.loss not in LOG_LINKS:
            raise InputError(
                'exposure needs a log link: loss="poisson" or "gamma"',
                f"found loss={self.loss!r}",
                "pass what is known of the sum as offset, or take another loss",
            )
        log_exposure = read_exposure(exposure, n_rows)
        return log_exposure if known is None else known + log_exposure

    def _std(self, x: Floats, mean: Floats) -> Floats:
        """Standard deviation of observations at encoded rows, as the model states it."""
        fit = self.fit_
        with torch.no_grad():
            parts = [
                fit.posterior.variance(fit.network.encode(rows))[:, 0]
                for rows in torch.from_numpy(x).split(BATCH)
            ]
        variance = torch.cat(parts).numpy()
        return np.sqrt(observation_variance(mean, variance, fit.noise, self.loss))

    def _scatter(self, x: Floats, y: Floats, weight: Floats) -> Scatter | None:
        """Learn from the rows of the fit that were held out in turn; None where none was."""
        if self.fit_.held_out is None:
            return None
        output = self.fit_.held_out.numpy()[:, 0]
        held = np.flatnonzero(np.isfinite(output))[:MOST_ROWS]
        if not len(held):
            return None
        mean = mean_of(output[held], self.loss)
        std = np.maximum(self._std(x[held], mean), np.finfo(float).tiny)
        return Scatter.of(output[held], y[held] - mean, std, weight[held])
