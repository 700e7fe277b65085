"""The model of a table: Newton, evidence, growth along the dial, posterior."""
