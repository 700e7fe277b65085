"""Fitting: how curves are learned. Newton's method, evidence, growth of the dial, posterior."""

from superpose.fitting.batches import RowBatch
from superpose.fitting.checks import Check
from superpose.fitting.deadline import Deadline, Stopped
from superpose.fitting.dial import DialStep
from superpose.fitting.edit import Edit
from superpose.fitting.fit import Fit, fit_superposition
from superpose.fitting.network_fit import NetworkFit, fit_network
from superpose.fitting.network_jacobian import network_jacobian
from superpose.fitting.network_search import NetworkStep
from superpose.fitting.part_slopes import MovedHeights, Share
from superpose.fitting.posterior import Posterior
from superpose.fitting.screened import Screened

__all__ = [
    "Check",
    "Deadline",
    "DialStep",
    "Edit",
    "Fit",
    "MovedHeights",
    "NetworkFit",
    "NetworkStep",
    "Posterior",
    "RowBatch",
    "Screened",
    "Share",
    "Stopped",
    "fit_network",
    "fit_superposition",
    "network_jacobian",
]
