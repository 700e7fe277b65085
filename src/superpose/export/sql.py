"""An additive model as one SQL query: arithmetic, CASE, and three functions every engine has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from superpose.errors import InputError
from superpose.estimators.links import LARGEST
from superpose.export.sql_text import case, identifier, literal, number, polynomial
from superpose.export.tables import to_tables

__all__ = ["to_sql"]

LARGEST_FLOAT = 1.7976931348623157e308


def to_sql(model: Any, table: str = "data", keep: Sequence[str] = ()) -> str:
    """Write an additive model as one SELECT that scores the rows of a table.

    The query reads the columns of fit by their names, under which the table must have them. It
    gives the columns in `keep`, then ``score`` and ``prediction`` for a regressor, the latter the
    exponential of the former with a log link (Poisson, Gamma; for an exposure of 1); ``score``,
    ``prediction`` (the label) and ``probability_0``, ``probability_1``, ... in the order of the
    classes for a classifier (with more than two classes ``score_0``, ``score_1``, ...). NULL is a
    missing value, and so is NaN in engines that order it above all numbers, and empty text.
    Categories are compared as text; dates must be decimal years, as `predict` reads them.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted with ``pairs=0, terms=0``, or with none kept.
    table : str, default="data"
        Name of the table; quoted, so it may hold anything but is one name, not a path of names.
    keep : sequence of str, optional
        More columns of the table to return, such as a key.

    Returns
    -------
    str
        Standard SQL (double-quoted names, CASE, EXP, LEAST, GREATEST), checked in DuckDB.

    Raises
    ------
    InputError
        Where the model has pairs or terms, or a name that no SQL engine accepts.

    Examples
    --------
    >>> from superpose import KSTRegressor
    >>> from superpose.export import to_sql
    >>> model = KSTRegressor(pairs=0, terms=0).fit([["a"], ["b"], ["a"]], [1.0, 2.0, 1.0])
    >>> to_sql(model, "visits").splitlines()[-1]
    'FROM superpose_scores'
    """
    tables = to_tables(model)
    if tables["left_out"]:
        raise InputError(
            "SQL is written of additive models only",
            f"found {', '.join(tables['left_out'])}",
            "fit with pairs=0, terms=0, or export to ONNX",
        )
    kept = [f"k{i}" for i in range(len(keep))]
    steps = [
        ("superpose_rows", _columns(tables, keep), identifier(table)),
        ("superpose_axis", [*kept, *_places(tables)], "superpose_rows"),
        ("superpose_scores", [*kept, *_scores(tables)], "superpose_axis"),
    ]
    named = [f"{own} AS {identifier(name)}" for own, name in zip(kept, keep, strict=True)]
    if len(tables["classes"]) < 2:
        mean = f"EXP({_within('s0', LARGEST)})" if tables["link"] == "log" else "s0"
        last = [*named, "s0 AS score", f"{mean} AS prediction"]
        return f"WITH {_with(steps)}\n{_select(last, 'superpose_scores')}\n"
    labels = [_label(it) for it in model.classes_.tolist()]
    if len(labels) == 2:
        return f"WITH {_with(steps)}\n{_select([*named, *_two(labels)], 'superpose_scores')}\n"
    return f"WITH {_with([*steps, _largest(kept, len(labels))])}\n{_many(named, labels)}\n"


def _within(value: str, most: float) -> str:
    return f"LEAST(GREATEST({value}, {number(-most)}), {number(most)})"


def _label(label: Any) -> str:
    if isinstance(label, bool):
        return str(label).upper()
    return repr(label) if isinstance(label, (int, float)) else literal(str(label))


def _with(steps: list[tuple[str, list[str], str]]) -> str:
    return ",\n".join(f"{name} AS (\n{_select(what, source)}\n)" for name, what, source in steps)


def _select(what: list[str], source: str) -> str:
    what = what or ["0e0 AS nothing"]  # no column is worth a curve, and none is kept
    return "SELECT\n  " + ",\n  ".join(what) + f"\nFROM {source}"


def _columns(tables: dict[str, Any], keep: Sequence[str]) -> list[str]:
    """Every column by a name of its own, numbers as doubles, categories as text."""
    kept = [f"{identifier(name)} AS k{i}" for i, name in enumerate(keep)]
    read = []
    for i, curve in enumerate(tables["curves"]):
        kind = "VARCHAR" if "levels" in curve else "DOUBLE PRECISION"
        read.append(f"CAST({identifier(curve['column'])} AS {kind}) AS x{i}")
    return [*kept, *read]


def _places(tables: dict[str, Any]) -> list[str]:
    """Text as it is; a number's place on its axis, NULL where it is missing."""
    return [
        f"CASE WHEN TRIM(x{i}) <> '' THEN x{i} END AS u{i}"
        if "levels" in curve
        else f"{_axis(f'x{i}', curve['axis'])} AS u{i}"
        for i, curve in enumerate(tables["curves"])
    ]


