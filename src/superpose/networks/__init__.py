"""Networks: curves on the Kolmogorov-Arnold topology.

f(x) = b + Σ_p g_p(x_p) + Σ_(p,r) s_pr(x_p, x_r) + Σ_q Φ_q(Σ_p ψ_qp(x_p))
"""

from superpose.networks.attribute import Attribute
from superpose.networks.axis_rows import AxisRows
from superpose.networks.formula_network import FormulaNetwork
from superpose.networks.gaussian_moments import GaussianRows, gaussian_moments
from superpose.networks.hand_basis import HandBasis
from superpose.networks.input_basis import InputBasis
from superpose.networks.kst_head import HeadExplanation, KSTHead
from superpose.networks.kst_layer import KSTLayer, LinkCurve
from superpose.networks.kst_network import KSTNetwork
from superpose.networks.main_curve import MainCurve
from superpose.networks.moved import Moved
from superpose.networks.network_formula import NetworkFormula
from superpose.networks.nodewise_layer import NodewiseLayer
from superpose.networks.pair_surface import PairSurface
from superpose.networks.routine_step import routine_step
from superpose.networks.running_axis import RunningAxis
from superpose.networks.scaled import Scaled
from superpose.networks.slnn import SLNN
from superpose.networks.superposition import Superposition
from superpose.networks.term import Term

__all__ = [
    "SLNN",
    "Attribute",
    "AxisRows",
    "FormulaNetwork",
    "GaussianRows",
    "HandBasis",
    "HeadExplanation",
    "InputBasis",
    "KSTHead",
    "KSTLayer",
    "KSTNetwork",
    "LinkCurve",
    "MainCurve",
    "Moved",
    "NetworkFormula",
    "NodewiseLayer",
    "PairSurface",
    "RunningAxis",
    "Scaled",
    "Superposition",
    "Term",
    "gaussian_moments",
    "routine_step",
]
