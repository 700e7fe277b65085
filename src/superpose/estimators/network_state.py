"""A network as arrays and plain words, and back.

Bases are not stored: they follow from knots, kernel and length scale, bit for bit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.curves import KERNELS, Axis, GPBasis, SplineBasis
from superpose.estimators.schema import Schema
from superpose.networks import (
    Attribute,
    HandBasis,
    InputBasis,
    MainCurve,
    PairSurface,
    Superposition,
    Term,
)

__all__ = ["Store", "network_from", "network_to"]

MAX_KNOTS = 2000
"""More control points on one axis are not believed: no fit makes them."""

AXIS = ("points_x", "points_u", "knots")


class Store:
    """Arrays by name, with the names of one part of a model in front.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Shared by all stores that come from this one.
    prefix : str
        What every name begins with.

    Examples
    --------
    >>> import torch
    >>> from superpose.estimators.network_state import Store
    >>> store = Store({})
    >>> store.at("parts").at(0)["heights"] = torch.zeros(2)
    >>> list(store.arrays)
    ['parts.0.heights']
    """

    def __init__(self, arrays: dict[str, NDArray[np.float64]], prefix: str = "") -> None:
        self.arrays = arrays
        self.prefix = prefix

    def at(self, name: str | int) -> Store:
        """Go one level deeper."""
        return Store(self.arrays, f"{self.prefix}{name}.")

    def __setitem__(self, name: str, values: Any) -> None:
        array = values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else values
        self.arrays[self.prefix + name] = np.array(array, dtype=np.float64)

    def __getitem__(self, name: str) -> torch.Tensor:
        return torch.from_numpy(self.arrays[self.prefix + name].copy())

    def get(self, name: str) -> torch.Tensor | None:
        """Return an array, or None where there is none of this name."""
        return self[name] if self.prefix + name in self.arrays else None


def network_to(network: Superposition, store: Store) -> list[dict[str, Any]]:
    """Put the arrays of a network into a store.

    Returns
    -------
    list of dict
        What the arrays cannot say of each part: kind, attributes, kernels.
    """
    for i, attribute in enumerate(network.attributes):
        if attribute.axis is not None:
            for name in AXIS:
                store.at("attributes").at(i)[name] = getattr(attribute.axis, name)
    store["bias"] = network.bias
    parts = store.at("parts")
    return [_part_to(part, parts.at(i)) for i, part in enumerate(network.parts)]


def network_from(schema: Schema, words: list[dict[str, Any]], store: Store) -> Superposition:
    """Undo `network_to`.

    Parameters
    ----------
    schema : Schema
        The columns of the model.
    words : list of dict
        What `network_to` returned.
    store : Store
        The arrays.

    Raises
    ------
    ValueError, KeyError, TypeError
        Where they do not describe a network.
    """
    attributes = [
        _attribute_from(plan, store.at("attributes").at(i)) for i, plan in enumerate(schema.columns)
    ]
    place = store.at("parts")
    parts = [_part_from(it, attributes, place.at(i)) for i, it in enumerate(words)]
    for part in parts:
        if isinstance(part, MainCurve) and part.basis.shape:
            p = part.attributes[0]
            basis = part.basis
            attributes[p] = replace(attributes[p], shape=basis.shape, shape_of=basis.shape_of)
    return Superposition(attributes, store["bias"], parts)


def _attribute_from(plan: Any, store: Store) -> Attribute:
    if plan.kind == "category":
        return Attribute(plan.name, "category", None, plan.levels, plan.missing)
    points_x, points_u, knots = (store[name].numpy() for name in AXIS)
    _require(points_x.ndim == points_u.ndim == knots.ndim == 1, "an axis is one-dimensional")
    _require(len(points_x) == len(points_u) > 0, "an axis has as many x as u")
    for values in (points_x, points_u, knots):
        _require(bool((np.diff(values) > 0).all()), "an axis increases")
    return Attribute(plan.name, "number", Axis(points_x, points_u, knots), None, plan.missing)


def _part_to(part: Any, store: Store) -> dict[str, Any]:
    store["heights"] = part.heights
    words: dict[str, Any] = {"kind": part.kind, "attributes": list(part.attributes)}
    if isinstance(part, MainCurve):
        return {**words, "bases": [_basis_to(part.basis, store.at(0))]}
    moved = store.at("moved")
    words["moved"] = [_part_to(curve, moved.at(i)) for i, curve in enumerate(part.moved)]
    if isinstance(part, PairSurface):
        sides = [_basis_to(side, store.at(i)) for i, side in enumerate(part.sides)]
        return {**words, "bases": sides}
    for i, heights in enumerate(part.inner_heights):
        store.at(i)["heights"] = heights
    store.at("outer")["knots"] = part.outer_basis.knots
    return {
        **words,
        "bases": [_basis_to(basis, store.at(i)) for i, basis in enumerate(part.bases)],
        "outer": _kernel_to(part.outer_basis),
    }


def _part_from(words: dict[str, Any], attributes: list[Attribute], store: Store) -> Any:
    read = tuple(int(p) for p in words["attributes"])
    _require(all(0 <= p < len(attributes) for p in read), "parts read attributes that exist")
    _require(len(read) == len(words["bases"]) == len(set(read)), "a basis for each attribute")
    bases = [
        _basis_from(attributes[p], it, store.at(i))
        for i, (p, it) in enumerate(zip(read, words["bases"], strict=True))
    ]
    sizes = [basis.n_heights for basis in bases]
    heights = store["heights"]
    if words["kind"] == "curve":
        _require(len(read) == 1 and list(heights.shape[1:]) == sizes, "a height for each knot")
        return MainCurve(read[0], bases[0], heights)
    moved = _moved_from(words.get("moved", []), attributes, store.at("moved"))
    if words["kind"] == "pair":
        _require(len(read) == 2 and list(heights.shape[1:]) == sizes, "a height for each knot")
        return PairSurface((read[0], read[1]), (bases[0], bases[1]), heights, moved)
    _require(words["kind"] == "term", "a part is a curve, a pair or a term")
    inner = [store.at(i)["heights"] for i in range(len(read))]
    _require([list(z.shape) for z in inner] == [[n] for n in sizes], "a height for each knot")
    outer = _gp_basis(store.at("outer")["knots"], words["outer"])
    _require(list(heights.shape[1:]) == [outer.n_heights], "a height for each knot")
    return Term(read, bases, inner, outer, heights, moved)


def _moved_from(
    words: list[dict[str, Any]], attributes: list[Attribute], store: Store
) -> list[MainCurve]:
    _require(all(it["kind"] == "curve" for it in words), "what moved is curves")
    return [_part_from(it, attributes, store.at(i)) for i, it in enumerate(words)]


def _basis_to(basis: Any, store: Store) -> dict[str, Any]:
    words = {"missing": bool(basis.missing)}
    if isinstance(basis, HandBasis):
        store["places"] = basis.places
        return {**words, "under": _basis_to(basis.base, store.at("under"))}
    if basis.kind == "category":
        return words
    store["knots"] = basis.knots
    if isinstance(basis.basis, SplineBasis):
        shape = {"shape": list(basis.shape), "shape_of": list(basis.shape_of)}
        return {**words, **shape, "length_scale": basis.basis.length_scale}
    return {**words, **_kernel_to(basis.basis)}


def _basis_from(attribute: Attribute, words: dict[str, Any], store: Store) -> InputBasis:
    missing = bool(words["missing"])
    if "under" in words:
        return _hand_basis_from(attribute, words, store)
    if attribute.kind == "category":
        return InputBasis(attribute, missing=missing)
    knots = _believable(store["knots"])
    length_scale = float(words["length_scale"])
    if "shape" in words:
        shape, of = (tuple(words[name]) for name in ("shape", "shape_of"))
        shaped = replace(attribute, shape=tuple(map(str, shape)), shape_of=tuple(map(int, of)))
        _require(len(knots) > 1 and length_scale > 0, "a shaped curve has two knots or more")
        return InputBasis(shaped, knots, length_scale=length_scale, missing=missing)
    kernel = str(words["kernel"])
    return InputBasis(attribute, knots, kernel=kernel, length_scale=length_scale, missing=missing)


def _hand_basis_from(attribute: Attribute, words: dict[str, Any], store: Store) -> InputBasis:
    places = _believable(store["places"])
    _require(attribute.kind == "number", "only a number is drawn by hand")
    _require(len(places) > 1 and bool((places.diff() > 0).all()), "places increase")
    return HandBasis(_basis_from(attribute, words["under"], store.at("under")), attribute, places)


def _kernel_to(basis: GPBasis) -> dict[str, Any]:
    names = {kind: name for name, kind in KERNELS.items()}
    return {
        "kernel": names[type(basis.kernel)],
        "length_scale": float(basis.kernel.length_scale),
    }


def _gp_basis(knots: torch.Tensor, words: dict[str, Any]) -> GPBasis:
    length_scale = float(words["length_scale"])
    return GPBasis(_believable(knots), str(words["kernel"]), length_scale=length_scale)


def _believable(knots: torch.Tensor) -> torch.Tensor:
    _require(knots.ndim == 1 and 0 < len(knots) <= MAX_KNOTS, f"1 to {MAX_KNOTS} knots")
    return knots


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"there must be {what}" if what[0].isdigit() else what)
