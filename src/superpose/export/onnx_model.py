"""A fitted model as an ONNX graph that gives predictions and every part's contribution."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from superpose import __version__
from superpose.estimators.links import LARGEST
from superpose.estimators.schema import ColumnPlan
from superpose.explain import part_names
from superpose.export.axis_pieces import AxisPieces
from superpose.export.link import link_of
from superpose.export.onnx_graph import Graph
from superpose.export.onnx_inputs import input_names
from superpose.export.pieces import Pieces
from superpose.export.written import Written
from superpose.networks import Attribute, MainCurve, PairSurface, Term

__all__ = ["to_onnx"]

OPSET, ML_OPSET, IR_VERSION = 18, 2, 10


def to_onnx(model: Any) -> Any:
    """Write a fitted model as an ONNX graph, in double precision.

    The graph has one input a column, named like it, of shape [N, 1]: a double for a number (NaN
    where it is missing), a string for a category (empty where it is missing); `onnx_inputs` makes
    them of a table. A classifier has the outputs ``label`` [N], ``probabilities`` [N, classes] and
    ``score`` [N, K], a regressor ``prediction`` [N], and with a log link (Poisson, Gamma) its
    logarithm, ``score`` [N, 1], too. All have ``contributions`` [N, parts, K], which add up to the
    score with the baseline that stands in the metadata. An offset is no input: it is added to the
    score, and an exposure multiplies the prediction. The metadata entry "superpose" is JSON:
    target, classes, link, names of the parts, baseline, and what each input is.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted.

    Returns
    -------
    onnx.ModelProto
        Opset 18 and ai.onnx.ml 2. Runtimes need the double-precision kernels of these.

    Raises
    ------
    MissingExtraError
        Where the package onnx is not installed.

    Warns
    -----
    ConvergenceWarning
        Where a curve differs from the model by more than 1e-9 of its size.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.export import to_onnx
    >>> x = np.linspace(0, 6, 50)[:, None]
    >>> graph = to_onnx(KSTRegressor(pairs=0, terms=0).fit(x, np.sin(x[:, 0]))).graph
    >>> [value.name for value in (*graph.input, *graph.output)]
    ['x0', 'prediction', 'contributions']
    """
    graph, network = Graph(), model.fit_.network
    names = input_names(model.schema_.names)
    read = sorted({p for part in network.parts for p in part.attributes})
    places = {
        p: _place(graph, names[plan.name], plan, network.attributes[p])
        for p, plan in ((p, model.schema_.columns[p]) for p in read)
    }
    one = graph.constant(np.array([1]))
    parts = [graph("Unsqueeze", _part(graph, part, places), one) for part in network.parts]
    none = _no_parts(graph, names[model.schema_.columns[0].name], network.n_outputs)
    contributions = graph("Concat", none, *parts, axis=1)
    bias = graph.constant(network.bias.detach().numpy()[None])
    score = graph("Add", graph("ReduceSum", contributions, one, keepdims=0), bias)
    graph.named(contributions, "contributions")
    inputs = [
        (names[plan.name], str if plan.kind == "category" else float, ["N", 1])
        for plan in model.schema_.columns
    ]
    outputs = [
        *_predict(graph, score, model),
        ("contributions", float, ["N", len(parts), network.n_outputs]),
    ]
    return _assembled(graph, inputs, outputs, _metadata(model, names))


def _no_parts(graph: Graph, column: str, n_outputs: int) -> str:
    """An array [N, 0, K], for tables of which no column is worth a curve."""
    rows = graph("Shape", column, start=0, end=1)
    return graph(
        "ConstantOfShape",
        graph("Concat", rows, graph.constant([0, n_outputs]), axis=0),
        value=graph.onnx.numpy_helper.from_array(np.zeros(1)),
    )


def _place(graph: Graph, name: str, plan: ColumnPlan, attribute: Attribute) -> str:
    """Codes [N] of a category, with L for an unseen level and L + 1 for none; or axis units."""
    if plan.kind == "number":
        assert attribute.axis is not None
        return _on_axis(graph, name, AxisPieces.of(attribute.axis))
    own = plan.levels[:-1] if plan.pooled else plan.levels
    codes = graph(
        "LabelEncoder",
        name,
        domain="ai.onnx.ml",
        keys_strings=[*own, ""],
        values_int64s=[*range(len(own)), len(plan.levels) + 1],
        default_int64=len(own),
    )
    return graph.flat(codes)


def _on_axis(graph: Graph, x: str, axis: AxisPieces) -> str:
    """Axis units [N, 1]; NaN stays NaN. See `AxisPieces` for the formula."""
    if axis.scale != 1:
        x = graph("Mul", x, graph.constant(axis.scale))
    low, high = axis.limits
    v = graph("Min", graph("Max", x, graph.constant(low)), graph.constant(high))
    rows = graph("Gather", graph.constant(axis.rows), graph.count_below(v, axis.edges))
    x0, w, a, r, g, d = graph.columns(rows, 6)
    one = graph.constant(1.0)
    t = graph("Mul", graph("Sub", v, x0), w)
    e = graph("Mul", t, graph("Sub", one, t))
    bent = graph("Mul", e, graph("Sub", g, graph("Mul", d, t)))
    bent = graph("Div", bent, graph("Add", one, graph("Mul", d, e)))
    u = graph("Add", a, graph("Mul", r, graph("Add", t, bent)))
    return graph("Where", graph("IsNaN", x), x, u)


def _part(graph: Graph, part: MainCurve | PairSurface | Term, places: dict[int, str]) -> str:
    """The contribution of a part, [N, K]."""
    if isinstance(part, MainCurve):
        return graph.written(places[part.attributes[0]], Written.of(part.basis, part.heights))
    whole = _whole(graph, part, [places[p] for p in part.attributes])
    moved = [_part(graph, curve, places) for curve in part.moved]
    return graph("Sub", whole, graph("Sum", *moved)) if moved else whole


def _whole(graph: Graph, part: PairSurface | Term, at: list[str]) -> str:
    """A pair or a term with what moved to the main curves, [N, K]."""
    if isinstance(part, PairSurface):
        first, second = (graph.written(at[i], Written.cardinal(part.side(i))) for i in (0, 1))
        heights = graph.constant(part.heights.detach().numpy())
        return graph("Einsum", first, heights, second, equation="ni,kij,nj->nk")
    inner = [
        graph.written(at[i], Written.of(part.basis(i), heights[None]))
        for i, heights in enumerate(part.inner_heights)
    ]
    total = graph("Sum", *inner)
    return graph.pieces(total, Pieces.of(part.outer_basis, part.heights.detach()))


def _predict(graph: Graph, score: str, model: Any) -> list[tuple[str, type, list[Any]]]:
    """Add what is predicted from the score; return name, type and shape of each output."""
    link, width = link_of(model), ["N", model.fit_.network.n_outputs]
    if link == "identity":
        graph.named(graph.flat(score), "prediction")
        return [("prediction", float, ["N"])]
    graph.named(score, "score")
    if link == "log":
        low, high = graph.constant(-LARGEST), graph.constant(LARGEST)
        mean = graph("Exp", graph("Max", graph("Min", score, high), low))
        graph.named(graph.flat(mean), "prediction")
        return [("prediction", float, ["N"]), ("score", float, width)]
    kind, shares = _classify(graph, score, model.classes_), ["N", len(model.classes_)]
    return [("label", kind, ["N"]), ("probabilities", float, shares), ("score", float, width)]


def _classify(graph: Graph, score: str, classes: Any) -> type:
    """Add labels and probabilities; return the type of the labels."""
    both = score
    if len(classes) == 2:  # the log-odds of the first class against itself are 0
        both = graph("Concat", graph("Mul", score, graph.constant(0.0)), score, axis=1)
    values, kind = _labels(classes)
    best = graph("ArgMax", both, axis=1, keepdims=0)
    graph.named(graph("Gather", graph.constant(values), best), "label")
    graph.named(graph("Softmax", both, axis=1), "probabilities")
    return kind


def _labels(classes: Any) -> tuple[Any, type]:
    kinds: dict[str, type] = {"b": bool, "i": int, "u": int, "f": float}
    kind = kinds.get(classes.dtype.kind, str)
    return np.array([kind(it) for it in classes.tolist()]), kind


def _metadata(model: Any, names: dict[str, str]) -> dict[str, Any]:
    return {
        "version": __version__,
        "target": model.target_name_,
        "classes": list(model.summary_.classes),
        "link": link_of(model),
        "parts": part_names(model.fit_),
        "baseline": model.fit_.network.bias.tolist(),
        "inputs": {
            names[plan.name]: {"column": plan.name, "kind": plan.kind, "levels": list(plan.levels)}
            for plan in model.schema_.columns
        },
    }


def _assembled(graph: Graph, inputs: Any, outputs: Any, metadata: dict[str, Any]) -> Any:
    onnx = graph.onnx
    helper, proto = onnx.helper, onnx.TensorProto
    kinds = {float: proto.DOUBLE, str: proto.STRING, int: proto.INT64, bool: proto.BOOL}

    def values(entries: Any) -> list[Any]:
        make = helper.make_tensor_value_info
        return [make(name, kinds[kind], shape) for name, kind, shape in entries]

    body = helper.make_graph(
        graph.nodes, "superpose", values(inputs), values(outputs), graph.constants
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    made = helper.make_model(
        body,
        opset_imports=opsets,
        ir_version=IR_VERSION,
        producer_name="superpose",
        producer_version=__version__,
    )
    helper.set_model_props(made, {"superpose": json.dumps(metadata)})
    onnx.checker.check_model(made)
    return made
