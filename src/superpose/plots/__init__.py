"""Figures of a fitted model, one display a file; each holds its data and its artists."""

from superpose.plots.curve_display import CurveDisplay
from superpose.plots.dial_display import DialDisplay
from superpose.plots.importance_display import ImportanceDisplay
from superpose.plots.surface_display import SurfaceDisplay
from superpose.plots.term_display import TermDisplay
from superpose.plots.waterfall_display import WaterfallDisplay

__all__ = [
    "CurveDisplay",
    "DialDisplay",
    "ImportanceDisplay",
    "SurfaceDisplay",
    "TermDisplay",
    "WaterfallDisplay",
]
