"""How good, how fast and how readable each side is on public tables."""

from superpose.bench.registry import QUICK, TABLES, BenchTable
from superpose.bench.results import Results
from superpose.bench.run import Plan, run_tables
from superpose.bench.sides import SIDES, Side

__all__ = ["QUICK", "SIDES", "TABLES", "BenchTable", "Plan", "Results", "Side", "run_tables"]
