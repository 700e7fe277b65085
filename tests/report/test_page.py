"""The page is complete, self-contained, says what is true of the model, and escapes every name."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from superpose.errors import InputError
from superpose.explain import Outputs, summarise
from superpose.report import write_report
from superpose.report.tables import add_up, exactness, lookup_tables

VOID = {"meta", "link", "input", "br", "img", "line", "rect", "circle", "path", "image", "stop"}


class Outline(HTMLParser):
    """Elements, ids, addresses and text of a page; fails on elements that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.seen, self.ids, self.addresses, self.words = [], [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.seen.append((tag, values))
        if "id" in values:
            self.ids.append(values["id"])
        self.addresses += [values[k] for k in ("href", "src", "xlink:href") if k in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.fixture(scope="module")
def written(tmp_path_factory, fit, summary):
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert write_report(path, fit, summary, about={"kernel": "matern32"}) == path
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def outline(written):
    return Outline(written)


def test_it_asks_for_nothing_from_elsewhere(written, outline):
    assert re.findall(r"\b(?:https?|ftp|wss?)://", written, flags=re.IGNORECASE) == []
    assert re.findall(r"url\((?!#|&)", written) == []
    assert "@import" not in written
    assert all(a.startswith(("#", "data:")) for a in outline.addresses)
    policy = next(v["content"] for t, v in outline.seen if v.get("http-equiv"))
    assert policy.startswith("default-src 'none'")


def test_links_and_ids_fit_together(outline):
    assert len(outline.ids) == len(set(outline.ids))
    inner = {a[1:] for a in outline.addresses if a.startswith("#")}
    assert inner <= set(outline.ids)
    used = {
        re.sub(r"url\(#(.*)\)", r"\1", v)
        for _, a in outline.seen
        for v in a.values()
        if v and v.startswith("url(#")
    }
    assert used <= set(outline.ids)


@pytest.mark.parametrize(
    "section",
    [
        "model",
        "quality",
        "dial",
        "importance",
        "curves",
        "pairs",
        "terms",
        "try",
        "cautions",
        "fit",
    ],
)
def test_every_section_is_there(outline, section):
    assert ("section", section) in [(t, v.get("id")) for t, v in outline.seen]


def test_every_part_has_a_card_and_every_chart_a_title(outline, summary):
    assert {f"part-{i}" for i in range(len(summary.parts))} <= set(outline.ids)
    charts = [v for t, v in outline.seen if t == "svg"]
    assert len(charts) >= len(summary.parts) + 2
    assert all(v["aria-label"] and v["role"] == "img" for v in charts)


def test_it_says_how_good_the_model_is(outline, summary):
    for metric in summary.held_out.metrics:
        assert metric.name in outline.text
    assert "300 rows left out of the fit" in outline.text
    assert "Chosen: main curves, 1 pair and 2 terms." in outline.text


def test_cautions_come_with_numbers(outline, summary):
    found = summary.correlated[0].correlation
    assert f"wave and skew ({found:.2g})" in outline.text
    assert "Values were missing in hue (" in outline.text
    assert "goes on as a straight line" in outline.text
    assert "The band holds zero everywhere for" in outline.text


def test_the_same_model_gives_the_same_bytes(tmp_path, written, fit, summary):
    again = write_report(tmp_path / "again.html", fit, summary, about={"kernel": "matern32"})
    assert again.read_text(encoding="utf-8") == written


def test_it_is_light(written, outputs):
    assert len(written) < 500_000 * len(outputs.units)


def test_without_a_script_the_bars_are_those_of_typical_values(outline, fit, summary):
    typical = np.array([[a.typical for a in summary.attributes]])
    total = fit.network(torch.as_tensor(typical)).numpy()[0, 0]
    shown = re.search(r"prediction ([+−][\d.]+)", outline.text).group(1).replace("−", "-")
    assert float(shown) == pytest.approx(total, abs=5e-3 * max(1, abs(total)))


def test_the_tables_of_the_form_are_the_model(fit, summary, rows):
    tables = lookup_tables(fit, summary)
    truth = fit.network(torch.as_tensor(rows[:60])).numpy()
    found = np.stack([add_up(tables, row)[0].sum(axis=0) for row in rows[:60]])
    error = np.abs(found + np.array(tables["baseline"]) - truth).max()
    assert error < 1e-3
    assert exactness(fit, summary, tables)[1] < 1e-3
    json.dumps(tables, allow_nan=False)


def test_the_stated_error_of_the_form_is_an_error_that_is_there(fit, summary):
    tables = lookup_tables(fit, summary)
    tables["baseline"][0] += 0.25
    usual, most = exactness(fit, summary, tables)
    assert most == pytest.approx(0.25, abs=1e-3)
    assert usual == pytest.approx(0.25 / len(tables["baseline"]), abs=1e-3)


def test_beyond_the_data_the_tables_go_on_as_straight_lines(fake, rows):
    fit = fake.fake_fit()
    kept = summarise(fit, rows, fake.fake_target(fit, rows))
    tables = lookup_tables(fit, kept)
    far = np.array([30.0, 0.0, -1.0, 0.5])
    means, _ = add_up(tables, far)
    assert means[0, 0] == pytest.approx(4 * (30 / 10 - 0.5), rel=1e-4)
    assert means[2, 0] == 0  # a level never seen


NASTY = ("<script>alert(1)</script>", "a\"b'c & d", "</script><img src=x onerror=alert(2)>", "€ %")


def test_names_cannot_become_markup(tmp_path, fake, rows):
    fit = fake.fake_fit("bernoulli", NASTY)
    outputs = Outputs("<b>target</b>", ("<i>no</i>", "</script>yes"))
    kept = summarise(fit, rows, fake.fake_target(fit, rows), outputs=outputs)
    facts = {"<u>fact</u>": "<script>alert(3)</script>"}
    text = write_report(tmp_path / "nasty.html", fit, kept, about=facts).read_text(encoding="utf-8")
    outline = Outline(text)
    tags = [tag for tag, _ in outline.seen]
    assert tags.count("script") == 2  # the tables and the form
    assert "img" not in tags
    assert "u" not in tags
    assert not any(k.startswith("on") for _, values in outline.seen for k in values)
    assert NASTY[0] in "".join(outline.words)
    data = re.search(r'<script type="application/json" id="tables">(.*?)</script>', text, re.DOTALL)
    assert not set("<>&") & set(data.group(1))
    assert [a["name"] for a in json.loads(data.group(1))["attributes"]] == list(NASTY)


@pytest.mark.slow
def test_many_attributes_stay_readable(tmp_path, fake):
    fit = fake.fake_fit("gaussian")
    base, part = fit.network.attributes[0], fit.network.parts[0]
    attributes = [fake.FakeAttribute(f"attribute {p}", "number", base.axis) for p in range(70)]
    parts = [
        fake.FakePart("curve", (p,), lambda u, p=p: (p + 1) * (u[:, p] - 0.5) / 100, part.weights)
        for p in range(70)
    ]
    fit.network = fake.FakeNetwork(attributes, parts, fit.network.bias)
    fit.posterior = fake.FakePosterior(fit.network)
    x = np.random.default_rng(0).uniform(0, 10, (100, 70))
    kept = summarise(fit, x, fit.network(torch.as_tensor(x)).numpy()[:, 0])
    text = write_report(tmp_path / "many.html", fit, kept).read_text(encoding="utf-8")
    outline = Outline(text)
    assert "58 more main curves, in order of importance" in outline.text
    assert "55 more parts, in order of importance" in outline.text
    assert "60 more attributes" in outline.text
    assert len(text) < 2_100_000


def test_attributes_that_no_part_reads_are_counted_and_no_more(tmp_path, fake):
    """Of three hundred a handful is read: the page is as long as that of a handful."""
    fit = fake.fake_fit("gaussian")
    axis, parts = fit.network.attributes[0].axis, fit.network.parts
    attributes = [*fit.network.attributes]
    attributes += [fake.FakeAttribute(f"noise {p}", "number", axis) for p in range(300)]
    fit.network = fake.FakeNetwork(attributes, parts, fit.network.bias)
    fit.posterior = fake.FakePosterior(fit.network)
    x = np.random.default_rng(0).uniform(0, 2, (40, len(attributes))).round(1)
    x[:, 1:4] = x[:, 1:4].round()
    kept = summarise(fit, x, fit.network(torch.as_tensor(x)).numpy()[:, 0])
    text = write_report(tmp_path / "wide.html", fit, kept).read_text(encoding="utf-8")
    outline = Outline(text)
    assert "No part reads 300 other attributes: no field, and no effect." in outline.text
    assert text.count('class="field"') == len(attributes) - 300
    assert (
        f"the values seen of {len(attributes) - 300} attributes that a part reads" in outline.text
    )
    assert "noise 299" not in text
    tables = lookup_tables(fit, kept)
    assert tables["attributes"][4:] == [None] * 300
    row = np.array([[a.typical for a in kept.attributes]])
    means, _ = add_up(tables, row[0])
    expected = fit.network.contributions(torch.as_tensor(row))[0].numpy()
    np.testing.assert_allclose(means, expected, atol=1e-2)


def test_a_model_without_parts_dial_or_held_out_rows_has_a_page_too(tmp_path, fake, rows):
    fit = fake.fake_fit("gaussian")
    fit.network = fake.FakeNetwork(fit.network.attributes, [], fit.network.bias)
    fit.posterior = fake.FakePosterior(fit.network)
    fit.path = ()
    kept = summarise(fit, rows, np.linspace(0, 1, len(rows)))
    outline = Outline(write_report(tmp_path / "bare.html", fit, kept).read_text(encoding="utf-8"))
    assert "It has no parts: it predicts the average." in outline.text
    assert "No rows were held back for this report." in outline.text


def test_odd_columns_do_not_break_the_page(tmp_path, fake, rows):
    fit = fake.fake_fit()
    odd = rows.copy()
    odd[:, 0], odd[:, 1], odd[0, 3] = 4.0, 2.0, 1e9
    kept = summarise(fit, odd, fake.fake_target(fit, odd))
    text = write_report(tmp_path / "odd.html", fit, kept).read_text(encoding="utf-8")
    assert "NaN" not in text.partition("<script")[0]
    assert "not a number" not in Outline(text).text


def test_a_folder_that_is_not_there_is_refused(tmp_path, fit, summary):
    with pytest.raises(InputError, match="a report is written into a folder that exists"):
        write_report(tmp_path / "none" / "report.html", fit, summary)
