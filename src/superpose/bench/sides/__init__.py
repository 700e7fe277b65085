"""The sides that are compared, one library a file."""

from superpose.bench.sides.boosted import LIGHTGBM
from superpose.bench.sides.ebm import EBM, EBM_MAINS
from superpose.bench.sides.gam import PYGAM
from superpose.bench.sides.kst import ADDITIVE, SUPERPOSE
from superpose.bench.sides.side import Side
from superpose.bench.sides.splines import SPLINES

__all__ = ["SIDES", "Side"]

SIDES = {
    side.name: side for side in (SUPERPOSE, ADDITIVE, EBM, EBM_MAINS, PYGAM, LIGHTGBM, SPLINES)
}
"""By name, in the order in which they are measured and printed."""
