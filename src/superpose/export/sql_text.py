"""Names, texts, numbers and formulae as SQL that means what they mean, whatever is in them."""

from __future__ import annotations

from superpose.errors import InputError

__all__ = ["case", "identifier", "literal", "number", "polynomial"]


def identifier(name: str) -> str:
    """Quote a name of a table or a column.

    Examples
    --------
    >>> print(identifier('size "in"; DROP'))
    "size ""in""; DROP"
    """
    if not name or "\x00" in name:
        raise InputError(
            "a name in SQL must hold one character or more, and none of code 0",
            f"found {name!r}",
            "rename the column before the fit",
        )
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text.

    Examples
    --------
    >>> print(literal("it's"))
    'it''s'
    """
    if "\x00" in text:
        raise InputError(
            "a text in SQL must hold no character of code 0",
            f"found {text!r}",
            "rename the level before the fit",
        )
    return "'" + text.replace("'", "''") + "'"


def number(value: float) -> str:
    """Write a number with all its digits, with an exponent so that it is read as a double.

    Examples
    --------
    >>> number(0.1), number(-2.0), number(1e-300)
    ('0.1e0', '(-2.0e0)', '1e-300')
    """
    text = repr(float(value))
    text = text if "e" in text else f"{text}e0"
    return f"({text})" if value < 0 or text.startswith("-") else text


def case(v: str, edges: list[float], branches: list[str]) -> str:
    """Choose the branch of the cell that holds v; there is one branch more than edges.

    Examples
    --------
    >>> case("u", [0.5], ["1e0", "2e0"])
    'CASE WHEN u < 0.5e0 THEN 1e0 ELSE 2e0 END'
    """
    tests = [
        f"WHEN {v} < {number(edge)} THEN {branch}"
        for edge, branch in zip(edges, branches[:-1], strict=True)
    ]
    return f"CASE {' '.join(tests)} ELSE {branches[-1]} END" if tests else branches[-1]


def polynomial(u: str, centre: float, scale: float, coefficients: list[float]) -> str:
    """Write a polynomial in (u - centre) scale, by Horner's rule.

    Examples
    --------
    >>> polynomial("u", 0.5, 2.0, [1.0, 3.0])
    '1.0e0 + (u - 0.5e0) * (6.0e0)'
    """
    powers = [c * scale**n for n, c in enumerate(coefficients)]
    text, d = number(powers[-1]), f"({u} - {number(centre)})"
    for c in reversed(powers[:-1]):
        text = f"{number(c)} + {d} * ({text})"
    return text
