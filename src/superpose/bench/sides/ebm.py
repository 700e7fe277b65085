"""Explainable boosting machines of interpret-core, with pairs and without."""

from __future__ import annotations

from typing import Any

from superpose.bench.sides.side import Side

__all__ = ["EBM", "EBM_MAINS"]


def make(classes: int, **settings: Any) -> Any:
    """Build one at its defaults, but in one process, so that its CPU time can be read."""
    from interpret.glassbox import ExplainableBoostingClassifier, ExplainableBoostingRegressor

    maker = ExplainableBoostingClassifier if classes else ExplainableBoostingRegressor
    return maker(n_jobs=1, **settings)


def make_mains(classes: int, **settings: Any) -> Any:
    return make(classes, interactions=0, **settings)


def parts(model: Any) -> dict[str, int]:
    sizes = [len(term) for term in model.term_features_]
    return {"curves": len(sizes), "pairs": sum(size > 1 for size in sizes)}


BRIEF = {"outer_bags": 1, "max_rounds": 2}
WHERE = ("interpret-core", "interpret")

EBM = Side("ebm", *WHERE, make, "defaults, n_jobs=1", parts, BRIEF)
EBM_MAINS = Side("ebm_mains", *WHERE, make_mains, "interactions=0, n_jobs=1", parts, BRIEF)
