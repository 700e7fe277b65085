"""Networks: curves on the Kolmogorov-Arnold topology.

f(x) = b + Σ_p g_p(x_p) + Σ_(p,r) s_pr(x_p, x_r) + Σ_q Φ_q(Σ_p ψ_qp(x_p))
"""

from superpose.networks.attribute import Attribute
from superpose.networks.axis_rows import AxisRows
from superpose.networks.hand_basis import HandBasis
from superpose.networks.input_basis import InputBasis
from superpose.networks.main_curve import MainCurve
from superpose.networks.moved import Moved
from superpose.networks.pair_surface import PairSurface
from superpose.networks.routine_step import routine_step
from superpose.networks.slnn import SLNN
from superpose.networks.superposition import Superposition
from superpose.networks.term import Term

__all__ = [
    "SLNN",
    "Attribute",
    "AxisRows",
    "HandBasis",
    "InputBasis",
    "MainCurve",
    "Moved",
    "PairSurface",
    "Superposition",
    "Term",
    "routine_step",
]
