"""A classifier that can be read: curves, surfaces and few terms that sum to log-odds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, log_softmax
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils._param_validation import StrOptions

from superpose.errors import InputError
from superpose.estimators.base import AbstractKST, Floats, Shapes
from superpose.estimators.batches import Rows, Sliced, is_large
from superpose.estimators.columns import level_name
from superpose.estimators.links import probabilities
from superpose.estimators.table import read_table
from superpose.estimators.target import (
    class_weights,
    known_names,
    read_classes,
    read_offset,
    read_weight,
    target_name,
)
from superpose.fitting import Deadline

__all__ = ["KSTClassifier"]


class KSTClassifier(ClassifierMixin, AbstractKST):
    r"""Classifier whose every learned part is a Gaussian-process curve with a band.

    For two classes the log-odds of the second are a sum that can be read part by part,

    .. math:: \log\frac{p}{1-p} = b + \sum_p g_p(x_p) + \sum_{(p,r)} s_{pr}(x_p, x_r)
              + \sum_q \Phi_q\Bigl(\sum_p \psi_{qp}(x_p)\Bigr),

    for more classes there is one such sum a class, and the probabilities are their softmax. Main
    curves g and pairs s are found by Newton steps on the whole data, with every smoothness set by
    the evidence; terms Φ are added where they pay. Tables are read as they come: numbers,
    categories, dates and missing values (see `superpose.estimators.columns` for the rules).

    Parameters
    ----------
    pairs : "auto", int, or list of pairs of columns, default="auto"
        Surfaces of two attributes: as many as pay, this many, or exactly these, such as
        ``[("age", "bmi")]``. 0 leaves them out.
    terms : "auto", int, or list of tuples of columns, default="auto"
        Terms of the Kolmogorov-Arnold superposition: as many as pay, this many, or one over exactly
        these columns each, such as ``[("age", "bmi", "sex")]``; a column of one value is left out.
        With ``pairs=0, terms=0`` the model is additive: one curve an attribute.
    class_weight : None, "balanced" or dict, default=None
        Multiplies the weights of the rows of each class: by what a dict says of its label (1 where
        it says nothing), or so that every class has the same total. Probabilities are then those
        of a population with these shares.
    kernel : {"auto", "matern12", "matern32", "matern52", "squared_exponential"}, default="auto"
        Covariance of the curves; from rough to smooth. "auto" is "matern32", and "matern12" over
        three times as many control points for a main curve that jumps, as the evidence has it.
    knots : int, default=24
        Control points of a curve at most. More of them follow finer detail and cost time.
    shapes : dict, optional
        What is known of main curves, by name or position of a number: "increasing", "decreasing",
        "convex", "concave", or two words as in ``{"dose": ("increasing", "concave")}``. It holds
        everywhere, on the scale of the sum; such a column enters no pair and no term. With three
        classes or more it names one, ``{"dose": {"ill": "increasing"}}``: the log-odds of that
        class against each other class have the shape, so that its probability never falls as the
        dose rises. See the guide, "Shapes".
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
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
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
        Network, posterior and what the fit reported.
    stopped_ : Stopped or None
        Why fit ended early, and what it left undone; None where it came to its end.
    known_names_ : dict of str to str
        Which of "offset" and "exposure" fit was given, and the names of their columns.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the columns of fit.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from superpose import KSTClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = KSTClassifier(pairs=0, terms=0).fit(X, y)
    >>> round(model.score(X, y), 2) > 0.94
    True
    """

    classes_: NDArray[Any]

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AbstractKST._parameter_constraints,
        "class_weight": [None, StrOptions({"balanced"}), dict],
    }

    def __init__(
        self,
        *,
        pairs: str | int | list[tuple[str | int, str | int]] = "auto",
        terms: str | int | list[tuple[str | int, ...]] = "auto",
        class_weight: str | dict[Any, float] | None = None,
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
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Self:
        """Learn from a table.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_rows, n_columns)
            Numbers, categories and missing values as they come.
        y : array-like of shape (n_rows,)
            One label a row.
        sample_weight : array-like of shape (n_rows,), optional
            How many rows each row stands for; 0 leaves it out.
        offset : array-like of shape (n_rows,), or (n_rows, n_classes) with more than two, optional
            A part of the sum that is known already, in log-odds or log-probabilities; the curves
            learn the rest. Pass the offset of new rows to the predictions, which take 0 else.

        Returns
        -------
        KSTClassifier
            Itself.

        Raises
        ------
        InputError
            Where the table, the target or the weights cannot be used; the message says why and
            what to do.
        """
        self._validate_params()
        if is_large(X):
            self.fit_batches(Sliced(Rows(X, y, sample_weight, offset)))
            self.known_names_ = known_names(offset=offset)
            return self
        return self._fit(X, y, sample_weight, offset, Deadline(self.time_limit))

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        offset: Any,
        deadline: Deadline,
        everything: Iterable[Any] | None = None,
    ) -> Self:
        table = read_table(X)
        labels, codes = read_classes(y, table.n_rows, type(self).__name__)
        weight = read_weight(sample_weight, table.n_rows)
        factor = class_weights(self.class_weight, labels, codes, weight)
        weight = weight * factor[codes]
        used = weight > 0
        classes, codes = np.unique(codes[used], return_inverse=True)
        labels = labels[classes]
        if len(labels) < 2:
            raise InputError(
                "y must hold two classes or more among the rows of positive weight",
                f"found 1 class, {labels.tolist()[0]!r}",
                "add rows of another class",
            )
        self._remember_columns(table)
        self.classes_ = labels
        self.target_name_ = target_name(y)
        self.known_names_ = known_names(offset=offset)
        loss = "bernoulli" if len(labels) == 2 else "multinomial"
        names = tuple(level_name(label) for label in labels)
        known = read_offset(offset, table.n_rows, 1 if len(labels) == 2 else len(labels))
        known = None if known is None else known[used]
        learned = (table.take(used), codes.astype(np.float64), weight[used], loss, deadline)
        self._learn(*learned, names, known, everything, factor[classes])
        return self

    def decision_function(self, X: Any, offset: Any = None) -> Floats:
        """Predict on the scale on which the parts add up.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_rows, n_columns)
            Rows with the columns of fit.
        offset : array-like, optional
            As in `fit`; 0 where it is not given.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_classes)
            Log-odds of the second of two classes; centred log-probabilities of more.
        """
        link = self._link(X, offset)
        return link[:, 0] if len(self.classes_) == 2 else link

    def predict_proba(self, X: Any, offset: Any = None) -> Floats:
        """Predict the probability of every class.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_rows, n_columns)
            Rows with the columns of fit.
        offset : array-like, optional
            As in `fit`; 0 where it is not given.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Probabilities in the order of `classes_`; every row sums to 1.
        """
        link = self.decision_function(X, offset)
        return probabilities(link.reshape(len(link), -1))

    def predict_log_proba(self, X: Any, offset: Any = None) -> Floats:
        """Logarithm of `predict_proba`, exact also where a probability is very small."""
        link = self.decision_function(X, offset)
        if len(self.classes_) == 2:
            return np.column_stack([log_expit(-link), log_expit(link)])
        return log_softmax(link, axis=1)

    def predict(self, X: Any, offset: Any = None) -> NDArray[Any]:
        """Predict the most probable class.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_rows, n_columns)
            Rows with the columns of fit.
        offset : array-like, optional
            As in `fit`; 0 where it is not given.

        Returns
        -------
        ndarray of shape (n_rows,)
            Labels from `classes_`.
        """
        link = self.decision_function(X, offset)
        best = (link > 0).astype(np.intp) if link.ndim == 1 else np.argmax(link, axis=1)
        return self.classes_[best]

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Return the share of rows whose most probable class is the right one.

        Parameters
        ----------
        X, y, sample_weight, offset : array-like
            As in `fit`, of the rows to measure on.

        Returns
        -------
        float
            From 0 to 1.
        """
        predicted = self.predict(X, offset=offset)
        return float(accuracy_score(y, predicted, sample_weight=sample_weight))
