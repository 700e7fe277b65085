"""From training rows to the summary that is stored with a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from superpose.explain.outputs import Outputs
from superpose.explain.parts import (
    contributions,
    default_outputs,
    deviation,
    encode,
    part_names,
    parts_of,
)
from superpose.explain.rank_parts import root_mean_square_band
from superpose.explain.read_terms import inner_sums
from superpose.explain.summary import (
    QUANTILES,
    Association,
    AttributeSummary,
    HeldOut,
    PartSummary,
    TrainingSummary,
)
from superpose.networks import AxisRows

if TYPE_CHECKING:
    from superpose.fitting import Check, Fit

__all__ = ["summarise"]

Array = NDArray[np.float64]

_BINS, _RUG, _STRONG, _MOST, _ROWS = 30, 200, 0.5, 50, 5000
_BAND_ROWS = 2_000  # rows at most that say how wide the band of an importance is


def summarise(
    fit: Fit,
    x: Array,
    y: Array,
    *,
    outputs: Outputs | None = None,
    sample_weight: Array | None = None,
    held_out: HeldOut | None = None,
) -> TrainingSummary:
    """Keep of the training rows what drawing, warning and reporting need.

    Rows of weight zero are left out; other weights enter the importances only. Of a fit that was
    stopped the importances are those of about 5,000 rows.

    Parameters
    ----------
    fit : Fit
    x : array [N, n]
        The training rows as the network reads them: numbers in original units, codes of levels,
        NaN for missing.
    y : array [N]
        Target values, or codes of the classes.
    outputs : Outputs, optional
        Names of target and classes.
    sample_weight : array [N], optional
    held_out : HeldOut, optional
        What `score_held_out` found.

    Returns
    -------
    TrainingSummary

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import Outputs, summarise
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> y = 3 * x[:, 0] + np.random.default_rng(0).normal(0, 0.1, 50)
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, y)
    >>> kept = summarise(model.fit_, x, y, outputs=Outputs("price"))
    >>> kept.rows, kept.attributes[0].range, round(kept.parts[0].importance, 1)
    (50, (0.0, 1.0), 0.9)
    """
    outputs = outputs or default_outputs(fit)
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y)
    if sample_weight is not None:
        keep = np.asarray(sample_weight) > 0
        x, y, sample_weight = x[keep], y[keep], np.asarray(sample_weight, dtype=np.float64)[keep]
    attributes = tuple(
        _attribute(attribute, x[:, p]) for p, attribute in enumerate(fit.network.attributes)
    )
    few = slice(None, None, max(1, len(x) // _ROWS) if getattr(fit, "stopped", None) else 1)
    weight = None if sample_weight is None else sample_weight[few]
    parts, concurrent = _parts(fit, x[few], attributes, weight)
    return TrainingSummary(
        rows=len(x),
        target=outputs.target,
        classes=outputs.classes,
        target_counts=_class_counts(y, outputs),
        target_quantiles=() if outputs.classes else _quantiles(y.astype(np.float64)),
        attributes=attributes,
        parts=parts,
        correlated=_correlated(x, attributes),
        concurrent=concurrent,
        held_out=held_out,
    )


def _class_counts(y: NDArray[Any], outputs: Outputs) -> tuple[int, ...]:
    if not outputs.classes:
        return ()
    counts = np.bincount(y.astype(np.int64), minlength=len(outputs.classes))
    return tuple(int(c) for c in counts)


def _attribute(attribute: Any, column: Array) -> AttributeSummary:
    values = column[~np.isnan(column)]
    missing = 1 - len(values) / len(column) if len(column) else 0.0
    if attribute.kind == "category":
        codes = values[values >= 0].astype(np.int64)
        counts = np.bincount(codes, minlength=len(attribute.levels))
        return AttributeSummary(
            name=attribute.name,
            kind="category",
            counts=tuple(int(c) for c in counts),
            levels=tuple(str(level) for level in attribute.levels),
            distinct=int((counts > 0).sum()),
            missing=missing,
            typical=float(counts.argmax()) if len(counts) else 0.0,
        )
    if not len(values):
        return AttributeSummary(name=attribute.name, kind="number", missing=missing)
    distinct = np.unique(values)
    quantiles = _quantiles(values)
    edges = _edges(distinct, quantiles)
    ranked = np.sort(values)
    rug = ranked[np.linspace(0, len(ranked) - 1, min(_RUG, len(ranked))).round().astype(int)]
    return AttributeSummary(
        name=attribute.name,
        kind="number",
        edges=tuple(edges.tolist()),
        counts=tuple(int(c) for c in np.histogram(values, edges)[0]),
        quantiles=quantiles,
        rug=tuple(rug.tolist()),
        distinct=len(distinct),
        missing=missing,
        typical=float(ranked[(len(ranked) - 1) // 2]),
    )


def _edges(distinct: Array, quantiles: tuple[float, ...]) -> Array:
    """Histogram edges: around each value where they are few, else of equal width over the view."""
    low, high = float(distinct[0]), float(distinct[-1])
    if len(distinct) == 1:
        half = 0.5 * max(1.0, abs(low)) * 1e-3
        return np.array([low - half, low + half])
    if len(distinct) <= _BINS:
        middles = (distinct[:-1] + distinct[1:]) / 2
        return np.concatenate([[low], middles, [high]])
    view = AttributeSummary("", "number", quantiles=quantiles).view or (low, high)
    edges = np.linspace(*view, _BINS + 1)
    edges[0], edges[-1] = low, high  # the end bins hold the extremes
    return edges


def _quantiles(values: Array) -> tuple[float, ...]:
    return tuple(float(q) for q in np.quantile(values, QUANTILES))


def _parts(
    fit: Fit, x: Array, attributes: tuple[AttributeSummary, ...], weight: Array | None
) -> tuple[tuple[PartSummary, ...], tuple[Association, ...]]:
    names, u = part_names(fit), encode(fit, x)
    kept: list[dict[str, Any]] = []
    checks = getattr(fit, "checks", ())
    some = slice(None, None, _step(len(u)))
    means, few = contributions(fit, u), AxisRows(u[some])
    for index, (part, mean) in enumerate(zip(parts_of(fit), means, strict=True)):
        sd = deviation(fit, index, few)
        value, lower, upper = root_mean_square_band(mean, sd, weight, some=some)
        kept.append(
            {
                "name": names[index],
                "kind": part.kind,
                "attributes": tuple(int(p) for p in part.attributes),
                "importance": value,
                "lower": lower,
                "upper": upper,
                "dof": float(fit.posterior.dof[index]),
                **(_asked(checks[index]) if checks else {}),
                "counts": _cell_counts(x, part.attributes, attributes),
                "moved": _moved(part, u, mean, weight),
                **(_inner(inner_sums(part, u), sd, some) if part.kind == "term" else {}),
            }
        )
    correlation, imitated = _concurvity(means)
    whole = _variance(sum(means, start=np.zeros((len(x), 1))), weight)
    shares = [_variance(mean, weight) / whole if whole else 0.0 for mean in means]
    parts = tuple(
        PartSummary(**fields, concurvity=float(alike), share=share)
        for fields, alike, share in zip(kept, imitated, shares, strict=True)
    )
    return parts, _strongest(correlation, names)


def _step(rows: int) -> int:
    """Every how many rows one is asked, so that they are `_BAND_ROWS` at most."""
    return max(1, -(-rows // _BAND_ROWS))


def _asked(check: Check) -> dict[str, Any]:
    return {"no_effect": check.no_effect, "jump": check.jump}


def _variance(values: Array, weight: Array | None) -> float:
    """Variance of contributions [N, K] over the rows, outputs added up."""
    centred = values - np.average(values, axis=0, weights=weight)
    return float(np.average(centred**2, axis=0, weights=weight).sum())


def _moved(part: Any, u: Any, left: Array, weight: Array | None) -> float:
    """Share of the variance of a pair or a term that moved to main curves."""
    if part.kind == "curve" or not part.moved:
        return 0.0
    with torch.no_grad():
        whole = left + sum(curve(u) for curve in part.moved).numpy()
    variance = _variance(whole, weight)
    return _variance(whole - left, weight) / variance if variance else 0.0


def _inner(h: Array, sd: Array, some: slice) -> dict[str, tuple[Any, ...]]:
    """Histogram of a term's inner sum, and the mean standard deviation of the term in each bin."""
    counts, edges = np.histogram(h, bins=20)
    which = np.clip(np.searchsorted(edges, h[some], side="right") - 1, 0, len(counts) - 1)
    asked = np.bincount(which, minlength=len(counts))
    middles, full = (edges[:-1] + edges[1:]) / 2, asked > 0
    by_output = []
    for column in sd.T:
        total = np.bincount(which, weights=column, minlength=len(counts))
        filled = np.interp(middles, middles[full], total[full] / asked[full])
        by_output.append(tuple(float(v) for v in filled))
    return {
        "inner_edges": tuple(float(e) for e in edges),
        "inner_counts": tuple(int(c) for c in counts),
        "inner_sd": tuple(by_output),
    }


