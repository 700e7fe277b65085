"""Small offline tables with known answers, for examples and tests."""
