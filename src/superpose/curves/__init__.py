"""Curves: learned functions of one number, the only thing that is learned in this library."""

from superpose.curves.axis import Axis
from superpose.curves.conditioning import condition_number
from superpose.curves.curve_formula import CurveFormula, sight, simplest_form
from superpose.curves.diffused_quantizer import DiffusedQuantizer
from superpose.curves.even_basis import EvenBasis
from superpose.curves.form_fit import FormulaFit, Sighting, fit_form
from superpose.curves.forms import FORMS, Form
from superpose.curves.gp_basis import GPBasis
from superpose.curves.gp_curve import GPCurve
from superpose.curves.integer_diffusion import IntegerDiffusion
from superpose.curves.kernels import (
    KERNELS,
    Matern12,
    Matern32,
    Matern52,
    SquaredExponential,
    kernel,
)
from superpose.curves.level_basis import LevelBasis
from superpose.curves.memoryless_quantizer import MemorylessQuantizer
from superpose.curves.moments import CardinalMoments, cardinal_moments
from superpose.curves.polynomial_bases import POLYNOMIAL_BASES
from superpose.curves.resolution import Resolution
from superpose.curves.slaf import SLAF, SLAF_ROUTINES
from superpose.curves.spline_basis import SHAPES, SplineBasis
from superpose.curves.stochastic_quantizer import StochasticQuantizer
from superpose.curves.unquantized import Unquantized

__all__ = [
    "FORMS",
    "KERNELS",
    "POLYNOMIAL_BASES",
    "SHAPES",
    "SLAF",
    "SLAF_ROUTINES",
    "Axis",
    "CardinalMoments",
    "CurveFormula",
    "DiffusedQuantizer",
    "EvenBasis",
    "Form",
    "FormulaFit",
    "GPBasis",
    "GPCurve",
    "IntegerDiffusion",
    "LevelBasis",
    "Matern12",
    "Matern32",
    "Matern52",
    "MemorylessQuantizer",
    "Resolution",
    "Sighting",
    "SplineBasis",
    "SquaredExponential",
    "StochasticQuantizer",
    "Unquantized",
    "cardinal_moments",
    "condition_number",
    "fit_form",
    "kernel",
    "sight",
    "simplest_form",
]
