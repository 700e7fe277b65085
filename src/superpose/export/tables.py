"""The main curves of a fitted model as lookup tables that a few lines of any language can read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from superpose import __version__
from superpose.estimators.schema import ColumnPlan
from superpose.explain import Outputs, part_names
from superpose.export.axis_pieces import AxisPieces
from superpose.export.link import link_of
from superpose.export.pieces import Pieces
from superpose.export.written import Written
from superpose.networks import Attribute, MainCurve

__all__ = ["CSV_HEADER", "csv_of", "to_tables"]

CSV_HEADER = ("kind", "column", "output", "key", "start", "numbers")
FORMAT = "superpose tables"


def to_tables(model: Any) -> dict[str, Any]:
    """Write the additive part of a model as plain lists and numbers, ready for JSON.

    What it gives is the model's own sum, not a grid of it: between two knots a curve is written as
    the polynomial that it is to float64, beyond them as the straight line that it becomes, and the
    axis of a number by the exact formula of its map. So the tables agree with the model to 1e-9 of
    a curve's size inside, between and beyond the knots; ``largest_difference`` says what was found.
    Pairs and terms are no tables of one column; ``left_out`` names them.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted.

    Returns
    -------
    dict
        ``bias``, one number an output; ``curves``, for each main curve its ``column`` and, for a
        number, its ``axis`` and ``pieces`` (centre, scale, and the coefficients of every output)
        with the ``edges`` between them, for a category its ``levels`` and what is ``unseen``, and
        the value where it is ``missing``; and what the outputs are. Their ``link`` says how the sum
        becomes a prediction: "identity", "log" (it is the exponential), "logit" or "softmax". The
        guide has a reader of 20 lines.

    Warns
    -----
    ConvergenceWarning
        Where a curve differs from the model by more than 1e-9 of its size.

    Examples
    --------
    >>> from superpose import KSTRegressor
    >>> from superpose.export import to_tables
    >>> model = KSTRegressor(pairs=0, terms=0).fit([["a"], ["b"], ["a"]], [1.0, 2.0, 1.0])
    >>> tables = to_tables(model)
    >>> sorted(tables["curves"][0]["levels"]), tables["left_out"]
    (['a', 'b'], [])
    """
    network, link = model.fit_.network, link_of(model)
    outputs = Outputs(model.target_name_, model.summary_.classes, log=link == "log")
    curves, left_out, worst = [], [], 0.0
    for name, part in zip(part_names(model.fit_), network.parts, strict=True):
        if not isinstance(part, MainCurve):
            left_out.append(name)
            continue
        p = part.attributes[0]
        written = Written.of(part.basis, part.heights)
        worst = max(worst, written.shape.error if isinstance(written.shape, Pieces) else 0.0)
        curves.append(_curve(model.schema_.columns[p], network.attributes[p], written))
    return {
        "format": FORMAT,
        "version": 1,
        "superpose": __version__,
        "target": model.target_name_,
        "classes": list(outputs.classes),
        "units": list(outputs.units),
        "link": link,
        "bias": network.bias.tolist(),
        "curves": curves,
        "left_out": left_out,
        "largest_difference": worst,
    }


def _curve(plan: ColumnPlan, attribute: Attribute, written: Written) -> dict[str, Any]:
    entry: dict[str, Any] = {"column": plan.name, "missing": written.missing.tolist()}
    if isinstance(written.shape, Pieces):
        assert attribute.axis is not None
        return {**entry, "axis": _axis(AxisPieces.of(attribute.axis)), **_pieces(written.shape)}
    values = written.shape.tolist()
    pooled = values.pop() if plan.pooled else [0.0] * len(written.missing)
    names = plan.levels[:-1] if plan.pooled else plan.levels
    return {**entry, "levels": dict(zip(names, values, strict=True)), "unseen": pooled}


def _axis(axis: AxisPieces) -> dict[str, Any]:
    return {
        "scale": axis.scale,
        "limits": list(axis.limits),
        "edges": axis.edges.tolist(),
        "pieces": axis.rows.tolist(),
    }


def _pieces(pieces: Pieces) -> dict[str, Any]:
    """Edges, and for each cell its centre, its scale, and one list of coefficients an output."""
    cells = zip(pieces.centre.tolist(), pieces.scale.tolist(), pieces.coefficients, strict=True)
    rows = [[centre, scale, *(_trimmed(it) for it in own.T)] for centre, scale, own in cells]
    return {"edges": pieces.edges.tolist(), "pieces": rows}


def _trimmed(coefficients: Any) -> list[float]:
    """Coefficients without the zeros at the end; one number at least."""
    used = np.flatnonzero(coefficients)
    return list(coefficients[: used[-1] + 1 if len(used) else 1].tolist())


def csv_of(tables: dict[str, Any]) -> str:
    """The same tables as one CSV file, a row a piece, level or number.

    Examples
    --------
    >>> from superpose.export.tables import csv_of
    >>> level = {"column": "hue", "missing": [0.0], "levels": {"red": [0.5]}, "unseen": [0.0]}
    >>> print(csv_of({"bias": [1.0], "curves": [level], "units": ["price"], "link": "identity"}))
    kind,column,output,key,start,numbers
    link,,,identity,,
    bias,,0,price,,1.0
    missing,hue,0,,,0.0
    unseen,hue,0,,,0.0
    level,hue,0,red,,0.5
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    writer.writerow(["link", "", "", tables["link"], "", ""])
    for k, (unit, value) in enumerate(zip(tables["units"], tables["bias"], strict=True)):
        writer.writerow(["bias", "", k, unit, "", repr(value)])
    for curve in tables["curves"]:
        writer.writerows(_rows_of_a_curve(curve))
    return text.getvalue().rstrip("\n")


def _rows_of_a_curve(curve: dict[str, Any]) -> Iterator[list[Any]]:
    name = curve["column"]
    for k, value in enumerate(curve["missing"]):
        yield ["missing", name, k, "", "", repr(value)]
    if "levels" in curve:
        for k, value in enumerate(curve["unseen"]):
            yield ["unseen", name, k, "", "", repr(value)]
        for level, values in curve["levels"].items():
            for k, value in enumerate(values):
                yield ["level", name, k, level, "", repr(value)]
        return
    axis = curve["axis"]
    yield ["limits", name, "", "", "", _joined([axis["scale"], *axis["limits"]])]
    for start, row in zip(["", *axis["edges"]], axis["pieces"], strict=True):
        yield ["axis", name, "", "", start, _joined(row)]
    for start, (centre, scale, *outputs) in zip(
        ["", *curve["edges"]], curve["pieces"], strict=True
    ):
        for k, own in enumerate(outputs):
            yield ["curve", name, k, "", start, _joined([centre, scale, *own])]


def _joined(numbers: list[float]) -> str:
    return " ".join(repr(it) for it in numbers)
