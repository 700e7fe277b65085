"""Fitting: how curves are learned. Newton's method, evidence, growth of the dial, posterior."""

from superpose.fitting.deadline import Deadline, Stopped
from superpose.fitting.solving.fit_formula import FormulaReport, ShapeTried, fit_formula
from superpose.fitting.solving.formula_refinement import RefinedFormula, refine_formula
from superpose.fitting.solving.height_laplace import laplace
from superpose.fitting.solving.height_posterior import HeightPosterior, HeightPrediction
from superpose.fitting.solving.network_fit import NetworkFit, fit_network
from superpose.fitting.solving.network_jacobian import network_jacobian
from superpose.fitting.solving.network_search import NetworkStep
from superpose.fitting.solving.pruning import Pruned, prune
from superpose.fitting.solving.snapping import snap
from superpose.fitting.superposition.batches import RowBatch
from superpose.fitting.superposition.checks import Check
from superpose.fitting.superposition.dial import DialStep
from superpose.fitting.superposition.edit import Edit
from superpose.fitting.superposition.fit import Fit, fit_superposition
from superpose.fitting.superposition.part_slopes import MovedHeights, Share
from superpose.fitting.superposition.posterior import Posterior
from superpose.fitting.superposition.screened import Screened
from superpose.fitting.training.model_perturbation import AMP
from superpose.fitting.training.network_training import train_network
from superpose.fitting.training.perturbed_optimizer import PerturbedOptimizer
from superpose.fitting.training.sharpness_aware import ASAM, SAM
from superpose.fitting.training.training import Epoch, Training

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
