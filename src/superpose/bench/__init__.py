"""How good, how fast and how readable each side is on public tables."""

from superpose.bench.account import Account, account
from superpose.bench.display import BenchDisplay
from superpose.bench.registry import BenchTable
from superpose.bench.results import Results
from superpose.bench.run import Plan, run_tables
from superpose.bench.scores import calibration_error
from superpose.bench.sides import Side
from superpose.bench.summary import Mean, Ranks, Row, Versus, geometric_mean, versus
from superpose.bench.targets import Target, judge

__all__ = [
    "Account",
    "BenchDisplay",
    "BenchTable",
    "Mean",
    "Plan",
    "Ranks",
    "Results",
    "Row",
    "Side",
    "Target",
    "Versus",
    "account",
    "calibration_error",
    "geometric_mean",
    "judge",
    "run_tables",
    "versus",
]
