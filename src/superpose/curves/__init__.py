"""Curves: learned functions of one number, the only thing that is learned in this library."""

from superpose.curves.axis import Axis
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

__all__ = [
    "KERNELS",
    "Axis",
    "GPBasis",
    "GPCurve",
    "LevelBasis",
    "Matern12",
    "Matern32",
    "Matern52",
    "SquaredExponential",
    "kernel",
]
