"""Figures of a fitted model, one display a file; each holds its data and its artists."""

from superpose.plots.activity_display import ActivityDisplay
from superpose.plots.comparison_display import ComparisonDisplay
from superpose.plots.curve_display import CurveDisplay
from superpose.plots.dial_display import DialDisplay
from superpose.plots.group_display import GroupDisplay
from superpose.plots.head_display import HeadDisplay
from superpose.plots.importance_display import ImportanceDisplay
from superpose.plots.stability_display import StabilityDisplay
from superpose.plots.surface_display import SurfaceDisplay
from superpose.plots.term_display import TermDisplay
from superpose.plots.waterfall_display import WaterfallDisplay

__all__ = [
    "ActivityDisplay",
    "ComparisonDisplay",
    "CurveDisplay",
    "DialDisplay",
    "GroupDisplay",
    "HeadDisplay",
    "ImportanceDisplay",
    "StabilityDisplay",
    "SurfaceDisplay",
    "TermDisplay",
    "WaterfallDisplay",
]
