"""The whole page, from its sections."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from superpose.report.cautions import cautions
from superpose.report.comparison import comparison_section
from superpose.report.dial import dial
from superpose.report.edits import edits
from superpose.report.fitted import fitted
from superpose.report.form import embedded, form, tables_of
from superpose.report.groups import groups_section
from superpose.report.html import Markup, tag
from superpose.report.interactions import interactions_section
from superpose.report.model import Reading
from superpose.report.overview import key_figures, overview
from superpose.report.parts import importance_bars, main_curves, pairs, terms
from superpose.report.quality import quality
from superpose.report.stability import stability_section

__all__ = ["page"]

#: The page may load nothing: no script, style, font or picture that is not inside it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def page(reading: Reading, about: Mapping[str, str]) -> Markup:
    """A complete HTML document."""
    tables = tables_of(reading)
    sections = [
        ("model", "What the model is", overview(reading)),
        ("edits", "Changed by hand", edits(reading)),
        ("quality", "How good it is", quality(reading)),
        ("dial", "How much there is to read", dial(reading)),
        ("importance", "What matters", importance_bars(reading)),
        ("curves", "Main curves", main_curves(reading)),
        ("interactions", "Which attributes interact", interactions_section(reading)),
        ("pairs", "Pairs", pairs(reading)),
        ("terms", "Terms", terms(reading)),
        ("stability", "Would other rows say the same?", stability_section(reading.stability)),
        ("groups", "Group by group", groups_section(reading.groups)),
        ("comparison", "Side by side", comparison_section(reading.comparison)),
        ("try", "Try it", form(reading, tables)),
        ("cautions", "Cautions", cautions(reading)),
        ("fit", "How it was fitted", fitted(reading, about)),
    ]
    shown = [(key, title, body) for key, title, body in sections if body]
    heading = f"What a model learned about {reading.summary.target}"
    links = [tag("li", tag("a", _short(key), href=f"#{key}")) for key, _, _ in shown]
    body = tag(
        "body",
        tag("header", tag("h1", heading), key_figures(reading)),
        tag("nav", tag("ul", links), aria_label="Sections"),
        tag("main", [tag("section", tag("h2", t), b, id=key) for key, t, b in shown]),
        tag(
            "footer",
            "Written by superpose. This file is complete: it loads nothing from elsewhere.",
        ),
        embedded(tables),
        Markup(f"<script>{_asset('form.js')}</script>"),
    )
    return Markup(f"<!doctype html>\n{tag('html', _head(heading), body, lang='en')}\n")


def _short(key: str) -> str:
    """The name of a section in the list at the top."""
    return "Try it" if key == "try" else key.capitalize()


def _head(title: str) -> Markup:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        Markup(f"<style>{_asset('page.css')}</style>"),
    )


def _asset(name: str) -> str:
    return files("superpose.report").joinpath(name).read_text(encoding="utf-8")
