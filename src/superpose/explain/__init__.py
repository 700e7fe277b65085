"""Reading a fitted model: its curves, surfaces and terms, and why it predicts what it predicts."""

from superpose.explain.compare_models import compare, compare_groups
from superpose.explain.comparison import Agreement, Comparison, CurvePair
from superpose.explain.curve import Curve, Missing
from superpose.explain.curve_spread import CurveSpread, Stability
from superpose.explain.draw_simultaneous import simultaneous_bands
from superpose.explain.explain_rows import explain
from superpose.explain.explanation import Explanation
from superpose.explain.group_view import GroupMetric, GroupView
from superpose.explain.held_out import score_held_out
from superpose.explain.importance import Importance, Importances
from superpose.explain.interactions import Interaction, Interactions, NotKept, interactions
from superpose.explain.outputs import Outputs
from superpose.explain.parts import part_names
from superpose.explain.rank_parts import importances
from superpose.explain.read_curves import curves
from superpose.explain.read_surfaces import surfaces
from superpose.explain.read_terms import terms
from superpose.explain.refit_resamples import stability
from superpose.explain.simultaneous import SimultaneousBand
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
from superpose.explain.view_groups import by_group

__all__ = [
    "Agreement",
    "Association",
    "AttributeSummary",
    "Calibration",
    "Comparison",
    "Curve",
    "CurvePair",
    "CurveSpread",
    "Explanation",
    "GroupMetric",
    "GroupView",
    "HeldOut",
    "Importance",
    "Importances",
    "InnerCurve",
    "Interaction",
    "Interactions",
    "Metric",
    "Missing",
    "NotKept",
    "Outputs",
    "PartSummary",
    "SimultaneousBand",
    "Stability",
    "Surface",
    "Term",
    "TrainingSummary",
    "by_group",
    "compare",
    "compare_groups",
    "curves",
    "explain",
    "importances",
    "interactions",
    "part_names",
    "score_held_out",
    "simultaneous_bands",
    "stability",
    "summarise",
    "surfaces",
    "terms",
]
