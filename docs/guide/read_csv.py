"""Scores a row from the CSV of `superpose export`, with nothing but the standard library."""

import csv


def find(rows, kind, column, output="", key="", v=0.0):
    """The numbers of the last row of this kind that starts at or below v."""
    wanted = (kind, column, output, key)
    own = [r for r in rows if (r["kind"], r["column"], r["output"], r["key"]) == wanted]
    own = [r for r in own if r["start"] == "" or float(r["start"]) <= v]
    return [float(it) for it in own[-1]["numbers"].split()] if own else None


def contribution(rows, column, value, k):
    if value is None or value != value or value == "":
        return find(rows, "missing", column, k)[0]
    limits = find(rows, "limits", column)
    if limits is None:
        return (find(rows, "level", column, k, value) or find(rows, "unseen", column, k))[0]
    x = min(max(value * limits[0], limits[1]), limits[2])
    x0, w, a, r, g, d = find(rows, "axis", column, v=x)
    t = (x - x0) * w
    e = t * (1 - t)
    u = a + r * (t + e * (g - d * t) / (1 + d * e))
    centre, scale, *own = find(rows, "curve", column, k, v=u)
    return sum(c * ((u - centre) * scale) ** n for n, c in enumerate(own))


def score(path, row):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    bias = {r["output"]: float(r["numbers"]) for r in rows if r["kind"] == "bias"}
    curves = [r["column"] for r in rows if r["kind"] == "missing" and r["output"] == "0"]
    return [b + sum(contribution(rows, c, row[c], k) for c in curves) for k, b in bias.items()]
