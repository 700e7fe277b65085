"""Curves: learned functions of one number, the only thing that is learned in this library."""

from superpose.curves.axis import Axis
from superpose.curves.conditioning import condition_number
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
from superpose.curves.polynomial_bases import POLYNOMIAL_BASES
from superpose.curves.slaf import SLAF, SLAF_ROUTINES
from superpose.curves.spline_basis import SHAPES, SplineBasis

__all__ = [
    "KERNELS",
    "POLYNOMIAL_BASES",
    "SHAPES",
    "SLAF",
    "SLAF_ROUTINES",
    "Axis",
    "GPBasis",
    "GPCurve",
    "LevelBasis",
    "Matern12",
    "Matern32",
    "Matern52",
    "SplineBasis",
    "SquaredExponential",
    "condition_number",
    "kernel",
]
