"""The banknote table's report, opened: needs the public tables (--data) and a browser."""

from __future__ import annotations

import shutil

import pytest

from superpose import KSTClassifier

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model_and_rows(table):
    frame = table("banknote")
    y = frame.pop("class")
    held = frame.index % 4 == 0
    return KSTClassifier(terms=0).fit(frame[~held], y[~held]), frame[held], y[held]


def test_the_report_names_what_decides(model_and_rows, tmp_path):
    model, rows, y = model_and_rows
    text = model.report(tmp_path / "banknote.html", rows, y).read_text(encoding="utf-8")
    assert set(model.importances_.names[:3]) == {"variance", "skewness", "curtosis"}
    assert "343 rows" in text
    assert "area under the ROC curve" in text


@pytest.mark.browser
def test_it_opens_without_an_error(model_and_rows, tmp_path):
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium (extra: test)")
    paths = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in paths:
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    model, rows, y = model_and_rows
    path = model.report(tmp_path / "banknote.html", rows, y)
    options = webdriver.ChromeOptions()
    options.binary_location = paths[0]
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"):
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(paths[1]))
    try:
        driver.get(path.as_uri())
        assert len(driver.find_elements("css selector", "svg.chart")) >= 6
        assert driver.get_log("browser") == []
    finally:
        driver.quit()
