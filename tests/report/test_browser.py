"""The page in a real browser: it renders, the form computes what the model computes, no errors."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
import torch

from superpose.explain import Outputs, explain, summarise
from superpose.report import write_report

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
FLAGS = [
    "--headless=new",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium (extra: test)")
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium refuses its sandbox to root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, tmp_path, fit, summary):
    path = write_report(tmp_path / "report.html", fit, summary)
    browser.get(path.as_uri())
    yield browser
    assert browser.get_log("browser") == []  # no console errors, after whatever the test did


def set_value(browser, position, value):
    browser.execute_script(
        "const f = document.querySelector(`[data-value='${arguments[0]}']`);"
        "f.value = arguments[1]; f.dispatchEvent(new Event('input', {bubbles: true}));",
        position,
        str(value),
    )


def total(browser):
    return json.loads(browser.find_element("id", "bars").get_attribute("data-total"))


def test_it_renders(opened, summary):
    assert opened.title == f"What a model learned about {summary.target}"
    charts = opened.find_elements("css selector", "svg.chart")
    assert len(charts) > len(summary.parts)
    for chart in charts:
        assert chart.size["width"] > 200
        assert chart.size["height"] > 100
    wide = opened.execute_script("return document.documentElement.scrollWidth")
    assert wide <= opened.execute_script("return document.documentElement.clientWidth")


def test_it_asks_the_network_for_nothing(opened):
    sent = [
        json.loads(entry["message"])["message"]["params"]["request"]["url"]
        for entry in opened.get_log("performance")
        if "Network.requestWillBeSent" in entry["message"] and '"request"' in entry["message"]
    ]
    assert sent
    assert all(url.startswith(("file:", "data:", "chrome:")) for url in sent)


def test_the_form_computes_what_the_model_computes(opened, fit, rows):
    for row in rows[5:9]:
        for position in (0, 1, 3):
            set_value(opened, position, row[position])
        set_value(opened, 2, "" if np.isnan(row[2]) else int(row[2]))
        truth = fit.network(torch.as_tensor(row[None, :])).numpy()[0]
        np.testing.assert_allclose(total(opened), truth, atol=1e-3)


def test_the_bars_are_the_explanation(opened, fit, rows, outputs):
    row = np.array([2.5, 1.0, 1.0, 0.25])
    for position in (0, 1, 3):
        set_value(opened, position, row[position])
    set_value(opened, 2, 1)
    expected = explain(fit, row[None, :], outputs)
    order = np.argsort(-np.abs(expected.values[0, :, 0]), kind="stable")
    shown = opened.find_elements("css selector", "#bars .part")
    names = [item.find_element("class name", "what").text for item in shown]
    assert set(names) == {expected.data[0, j] for j in order}
    assert names[0] == expected.data[0, order[0]]
    figures = [item.find_element("class name", "figure").text.replace("−", "-") for item in shown]
    found = np.array([float(text) for text in figures])
    np.testing.assert_allclose(found, expected.values[0, order, 0], atol=6e-3)


def test_typical_values_before_and_after_the_script_agree(opened, fit, summary):
    typical = np.array([[a.typical for a in summary.attributes]])
    truth = fit.network(torch.as_tensor(typical)).numpy()[0]
    np.testing.assert_allclose(total(opened), truth, atol=2e-3)


def test_the_answer_is_on_the_scale_of_the_question(opened, fit, outputs):
    set_value(opened, 0, 9)
    answer = opened.find_element("id", "answer").text
    if outputs.classes:
        shares = [float(part.split()[-2]) for part in answer.split(" · ")]
        assert sum(shares) == pytest.approx(100, abs=0.5)
        found = outputs.inverse_link(np.array([total(opened)]))[0]
        assert shares[0] == pytest.approx(100 * found.max(), abs=0.1)
    else:
        assert answer.startswith("outcome = ")


def test_a_value_beyond_the_data_is_flagged(opened):
    note = opened.find_element("id", "beyond")
    assert not note.is_displayed()
    set_value(opened, 0, 12)
    assert note.is_displayed()
    assert "wave was between 0 and 10" in note.text


def test_the_slider_and_the_field_follow_each_other(opened):
    slider = opened.find_element("css selector", "[data-slider='0']")
    opened.execute_script(
        "arguments[0].value = 7.5; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))",
        slider,
    )
    field = opened.find_element("css selector", "[data-value='0']")
    assert float(field.get_attribute("value")) == 7.5
    set_value(opened, 0, 2.5)
    assert float(slider.get_attribute("value")) == 2.5


def test_the_button_brings_typical_values_back(opened):
    before = total(opened)
    set_value(opened, 0, 1)
    assert total(opened) != before
    button = opened.find_element("css selector", "#form button")
    assert button.is_displayed()
    opened.execute_script("arguments[0].click()", button)
    opened.execute_async_script("setTimeout(arguments[0], 50)")
    assert total(opened) == before


def test_it_fits_a_telephone(opened):
    size = {"width": 360, "height": 780, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        wide = opened.execute_script("return document.documentElement.scrollWidth")
        assert wide <= 360
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_hostile_name_runs_nothing(browser, tmp_path, fake, rows):
    name = "<script>alert(1)</script>"
    fit = fake.fake_fit("bernoulli", (name, "</script><img src=x onerror=alert(2)>", "c", "d"))
    outputs = Outputs(name, ("<i onclick=alert(3)>", name))
    kept = summarise(fit, rows, fake.fake_target(fit, rows), outputs=outputs)
    browser.get(write_report(tmp_path / "hostile.html", fit, kept).as_uri())
    set_value(browser, 0, 2)
    assert name in browser.find_element("tag name", "h1").text
    assert browser.find_elements("tag name", "img") == []
    assert browser.get_log("browser") == []
