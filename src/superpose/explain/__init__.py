"""Reading a fitted model: its curves, surfaces and terms, and why it predicts what it predicts."""

from superpose.explain.curve import Curve, Missing
from superpose.explain.explain_rows import explain
from superpose.explain.explanation import Explanation
from superpose.explain.held_out import score_held_out
from superpose.explain.importance import Importance, Importances
from superpose.explain.outputs import Outputs
from superpose.explain.parts import part_names
from superpose.explain.rank_parts import importances
from superpose.explain.read_curves import curves
from superpose.explain.read_surfaces import surfaces
from superpose.explain.read_terms import terms
from superpose.explain.summary import (
    Association,
    AttributeSummary,
    Calibration,
    HeldOut,
    Metric,
    PartSummary,
    TrainingSummary,
)
from superpose.explain.surface import Surface
from superpose.explain.term import InnerCurve, Term
from superpose.explain.training_rows import summarise

__all__ = [
    "Association",
    "AttributeSummary",
    "Calibration",
    "Curve",
    "Explanation",
    "HeldOut",
    "Importance",
    "Importances",
    "InnerCurve",
    "Metric",
    "Missing",
    "Outputs",
    "PartSummary",
    "Surface",
    "Term",
    "TrainingSummary",
    "curves",
    "explain",
    "importances",
    "part_names",
    "score_held_out",
    "summarise",
    "surfaces",
    "terms",
]
