"""Scores a row from the JSON of `superpose export`, with nothing but the standard library."""

from bisect import bisect_right
from math import exp


def place(x, axis):
    x = min(max(x * axis["scale"], axis["limits"][0]), axis["limits"][1])
    x0, w, a, r, g, d = axis["pieces"][bisect_right(axis["edges"], x)]
    t = (x - x0) * w
    e = t * (1 - t)
    return a + r * (t + e * (g - d * t) / (1 + d * e))


def contribution(value, curve):
    if value is None or value != value or value == "":
        return curve["missing"]
    if "levels" in curve:
        return curve["levels"].get(value, curve["unseen"])
    u = place(value, curve["axis"])
    centre, scale, *outputs = curve["pieces"][bisect_right(curve["edges"], u)]
    return [sum(c * ((u - centre) * scale) ** n for n, c in enumerate(own)) for own in outputs]


def score(row, tables):
    parts = [contribution(row[curve["column"]], curve) for curve in tables["curves"]]
    return [bias + sum(own) for bias, *own in zip(tables["bias"], *parts, strict=True)]


def predict(row, tables):  # of a regression
    (own,) = score(row, tables)
    return exp(min(own, 700.0)) if tables["link"] == "log" else own
