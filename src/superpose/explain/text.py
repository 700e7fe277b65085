"""Numbers and small tables as a person reads them; shared by terminal, figures and report."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["number", "probability", "signed", "spread", "table"]


def number(value: float, digits: int = 3) -> str:
    """Write a number with a few significant digits and no needless zeros.

    Examples
    --------
    >>> [number(v) for v in (0, 3.14159, 1234567, 0.00012, 2.0, 1e-12, float("nan"))]
    ['0', '3.14', '1,234,567', '0.00012', '2', '1e-12', 'not a number']
    """
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("infinity" if value > 0 else "-infinity")
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e9 or size < 1e-4:
        return f"{value:.{digits}g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed(value: float, digits: int = 3) -> str:
    """A number with its sign, as contributions are written.

    Examples
    --------
    >>> signed(0.5), signed(-2), signed(0)
    ('+0.5', '-2', '0')
    """
    return ("+" if value > 0 else "") + number(value, digits)


def probability(value: float | None) -> str:
    """A probability as tests report it; a dash for one that was not asked.

    Examples
    --------
    >>> [probability(v) for v in (0.5, 0.0314, 3e-9, None)]
    ['0.5', '0.031', '< 0.0001', '–']
    """
    if value is None:
        return "–"
    return "< 0.0001" if value < 1e-4 else number(value, 2)


def spread(count: int, most: int) -> list[int]:
    """Evenly spread positions in a sequence: at most `most` of `count`, ends included.

    Examples
    --------
    >>> spread(10, 4), spread(3, 5)
    ([0, 3, 6, 9], [0, 1, 2])
    """
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """A plain table: first column to the left, the others to the right.

    Examples
    --------
    >>> print(table(["x", "mean"], [["1", "+0.5"], ["10", "-2"]]))
      x    mean
      1    +0.5
      10     -2
    """
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[j]) for row in cells) for j in range(len(head))]
    lines = []
    for row in cells:
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append(indent + "   ".join([first, *rest]).rstrip())
    return "\n".join(lines)
