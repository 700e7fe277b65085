"""Superpose itself, at its defaults and with main curves alone."""

from __future__ import annotations

from typing import Any

from superpose.bench.sides.side import Side

__all__ = ["ADDITIVE", "SUPERPOSE"]


def make(classes: int, **settings: Any) -> Any:
    from superpose.estimators import KSTClassifier, KSTRegressor

    return KSTClassifier(**settings) if classes else KSTRegressor(**settings)


def make_additive(classes: int, **settings: Any) -> Any:
    return make(classes, pairs=0, terms=0, **settings)


def parts(model: Any) -> dict[str, int]:
    """Counted in the model, not read off the step of the dial it was grown to."""
    curves = int(model.fit_.network.n_curves())
    return {"curves": curves, "pairs": len(model.pairs_), "terms": len(model.terms_)}


SUPERPOSE = Side("superpose", "superpose", "superpose", make, "defaults", parts)
ADDITIVE = Side("additive", "superpose", "superpose", make_additive, "pairs=0, terms=0", parts)
