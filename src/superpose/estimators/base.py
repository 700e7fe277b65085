"""What the classifier and the regressor share: reading tables, fitting, and what can be read."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from superpose.errors import InputError
from superpose.estimators import reading
from superpose.estimators.attributes import attributes_of
from superpose.estimators.batches import SAMPLE, Encoded, draw
from superpose.estimators.editing import PartEditor, editor_of
from superpose.estimators.matching import check_columns, positions, term_positions
from superpose.estimators.model_file import read_model, write_model
from superpose.estimators.model_state import model_from, state_of
from superpose.estimators.refitting import refitted
from superpose.estimators.rows import merge_rows
from superpose.estimators.schema import Schema
from superpose.estimators.shapes import check_apart, read_shapes
from superpose.estimators.table import Table, read_table
from superpose.estimators.target import read_offset
from superpose.fitting import Deadline, DialStep, Edit, Fit, Stopped, fit_superposition
from superpose.fitting.progress_line import ProgressLine
from superpose.fitting.threads import threads_for
from superpose.networks import Attribute
from superpose.networks.axis_rows import BATCH

__all__ = ["AbstractKST"]


Floats = NDArray[np.float64]
Shapes = dict[str | int, str | tuple[str, ...] | dict[Any, str | tuple[str, ...]]] | None


class AbstractKST(BaseEstimator):
    """Base of `KSTClassifier` and `KSTRegressor`; not an estimator itself."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "pairs": [StrOptions({"auto"}), Interval(Integral, 0, None, closed="left"), list, tuple],
        "terms": [StrOptions({"auto"}), Interval(Integral, 0, None, closed="left"), list, tuple],
        "kernel": [StrOptions({"auto", "matern12", "matern32", "matern52", "squared_exponential"})],
        "knots": [Interval(Integral, 2, None, closed="left")],
        "shapes": [None, dict],
        "random_state": [Interval(Integral, 0, None, closed="left")],
        "progress": [None, "boolean", callable],
        "device": [str],
        "time_limit": [None, Interval(Real, 0, None, closed="neither")],
    }

    schema_: Schema
    fit_: Fit
    target_name_: str
    known_names_: dict[str, str]
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    summary_: Any

    def __init__(
        self,
        *,
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
        self.pairs = pairs
        self.terms = terms
        self.kernel = kernel
        self.knots = knots
        self.shapes = shapes
        self.random_state = random_state
        self.progress = progress
        self.device = device
        self.time_limit = time_limit

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        text: str = super().__repr__(N_CHAR_MAX)
        stopped = self.fit_.stopped if hasattr(self, "fit_") else None
        return f"{text}  # stopped: {stopped}" if stopped else text

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        # `string` would promise that cells of any Python type are read as levels; these are refused
        tags.input_tags.string = False
        return tags

    @property
    def attributes_(self) -> list[Attribute]:
        """The attributes of the network, one a column."""
        check_is_fitted(self)
        return list(self.fit_.network.attributes)

    @property
    def unread_(self) -> list[str]:
        """Names of the columns that no part reads: they have no effect on any prediction.

        Empty unless the table was wide; see the guide, "Large and wide tables".
        """
        check_is_fitted(self)
        return [self.schema_.names[p] for p in self.fit_.network.unread]

    @property
    def curves_(self) -> dict[str, Any]:
        """Main curves by name of their attribute; see `superpose.explain.Curve`."""
        check_is_fitted(self)
        return reading.curves(self)

    @property
    def pairs_(self) -> dict[str, Any]:
        """Surfaces of the pairs, by names such as "age × bmi"; see `superpose.explain.Surface`."""
        check_is_fitted(self)
        return reading.surfaces(self)

    @property
    def terms_(self) -> dict[str, Any]:
        """Terms by name, each an outer curve over a sum of inner curves."""
        check_is_fitted(self)
        return reading.terms(self)

    @property
    def importances_(self) -> Any:
        """How much each part moved the predictions of the training rows, with bands."""
        check_is_fitted(self)
        return reading.importances(self)

    @property
    def interactions_(self) -> Any:
        """Which attributes interact, with the evidence; see `superpose.explain.interactions`."""
        check_is_fitted(self)
        return reading.interactions(self)

    @property
    def complexity_path_(self) -> tuple[DialStep, ...]:
        """Every step of the dial: curves, their cost to read, degrees of freedom, loss."""
        check_is_fitted(self)
        return tuple(self.fit_.path)

    @property
    def stopped_(self) -> Stopped | None:
        """Why fit ended early, and what it left undone; None where it came to its end."""
        check_is_fitted(self)
        return self.fit_.stopped

    @property
    def edits_(self) -> tuple[Edit, ...]:
        """What was changed by hand since the fit, in that order; see `edit`."""
        check_is_fitted(self)
        return self.fit_.edits

    def fit_batches(self, batches: Iterable[Any]) -> Self:
        r"""Learn from a table that comes in batches, and need not fit into memory.

        A random sample of at most 50,000 rows decides what the model looks like: axes and knots,
        length scales, which pairs and terms there are. All rows then decide what it says: their
        sums :math:`J^\top W J` and :math:`J^\top r` give coefficients, smoothness, noise and
        bands, with one pass over the batches for "gaussian" without terms, and one a Newton step
        else. Histograms, importances and prediction intervals are those of the sample.

        `fit` takes this way by itself for tables of more than 50,000 rows.

        Parameters
        ----------
        batches : iterable of (X, y), (X, y, sample_weight) or (X, y, sample_weight, offset)
            Gone through several times, so a generator will not do; each part as in fit.
            `superpose.datasets.ParquetBatches` reads a file.

        Returns
        -------
        KSTClassifier or KSTRegressor
            Itself.

        Raises
        ------
        InputError
            Where a batch cannot be used, or holds a class that the sample does not.

        Examples
        --------
        >>> import numpy as np
        >>> from superpose import KSTRegressor
        >>> x = np.linspace(0, 6, 300)[:, None]
        >>> halves = [(x[::2], np.sin(x[::2, 0])), (x[1::2], np.sin(x[1::2, 0]))]
        >>> model = KSTRegressor(pairs=0, terms=0).fit_batches(halves)
        >>> model.predict([[1.5]]).round(2)
        array([1.])
        """
        self._validate_params()
        deadline = Deadline(self.time_limit)
        sample, n_rows = draw(batches, SAMPLE, self.random_state)
        everything = batches if n_rows > SAMPLE else None
        self._fit(sample.X, sample.y, sample.weight, sample.offset, deadline, everything)
        if self.fit_.stopped is None:  # one that was stopped may be the model of the sample
            self.summary_ = dataclasses.replace(self.summary_, rows=n_rows)
        return self

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        offset: Any,
        deadline: Deadline,
        everything: Iterable[Any] | None,
    ) -> Self:
        """Learn from rows in memory; from ``everything``, where they are a sample of that."""
        raise NotImplementedError

    def edit(
        self,
        part: str | tuple[str, str],
        *,
        reason: str = "",
        who: str = "",
        when: str | None = None,
        X: Any = None,
        y: Any = None,
    ) -> PartEditor[Self]:
        """Take one part in hand, to set, smooth, remove or fix it.

        ``model.edit("age", reason="too few rows above 80").set({80: 0.4, 100: 0.4})`` is a new
        model; this one stays as it is.

        Parameters
        ----------
        part : str or tuple of two str
            An attribute for its main curve, a pair of them, or the name of a term.
        reason, who : str
            Kept in `edits_`, in the model file and in the report.
        when : str, optional
            The present date and time if not given.
        X : array-like or dataframe, optional
            Rows on which the change is measured; without them it is measured on what the model
            keeps of its training rows.
        y : array-like, optional
            Their target, to have the change of the loss as well.

        Returns
        -------
        superpose.estimators.PartEditor
            Each of its methods returns a new model.
        """
        rows = None if X is None else self._encode(X)
        check_is_fitted(self)
        return editor_of(self, part, reason=reason, who=who, when=when, rows=rows, y=y)

    def refit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Self:
        """Learn again, and leave every part that was edited as it is.

        Other main curves and pairs are learned anew, with their smoothness, at the same axes and
        the same step of the dial. Other terms are learned on from where they are, over the same
        attributes, since no search for others is made. What is held has no band in the new model:
        its bands are those of the other parts, given these. `fit` starts from nothing.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_rows, n_columns)
            Rows with the columns of fit.
        y : array-like of shape (n_rows,)
            Their target.
        sample_weight : array-like of shape (n_rows,), optional
            How many rows each row stands for; 0 leaves it out.
        offset : array-like of shape (n_rows,) or (n_rows, n_outputs), optional
            What is known of the sum, as in fit; the log of an exposure, too.

        Returns
        -------
        KSTClassifier or KSTRegressor
            A new model; this one stays as it is.
        """
        return refitted(self, self._encode(X), y, sample_weight, offset)

    def explain(self, X: Any, offset: Any = None, exposure: Any = None) -> Any:
        """Say what every part contributes to the prediction of each row.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_rows, n_columns)
            Rows with the columns of fit.
        offset, exposure : array-like, optional
            What is known of the sum, as in fit; 0 where neither is given.

        Returns
        -------
        superpose.explain.Explanation
            Contributions with bands; with the average and the offset they sum to the prediction on
            the link scale.
        """
        x = self._encode(X)
        known = self._known(len(x), offset, exposure)
        return reading.explain(self, x, read_offset(known, len(x), self.fit_.network.n_outputs))

    def report(
        self,
        path: str | PathLike[str],
        X: Any = None,
        y: Any = None,
        *,
        offset: Any = None,
        exposure: Any = None,
        stability: Any = None,
        groups: Any = None,
        comparison: Any = None,
    ) -> Any:
        """Write one self-contained HTML page about the model.

        Parameters
        ----------
        path : str or path
            Where the page goes.
        X : array-like or dataframe, optional
            Rows that fit has not seen, to say on the page how good the model is.
        y : array-like, optional
            Their target.
        offset, exposure : array-like, optional
            What is known of their sum, as in fit.
        stability : superpose.explain.Stability, optional
            What `superpose.explain.stability` found, to have it on the page.
        groups : superpose.explain.GroupView, optional
            What `superpose.explain.by_group` found, likewise.
        comparison : superpose.explain.Comparison, optional
            What `superpose.explain.compare` or `compare_groups` found, likewise.

        Returns
        -------
        pathlib.Path
            Where the page is.
        """
        check_is_fitted(self)
        known = {"offset": offset, "exposure": exposure}
        known = {role: values for role, values in known.items() if values is not None}
        asked = {"stability": stability, "groups": groups, "comparison": comparison}
        return reading.report(self, path, X, y, known, **asked)

    def export(self, path: str | PathLike[str], to: str | None = None, **options: Any) -> Any:
        """Write the model in a form that needs no superpose: ONNX, lookup tables, or SQL.

        Parameters
        ----------
        path : str or path
            Where the file goes.
        to : {"onnx", "json", "csv", "sql"}, optional
            What to write; by the ending of the path if not given.
        **options
            ``table`` and ``keep``, for SQL; see `superpose.export.write_export`.

        Returns
        -------
        pathlib.Path
            Where the file is.
        """
        check_is_fitted(self)
        return reading.export(self, path, to, **options)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to one file: safetensors with a JSON header, never pickle.

        Parameters
        ----------
        path : str or path
            Where the file goes. It appears there whole or not at all.
        """
        check_is_fitted(self)
        write_model(path, *state_of(self))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a model that `save` wrote; `superpose.estimators.load` reads either kind.

        Parameters
        ----------
        path : str or path
            The file.

        Raises
        ------
        ModelFileError
            Where the file is damaged, foreign, or holds another kind of model.
        """
        header, arrays = read_model(path)
        return model_from(cls, header, arrays)

    def _learn(
        self,
        table: Table,
        y: Floats,
        weight: Floats,
        loss: str,
        deadline: Deadline,
        classes: tuple[str, ...] = (),
        offset: Floats | None = None,
        everything: Iterable[Any] | None = None,
        factor: Floats | None = None,
    ) -> tuple[Floats, Floats, Floats]:
        """Fit the network to the rows of positive weight; return them merged, as it saw them."""
        self.schema_ = Schema.from_table(table, weight)
        _warn_of_identifiers(self.schema_)
        shapes = read_shapes(self.shapes, self.schema_, classes)
        pairs = positions(self.pairs, self.schema_.names)
        terms = term_positions(self.terms, self.schema_.names)
        check_apart(shapes, pairs, terms, self.schema_.names)
        rows = self.schema_.encode(table)
        known = np.empty((len(y), 0)) if offset is None else offset
        x, target, counts = merge_rows(np.column_stack([rows, known]), y, weight)
        x, known = np.ascontiguousarray(x[:, : rows.shape[1]]), x[:, rows.shape[1] :]
        with deadline.listening(), threads_for(x.size):
            self.fit_ = fit_superposition(
                attributes_of(self.schema_, x, counts, self.knots, shapes),
                torch.from_numpy(x),
                torch.from_numpy(target),
                loss=loss,
                sample_weight=torch.from_numpy(counts),
                offset=None if offset is None else torch.from_numpy(known),
                pairs=pairs,
                terms=terms,
                kernel=self.kernel,
                knots=self.knots,
                random_state=self.random_state,
                progress=ProgressLine() if self.progress is True else self.progress or None,
                device=self.device,
                everything=None if everything is None else self._encoded(everything, factor),
                deadline=deadline,
            )
            name = self.target_name_
            measured = reading.left_out(self.fit_, target, counts, name, classes)
            self.summary_ = reading.summarise(self.fit_, rows, y, weight, name, classes, measured)
        _warn_of_unread(self.unread_, self.schema_)
        return x, target, counts

    def _encoded(self, batches: Iterable[Any], factor: Floats | None) -> Encoded:
        classes = getattr(self, "classes_", None)
        return Encoded(batches, self.schema_, classes, factor, type(self).__name__)

    def _remember_columns(self, table: Table) -> None:
        self.n_features_in_ = len(table.columns)
        if table.named:
            self.feature_names_in_ = np.array(table.names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _known(self, n_rows: int | None, offset: Any, exposure: Any) -> Any:
        """Join offset and exposure to one offset; None where neither is given."""
        if exposure is not None:
            raise InputError(
                'exposure needs a log link: a KSTRegressor with loss="poisson" or "gamma"',
                f"found a {type(self).__name__}",
                "pass what is known of the sum as offset",
            )
        return offset

    def _encode(self, X: Any) -> Floats:
        """Read a table by the schema of fit; [n_rows, n_columns]."""
        check_is_fitted(self)
        table = read_table(X)
        check_columns(table, self.schema_, type(self).__name__)
        return self.schema_.encode(table)

    def _link(self, X: Any, offset: Any = None) -> Floats:
        """Predictions on the link scale; [n_rows, K]."""
        x = torch.from_numpy(self._encode(X))
        known = read_offset(offset, len(x), self.fit_.network.n_outputs)
        with torch.no_grad():
            link = torch.cat([self.fit_.network(rows) for rows in x.split(BATCH)]).numpy()
        return link if known is None else link + known


def _warn_of_identifiers(schema: Schema) -> None:
    for plan in schema.columns:
        if plan.pooled and len(plan.levels) == 1:
            warnings.warn(
                f"column {plan.name!r} is a category without a common level and tells nothing "
                f"({plan.levels[0]}); drop it, or turn it into numbers or fewer levels",
                UserWarning,
                stacklevel=4,
            )


def _warn_of_unread(unread: list[str], schema: Schema) -> None:
    if unread:
        first = ", ".join(map(repr, unread[:3])) + (", ..." if len(unread) > 3 else "")
        warnings.warn(
            f"{len(unread):,} of the {len(schema.names):,} attributes got no curve and have no "
            f"effect in the model ({first}); unread_ names them. The table is wide, and only "
            "attributes that are worth a curve get one; to keep two of them, name them in pairs=",
            UserWarning,
            stacklevel=4,
        )
