"""The model as lookup tables, which the page's form adds up; and how exact they are.

Between two entries of a table the form interpolates along a straight line, and beyond the last
entry it goes on along the last piece, as the curves themselves do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.explain import AttributeSummary, TrainingSummary, part_names
from superpose.explain.grids import attribute_grid, rows_at, with_places
from superpose.explain.parts import encode, evaluate, outputs_of, parts_of

if TYPE_CHECKING:
    from superpose.fitting import Fit

__all__ = ["add_up", "exactness", "lookup_tables", "typical_row"]

Array = NDArray[np.float64]

_PAIR_POINTS, _OUTER_POINTS = 57, 201


def lookup_tables(fit: Fit, summary: TrainingSummary) -> dict[str, Any]:
    """Everything that the form needs, as plain lists ready for `json.dumps`.

    Each attribute has stops: the grid of a number, or the levels of a category and one never seen;
    and last a missing value, if training rows had some. Each part has its contribution and standard
    deviation at its attributes' stops.

    Returns
    -------
    dict
        `attributes`, `parts`, `baseline`, `units`, `labels`, `classes`, `target`, `log`. Attributes
        that no part reads are None.
    """
    unread = set(fit.network.unread)
    outputs = outputs_of(fit, summary)
    points = 161 if len(fit.network.attributes) <= 60 else 61
    return {
        "target": summary.target,
        "classes": list(summary.classes),
        "log": outputs.log,
        "units": list(outputs.units),
        "labels": list(outputs.labels),
        "baseline": _rounded(np.asarray(fit.network.bias.detach().cpu()).reshape(-1)),
        "attributes": [
            None if p in unread else _attribute(attribute, kept)
            for p, (attribute, kept) in enumerate(
                zip(fit.network.attributes, summary.attributes, strict=True)
            )
        ],
        "parts": [
            _part(fit, summary, index, name, points) for index, name in enumerate(part_names(fit))
        ],
    }


def typical_row(summary: TrainingSummary) -> Array:
    """A row of typical values: medians, and the commonest levels [n]."""
    return np.array([attribute.typical for attribute in summary.attributes], dtype=np.float64)


def _attribute(attribute: Any, kept: AttributeSummary) -> dict[str, Any]:
    low, high = kept.range or (0.0, 0.0)
    view = kept.view or (0.0, 0.0)
    return {
        "name": attribute.name,
        "kind": attribute.kind,
        "levels": [str(level) for level in attribute.levels or ()],
        "range": [low, high],
        "view": list(view),
        "typical": kept.typical,
        "missing": bool(attribute.missing),
    }


def _stops(attribute: Any, points: int, part: Any = None) -> Array:
    """Values at which tables are written down, the special ones last."""
    grid = with_places(attribute_grid(attribute, points), part)
    unseen = [-1.0] if attribute.kind == "category" else []
    return np.concatenate([grid, unseen, [np.nan] if attribute.missing else []])


def _part(fit: Fit, summary: TrainingSummary, index: int, name: str, points: int) -> dict[str, Any]:
    part = parts_of(fit)[index]
    entry = {"name": name, "kind": part.kind, "attributes": [int(p) for p in part.attributes]}
    if part.kind == "term":
        return entry | _term_tables(fit, summary, index, points)
    stops = {
        p: _stops(fit.network.attributes[p], points if part.kind == "curve" else _PAIR_POINTS, part)
        for p in part.attributes
    }
    mesh = np.meshgrid(*stops.values(), indexing="ij")
    rows = rows_at(
        {p: values.ravel() for p, values in zip(stops, mesh, strict=True)},
        len(fit.network.attributes),
    )
    mean, sd = evaluate(fit, index, encode(fit, rows))
    shape = (*mesh[0].shape, mean.shape[1])
    return entry | {
        "x": [_grid(fit, p, stops[p]) for p in part.attributes],
        "mean": _rounded(mean.reshape(shape), 6 if part.kind == "curve" else 5),
        "sd": _rounded(sd.reshape(shape), 3 if part.kind == "curve" else 2),
    }


def _grid(fit: Fit, position: int, stops: Array) -> list[float]:
    """The stops that are numbers; empty for a category, whose codes are positions."""
    attribute = fit.network.attributes[position]
    return [] if attribute.kind == "category" else [float(v) for v in stops if not np.isnan(v)]


def _term_tables(fit: Fit, summary: TrainingSummary, index: int, points: int) -> dict[str, Any]:
    part, kept = parts_of(fit)[index], summary.parts[index]
    grids, inner, less, ends = [], [], [], np.zeros(2)
    width = len(fit.network.bias)
    for p in part.attributes:
        stops = _stops(fit.network.attributes[p], points)
        u = encode(fit, rows_at({p: stops}, len(fit.network.attributes)))
        with torch.no_grad():
            values = part.inner[p](u[:, p]).detach().cpu().to(torch.float64).numpy().reshape(-1)
            gone = [it(u).numpy() for it in part.moved if it.attributes[0] == p]
        less.append(_rounded(sum(gone, start=np.zeros((len(u), width)))))
        grids.append(_grid(fit, p, stops))
        inner.append(_rounded(values))
        ends += [values.min(), values.max()]
    knots = np.asarray(part.outer_knots, dtype=np.float64).reshape(-1)
    low, high = min(ends[0], knots[0]), max(ends[1], knots[-1])
    h = np.union1d(np.linspace(low, high, _OUTER_POINTS), knots)
    with torch.no_grad():
        outer = part.outer(torch.as_tensor(h)).detach().cpu().to(torch.float64).numpy()
    edges = np.asarray(kept.inner_edges)
    middles = (edges[:-1] + edges[1:]) / 2
    sd = np.stack([np.interp(h, middles, column) for column in kept.inner_sd], axis=1)
    return {
        "x": grids,
        "inner": inner,
        "less": less,
        "h": [float(v) for v in h],
        "mean": _rounded(outer),
        "sd": _rounded(sd, 3),
    }


def add_up(tables: dict[str, Any], row: Array) -> tuple[Array, Array]:
    """What the form computes for one row: contributions and standard deviations [P, K] each.

    The page's JavaScript does the same; a test in a browser compares the two.
    """
    width = len(tables["baseline"])
    means, sds = np.zeros((2, len(tables["parts"]), width))
    for j, part in enumerate(tables["parts"]):
        weights = [
            _weights(grid, tables["attributes"][p], row[p])
            for grid, p in zip(part["x"], part["attributes"], strict=True)
        ]
        if part["kind"] == "term":
            inner = sum(
                sum(w * values[i] for i, w in pairs)
                for pairs, values in zip(weights, part["inner"], strict=True)
            )
            gone = [_mix(np.asarray(t), [w]) for t, w in zip(part["less"], weights, strict=True)]
            means[j] -= np.sum(gone, axis=0)
            weights = [_between(part["h"], inner)]
        mean, sds[j] = (_mix(np.asarray(part[key]), weights) for key in ("mean", "sd"))
        means[j] += mean
    return means, np.maximum(sds, 0.0)


def _weights(grid: list[float], attribute: dict[str, Any], value: float) -> list[tuple[int, float]]:
    """Which stops are mixed for a value, and how."""
    if attribute["kind"] == "category":
        levels = len(attribute["levels"])
        return [(levels + 1 if np.isnan(value) else int(value) if value >= 0 else levels, 1.0)]
    return [(len(grid), 1.0)] if np.isnan(value) else _between(grid, value)


def _between(grid: list[float], value: float) -> list[tuple[int, float]]:
    """Weights of the two entries around a value, or of the last two beyond the grid."""
    if len(grid) == 1:
        return [(0, 1.0)]
    i = min(max(int(np.searchsorted(grid, value, side="right")) - 1, 0), len(grid) - 2)
    share = (value - grid[i]) / (grid[i + 1] - grid[i])
    return [(i, 1 - share), (i + 1, share)]


def _mix(table: Array, weights: list[list[tuple[int, float]]]) -> Array:
    if not weights:
        return table
    return sum(
        (w * _mix(table[i], weights[1:]) for i, w in weights[0]), start=np.zeros(table.shape[-1])
    )


def exactness(fit: Fit, summary: TrainingSummary, tables: dict[str, Any]) -> tuple[float, float]:
    """Mean and largest difference between form and model on the link scale, over random rows.

    The rows, 300 or fewer where there are many parts, are drawn evenly from what is worth drawing
    of each attribute's range, with a fixed seed.
    """
    count = min(300, max(40, 10_000 // max(1, len(tables["parts"]))))
    x = _random_rows(summary, count)
    ready = [
        part | {"mean": np.asarray(part["mean"]), "sd": np.asarray(part["sd"])}
        for part in tables["parts"]
    ]
    with torch.no_grad():
        truth = fit.network(torch.as_tensor(x)).detach().cpu().numpy()
    found = np.stack([add_up(tables | {"parts": ready}, row)[0].sum(axis=0) for row in x])
    difference = np.abs(found + np.asarray(tables["baseline"]) - truth)
    return float(difference.mean()), float(difference.max())


def _random_rows(summary: TrainingSummary, count: int) -> Array:
    generator = np.random.default_rng(0)
    columns = []
    for kept in summary.attributes:
        if kept.kind == "category":
            columns.append(generator.integers(0, max(len(kept.levels), 1), count).astype(float))
        else:
            columns.append(generator.uniform(*(kept.view or (0.0, 0.0)), count))
    return np.column_stack(columns)


def _rounded(values: Array, digits: int = 6) -> Any:
    """Nested lists of numbers with so many significant digits."""
    values = np.asarray(values, dtype=np.float64)
    flat = [float(f"{v:.{digits}g}") for v in values.ravel()]
    return np.array(flat).reshape(values.shape).tolist()
