"""Curves: learned functions of one number, the only thing that is learned in this library."""

from superpose.curves.axis import Axis
from superpose.curves.even_basis import EvenBasis
from superpose.curves.gp_basis import GPBasis
from superpose.curves.gp_curve import GPCurve
from superpose.curves.kernels import (
    KERNELS,
    Matern12,
    Matern32,
    Matern52,
    SquaredExponential,
    kernel,
)
from superpose.curves.level_basis import LevelBasis
from superpose.curves.moments import CardinalMoments, cardinal_moments
from superpose.curves.spline_basis import SHAPES, SplineBasis

__all__ = [
    "KERNELS",
    "SHAPES",
    "Axis",
    "CardinalMoments",
    "EvenBasis",
    "GPBasis",
    "GPCurve",
    "LevelBasis",
    "Matern12",
    "Matern32",
    "Matern52",
    "SplineBasis",
    "SquaredExponential",
    "cardinal_moments",
    "kernel",
]
