"""How many bands hold zero is said once, with the reason where the rows give one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from superpose import KSTRegressor
from superpose.cli.printing import MARK, print_model
from superpose.explain.flat import about_flat, is_flat


def fitted(twin: float, n: int = 120):
    """y = a + b; c says nothing; a has a twin that differs from it by so much noise."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    if twin:
        X["twin"] = X["a"] + twin * rng.normal(size=n)
    y = X["a"] + X["b"] + rng.normal(0, 1.5, n)
    return KSTRegressor(pairs=0, terms=0).fit(X, y)


def test_a_curve_that_says_nothing_is_counted() -> None:
    model = fitted(twin=0)
    assert [name for name, it in model.curves_.items() if is_flat(it)] == ["c"]
    assert about_flat(model.curves_, model.summary_) == (
        "The band of 1 of 3 curves holds zero everywhere: the data do not show that such a curve "
        "matters beyond the other parts."
    )


def test_twins_share_what_they_say() -> None:
    model = fitted(twin=0.01)
    said = about_flat(model.curves_, model.summary_)
    assert said.startswith("The bands of 3 of 4 curves hold zero everywhere: ")
    assert (
        "For 2 of them the others could say nearly the same, because attributes move together "
        "(a and twin with a rank correlation of 1)" in said
    )


def test_where_every_curve_is_sure_nothing_is_said() -> None:
    x = np.linspace(0, 1, 80)[:, None]
    model = KSTRegressor(pairs=0, terms=0).fit(x, 3 * x[:, 0])
    assert about_flat(model.curves_, model.summary_) == ""


def test_the_terminal_marks_them_and_says_it_once(capsys) -> None:
    print_model(fitted(twin=0.01))
    words = " ".join(capsys.readouterr().out.split())
    assert words.count("zero everywhere") == 1
    assert words.count(f" {MARK} ") == 3 + 1  # three curves, and the line that explains the mark
    assert "Read them together." in words


def test_the_page_says_it_once_and_marks_the_cards(tmp_path) -> None:
    page = fitted(twin=0.01).report(tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.count("The bands of 3 of 4 curves hold zero everywhere") == 1
    assert page.count("beyond the other parts") == 1
