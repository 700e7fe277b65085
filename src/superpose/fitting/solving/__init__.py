"""Networks of curves solved to the end: Gauss-Newton, evidence, posterior, formulas."""
