"""What a fitted model remembers of its training rows: enough to draw, to warn and to report.

A model read back from a file has no rows any more. These frozen records are what is kept of them.
They hold plain numbers, strings and tuples only, so that they go to JSON and back unchanged.
"""

# Annotations are types here, not their text: `checked_record` compares fields with them.
import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from superpose.explain.records import checked_record
from superpose.explain.summary_checks import check_summary

__all__ = [
    "QUANTILES",
    "Association",
    "AttributeSummary",
    "Calibration",
    "HeldOut",
    "Metric",
    "PartSummary",
    "TrainingSummary",
]

#: The shares at which `AttributeSummary.quantiles` is taken, from minimum to maximum.
QUANTILES = (0.0, 0.005, 0.05, 0.25, 0.5, 0.75, 0.95, 0.995, 1.0)


@dataclass(frozen=True)
class AttributeSummary:
    """How the values of one attribute were distributed over the training rows.

    Attributes
    ----------
    name : str
    kind : {"number", "category"}
    edges : tuple of float
        Edges of the histogram, B + 1 of them, in original units; empty for a category.
    counts : tuple of int
        Rows in each of the B bins, or rows with each level of a category.
    levels : tuple of str
        Names of the levels; empty for a number.
    quantiles : tuple of float
        Values at the shares in `QUANTILES`; empty for a category.
    rug : tuple of float
        At most 200 of the values, evenly spread over their ranks; empty for a category.
    distinct : int
        Number of different values seen.
    missing : float
        Share of the rows without a value, from 0 to 1.
    typical : float
        The median of a number (always a value that was seen), the code of the commonest level.

    Examples
    --------
    >>> from superpose.explain import AttributeSummary
    >>> age = AttributeSummary("age", "number", edges=(20.0, 40.0, 60.0), counts=(3, 1),
    ...                        quantiles=(20.0, 20.0, 20.0, 25.0, 30.0, 35.0, 60.0, 60.0, 60.0),
    ...                        distinct=4, typical=30.0)
    >>> age.range, age.view
    ((20.0, 60.0), (20.0, 60.0))
    """

    name: str
    kind: str
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    levels: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = ()
    rug: tuple[float, ...] = ()
    distinct: int = 0
    missing: float = 0.0
    typical: float = 0.0

    @property
    def range(self) -> tuple[float, float] | None:
        """Smallest and largest value seen; None for a category and where no value was seen."""
        return (self.quantiles[0], self.quantiles[-1]) if self.quantiles else None

    @property
    def view(self) -> tuple[float, float] | None:
        """The part of the range worth drawing.

        It is the whole range, unless a few extreme values stretch it beyond five times the range of
        the middle 99 % of the rows; then it is those 99 %, and a figure should say so.
        """
        if not self.quantiles:
            return None
        low, high = self.quantiles[1], self.quantiles[-2]
        whole = self.quantiles[-1] - self.quantiles[0]
        return (low, high) if 0 < 5 * (high - low) < whole else self.range


@dataclass(frozen=True)
class PartSummary:
    """What one part (a curve, a pair or a term) did on the training rows.

    Attributes
    ----------
    name : str
    kind : {"curve", "pair", "term"}
    attributes : tuple of int
        Positions of the attributes that the part reads.
    importance, lower, upper : float
        Root mean square of its contributions, with its 95 % band; see `importances`.
    dof : float
        Effective degrees of freedom that the data spend on it.
    concurvity : float
        Share of its contributions that a sum of the other parts could imitate, 0 to 1 (R squared).
    no_effect : float or None
        Main curves: probability of evidence as strong as this if the curve were null.
    jump : tuple of two floats, or None
        Main curves of numbers: the value at which the curve looks most like a jump, and the
        probability that a curve without one shows a step as clear anywhere.
    counts : tuple of tuple of int
        Pairs, and terms of two attributes: rows in each cell of the two attributes' histograms.
    inner_edges, inner_counts, inner_sd : tuple
        Terms: the inner sum's histogram, and the posterior standard deviation of the term in each
        bin, one tuple per output; empty for the rest.
    share : float
        Its variance as a share of that of the predictions on the link scale. Shares of parts that
        vary together do not add up to 1.
    moved : float
        Pairs and terms: share of what was learned that was additive and moved to main curves.
    """

    name: str
    kind: str
    attributes: tuple[int, ...]
    importance: float
    lower: float
    upper: float
    dof: float
    concurvity: float = 0.0
    no_effect: float | None = None
    jump: tuple[float, float] | None = None
    counts: tuple[tuple[int, ...], ...] = ()
    inner_edges: tuple[float, ...] = ()
    inner_counts: tuple[int, ...] = ()
    inner_sd: tuple[tuple[float, ...], ...] = ()
    share: float = 0.0
    moved: float = 0.0