def _axis(x: str, axis: dict[str, Any]) -> str:
    low, high = (number(it) for it in axis["limits"])
    scaled = x if axis["scale"] == 1 else f"{x} * {number(axis['scale'])}"
    v = f"LEAST(GREATEST({scaled}, {low}), {high})"
    known = f"{x} <= {number(LARGEST_FLOAT)}"  # neither NULL nor NaN
    ends = (0, len(axis["edges"]))
    branches = [
        _axis_piece(v if i in ends else scaled, row) for i, row in enumerate(axis["pieces"])
    ]
    return f"CASE WHEN {known} THEN {case(scaled, axis['edges'], branches)} END"


def _axis_piece(x: str, row: list[float]) -> str:
    x0, w, a, r, g, d = row
    t = f"({x} - {number(x0)}) * {number(w)}"
    if g == d == 0:
        return f"{number(a)} + {number(r)} * ({t})"
    e = f"({t}) * (1e0 - {t})"
    bent = f"{e} * ({number(g)} - {number(d)} * ({t})) / (1e0 + {number(d)} * {e})"
    return f"{number(a)} + {number(r)} * ({t} + {bent})"


def _scores(tables: dict[str, Any]) -> list[str]:
    def total(k: int, bias: float) -> str:
        own = [_contribution(f"u{i}", curve, k) for i, curve in enumerate(tables["curves"])]
        return " + ".join([number(bias), *own])

    return [f"{total(k, bias)} AS s{k}" for k, bias in enumerate(tables["bias"])]


def _contribution(u: str, curve: dict[str, Any], k: int) -> str:
    missing = number(curve["missing"][k])
    if "levels" not in curve:
        pieces = [polynomial(u, piece[0], piece[1], piece[2 + k]) for piece in curve["pieces"]]
        return f"CASE WHEN {u} IS NULL THEN {missing} ELSE {case(u, curve['edges'], pieces)} END"
    truths = set(curve["levels"]) <= {"True", "False"}  # engines spell booleans in small letters
    branches = " ".join(
        f"WHEN {_is_level(u, level, truths)} THEN {number(values[k])}"
        for level, values in curve["levels"].items()
    )
    return f"CASE WHEN {u} IS NULL THEN {missing} {branches} ELSE {number(curve['unseen'][k])} END"


def _is_level(u: str, level: str, truths: bool) -> str:
    also = f" OR {u} = {literal(level.lower())}" if truths else ""
    return f"{u} = {literal(level)}{also}"


def _two(labels: list[str]) -> list[str]:
    """Score, label and both probabilities, none of which can overflow."""
    small = "EXP(-LEAST(ABS(s0), 700e0))"
    low, high = f"{small} / (1e0 + {small})", f"1e0 / (1e0 + {small})"
    return [
        "s0 AS score",
        f"CASE WHEN s0 > 0e0 THEN {labels[1]} ELSE {labels[0]} END AS prediction",
        f"CASE WHEN s0 > 0e0 THEN {low} ELSE {high} END AS probability_0",
        f"CASE WHEN s0 > 0e0 THEN {high} ELSE {low} END AS probability_1",
    ]


def _largest(kept: list[str], count: int) -> tuple[str, list[str], str]:
    scores = [f"s{k}" for k in range(count)]
    what = [*kept, *scores, f"GREATEST({', '.join(scores)}) AS best"]
    return "superpose_best", what, "superpose_scores"


def _many(named: list[str], labels: list[str]) -> str:
    count = range(len(labels))
    weights = [f"EXP(GREATEST(s{k} - best, -700e0))" for k in count]
    total = " + ".join(weights)
    wins = " ".join(f"WHEN s{k} = best THEN {labels[k]}" for k in count)
    what = [
        *named,
        *(f"s{k} AS score_{k}" for k in count),
        f"CASE {wins} END AS prediction",
        *(f"{weights[k]} / ({total}) AS probability_{k}" for k in count),
    ]
    return _select(what, "superpose_best")