def _cell_counts(
    x: Array, read: tuple[int, ...], attributes: tuple[AttributeSummary, ...]
) -> tuple[tuple[int, ...], ...]:
    """Rows in each cell of two attributes' histograms; nothing for a part of one or many."""
    if len(read) != 2:
        return ()
    columns, bins = [], []
    for p in read:
        summary, column = attributes[p], x[:, p]
        if summary.kind == "category":
            edges = np.arange(len(summary.levels) + 1) - 0.5
        else:
            edges = np.asarray(summary.edges if summary.edges else (0.0, 1.0))
        columns.append(column)
        bins.append(edges)
    known = ~np.isnan(columns[0]) & ~np.isnan(columns[1])
    counts = np.histogram2d(columns[0][known], columns[1][known], bins=bins)[0]
    return tuple(tuple(int(c) for c in row) for row in counts)


def _concurvity(means: list[Array]) -> tuple[Array, Array]:
    """Correlations of the parts' contributions [P, P], and how much the others imitate each [P].

    The share imitated is R squared of a part's contributions on those of the other parts,
    1 - 1/[inverse correlation]_jj; a small ridge keeps exact copies finite.
    """
    if not means:
        return np.zeros((0, 0)), np.zeros(0)
    stride = max(1, len(means[0]) // _ROWS)
    flat = np.stack([mean[::stride].ravel() for mean in means], axis=1)
    flat = flat - flat.mean(axis=0)
    norm = np.sqrt((flat**2).sum(axis=0))
    alive = norm > 1e-12 * max(float(norm.max()), 1e-300)
    scaled = np.where(alive, flat / np.where(alive, norm, 1.0), 0.0)
    correlation = scaled.T @ scaled
    ridge = correlation + np.diag(np.where(alive, 1e-10, 1.0))
    imitated = 1 - 1 / np.diag(np.linalg.inv(ridge))
    return correlation, np.clip(np.where(alive, imitated, 0.0), 0.0, 1.0)


def _correlated(x: Array, attributes: tuple[AttributeSummary, ...]) -> tuple[Association, ...]:
    """Rank correlations of attributes that are numbers, missing values at the middle rank."""
    numbers = [p for p, a in enumerate(attributes) if a.kind == "number" and a.distinct > 1]
    if len(numbers) < 2:
        return ()
    columns = x[:: max(1, len(x) // _ROWS), numbers]
    ranks = np.stack([_centred_ranks(column) for column in columns.T], axis=1)
    norm = np.sqrt((ranks**2).sum(axis=0))
    ranks = ranks / np.where(norm > 0, norm, 1.0)
    return _strongest(ranks.T @ ranks, [attributes[p].name for p in numbers])


def _centred_ranks(column: Array) -> Array:
    known = ~np.isnan(column)
    ranks = np.zeros(len(column))
    if known.any():
        ranks[known] = rankdata(column[known])
        ranks[known] -= ranks[known].mean()
    return ranks


def _strongest(correlation: Array, names: list[str]) -> tuple[Association, ...]:
    """The associations of at least .5 in size, strongest first."""
    rows, columns = np.triu_indices(len(names), 1)
    values = correlation[rows, columns]
    order = np.argsort(-np.abs(values), kind="stable")[:_MOST]
    return tuple(
        Association(names[rows[i]], names[columns[i]], float(values[i]))
        for i in order
        if abs(values[i]) >= _STRONG
    )
