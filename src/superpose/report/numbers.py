"""Numbers as they stand on the page: like those in the terminal, with a typographic minus."""

from __future__ import annotations

from superpose.explain import text

__all__ = ["number", "plural", "signed"]


def number(value: float, digits: int = 3) -> str:
    """A few significant digits.

    Examples
    --------
    >>> number(-0.12345)
    '−0.123'
    """
    return text.number(value, digits).replace("-", "−")


def signed(value: float, digits: int = 3) -> str:
    """A number with its sign.

    Examples
    --------
    >>> signed(2), signed(-2)
    ('+2', '−2')
    """
    return text.signed(value, digits).replace("-", "−")


def plural(count: int, noun: str) -> str:
    """A count and its noun.

    Examples
    --------
    >>> plural(1, "pair"), plural(1200, "row")
    ('1 pair', '1,200 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
