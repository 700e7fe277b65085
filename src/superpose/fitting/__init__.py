"""Fitting: how curves are learned. Newton's method, evidence, growth of the dial, posterior."""

from superpose.fitting.batches import RowBatch
from superpose.fitting.checks import Check
from superpose.fitting.deadline import Deadline, Stopped
from superpose.fitting.dial import DialStep
from superpose.fitting.edit import Edit
from superpose.fitting.fit import Fit, fit_superposition
from superpose.fitting.fit_formula import FormulaReport, ShapeTried, fit_formula
from superpose.fitting.formula_refinement import RefinedFormula, refine_formula
from superpose.fitting.height_laplace import laplace
from superpose.fitting.height_posterior import HeightPosterior, HeightPrediction
from superpose.fitting.model_perturbation import AMP
from superpose.fitting.network_fit import NetworkFit, fit_network
from superpose.fitting.network_jacobian import network_jacobian
from superpose.fitting.network_search import NetworkStep
from superpose.fitting.network_training import train_network
from superpose.fitting.part_slopes import MovedHeights, Share
from superpose.fitting.perturbed_optimizer import PerturbedOptimizer
from superpose.fitting.posterior import Posterior
from superpose.fitting.pruning import Pruned, prune
from superpose.fitting.screened import Screened
from superpose.fitting.sharpness_aware import ASAM, SAM
from superpose.fitting.snapping import snap
from superpose.fitting.training import Epoch, Training

__all__ = [
    "AMP",
    "ASAM",
    "SAM",
    "Check",
    "Deadline",
    "DialStep",
    "Edit",
    "Epoch",
    "Fit",
    "FormulaReport",
    "HeightPosterior",
    "HeightPrediction",
    "MovedHeights",
    "NetworkFit",
    "NetworkStep",
    "PerturbedOptimizer",
    "Posterior",
    "Pruned",
    "RefinedFormula",
    "RowBatch",
    "Screened",
    "ShapeTried",
    "Share",
    "Stopped",
    "Training",
    "fit_formula",
    "fit_network",
    "fit_superposition",
    "laplace",
    "network_jacobian",
    "prune",
    "refine_formula",
    "snap",
    "train_network",
]
