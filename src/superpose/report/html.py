"""HTML and SVG built from Python calls, with every text escaped unless it is already markup."""

from __future__ import annotations

import html as escaping
from collections.abc import Iterable

__all__ = ["Markup", "join", "tag"]

_VOID = {"meta", "link", "input", "br", "img", "line", "rect", "circle", "path", "image", "stop"}


class Markup(str):
    """Text that is HTML already and is not escaped again; made by `tag` and `join` only."""

    __slots__ = ()


#: A percent sign stays on the line of its number.
_PERCENT = "\u00a0%"

Child = str | None | Iterable["Child"]


def tag(name: str, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """One element; children that are not `Markup` are text, and are escaped.

    Attributes may end in an underscore (`class_`) and write `_` for `-`. None and False leave an
    attribute out, True writes it without a value, numbers get two decimals.

    Examples
    --------
    >>> print(tag("p", "5 < 6 & ", tag("b", "7"), class_="note", hidden=True, id=None))
    <p class="note" hidden>5 &lt; 6 &amp; <b>7</b></p>
    >>> print(tag("line", x1=1 / 3, stroke_width=2))
    <line x1="0.33" stroke-width="2"/>
    """
    words = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{words}/>")
    return Markup(f"<{name}{words}>{join(children)}</{name}>")


def join(children: Child) -> Markup:
    """One piece of markup from nested children, escaped where they are text.

    Examples
    --------
    >>> print(join(["a < b", None, [tag("i", "c")]]))
    a &lt; b<i>c</i>
    """
    if children is None:
        return Markup("")
    if isinstance(children, Markup):
        return children
    if isinstance(children, str):
        return Markup(escaping.escape(children).replace(" %", _PERCENT))
    return Markup("".join(join(child) for child in children))


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-").replace("viewbox", "viewBox")
    if value is True:
        return f" {name}"
    if isinstance(value, str):
        return f' {name}="{escaping.escape(value)}"'
    return f' {name}="{f"{value:.2f}".rstrip("0").rstrip(".")}"'