@dataclass(frozen=True)
class Association:
    """Two attributes that rise and fall together, or two parts whose contributions do."""

    first: str
    second: str
    correlation: float


@dataclass(frozen=True)
class Metric:
    """One measure of quality on rows that were not used to fit.

    Attributes
    ----------
    name : str
    value : float
    error : float
        Standard error of the value.
    constant : float or None
        What the best prediction without any attribute scores on the same rows, so that the value
        has something to stand beside.
    better : {"higher", "lower"}
    meaning : str
        What it measures, in a few words.
    """

    name: str
    value: float
    error: float
    constant: float | None
    better: str
    meaning: str


@dataclass(frozen=True)
class Calibration:
    """What was predicted against what happened, in bins of the prediction.

    Attributes
    ----------
    label : str
        The class whose probability is meant; the target's name in regression.
    predicted, observed : tuple of float
        Mean prediction and mean outcome of each bin.
    lower, upper : tuple of float
        95 % interval of the mean outcome.
    counts : tuple of int
        Rows in each bin.
    """

    label: str
    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class HeldOut:
    """How good the predictions are on rows that were not used to fit; see `score_held_out`.

    Attributes
    ----------
    source : str
        Which rows these are, in a few words, such as "5-fold cross-validation".
    rows : int
    metrics : tuple of Metric
    calibration : tuple of Calibration
        One for the second of two classes, for each of several, or for the target.
    """

    source: str
    rows: int
    metrics: tuple[Metric, ...]
    calibration: tuple[Calibration, ...]


@dataclass(frozen=True)
class TrainingSummary:
    """All that is kept of the training rows; made by `summarise`, stored with the model.

    Attributes
    ----------
    rows : int
    target : str
        Name of what is predicted.
    classes : tuple of str
        Names of the classes; empty in regression.
    target_counts : tuple of int
        Rows of each class; empty in regression.
    target_quantiles : tuple of float
        Quantiles of the target at `QUANTILES`; empty in classification.
    attributes : tuple of AttributeSummary
    parts : tuple of PartSummary
        In the order of `fit.network.parts`.
    correlated : tuple of Association
        Numbers whose rank correlation is at least .5 in size, strongest first, 50 at most.
    concurrent : tuple of Association
        Parts whose contributions have a correlation of at least .5 in size, likewise.
    held_out : HeldOut or None

    Examples
    --------
    >>> from superpose.explain import TrainingSummary
    >>> summary = TrainingSummary(rows=10, target="price", target_quantiles=(1.0,) * 9)
    >>> TrainingSummary.from_dict(summary.to_dict()) == summary
    True
    """

    rows: int
    target: str
    classes: tuple[str, ...] = ()
    target_counts: tuple[int, ...] = ()
    target_quantiles: tuple[float, ...] = ()
    attributes: tuple[AttributeSummary, ...] = ()
    parts: tuple[PartSummary, ...] = ()
    correlated: tuple[Association, ...] = ()
    concurrent: tuple[Association, ...] = ()
    held_out: HeldOut | None = None

    def to_dict(self) -> dict[str, Any]:
        """Nested dictionaries, lists, numbers and strings, ready for `json.dumps`."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The summary that `to_dict` wrote, also after a trip through JSON.

        Raises
        ------
        TypeError, ValueError
            Where a field has another type, or records do not agree.
        """
        plain = {key: _tuples(value) for key, value in data.items() if key not in _RECORDS}
        records: dict[str, Any] = {
            key: tuple(checked_record(record, _fields(item)) for item in data.get(key, ()))
            for key, record in _RECORDS.items()
            if key != "held_out"
        }
        held_out = data.get("held_out")
        measured = None if held_out is None else _held_out(held_out)
        summary = checked_record(cls, {**plain, **records, "held_out": measured})
        check_summary(summary)
        return summary


_RECORDS: dict[str, Any] = {
    "attributes": AttributeSummary,
    "parts": PartSummary,
    "correlated": Association,
    "concurrent": Association,
    "held_out": HeldOut,
}


def _tuples(value: Any) -> Any:
    """Lists become tuples, at every depth, because JSON knows no tuples."""
    return tuple(_tuples(item) for item in value) if isinstance(value, (list, tuple)) else value


def _fields(record: dict[str, Any]) -> dict[str, Any]:
    return {key: _tuples(value) for key, value in record.items()}


def _held_out(data: dict[str, Any]) -> HeldOut:
    metrics = tuple(checked_record(Metric, _fields(item)) for item in data["metrics"])
    bins = tuple(checked_record(Calibration, _fields(item)) for item in data["calibration"])
    return checked_record(HeldOut, {**data, "metrics": metrics, "calibration": bins})
