"""Options and fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

pytest_plugins = ["tests.explain.made_fit"]  # three folders read one made fit

os.environ.setdefault("MPLBACKEND", "Agg")  # figures are read by tests, never shown

# The same examples in every run, and no verdict by the clock of a busy machine.
settings.register_profile("superpose", derandomize=True, deadline=None)
settings.load_profile("superpose")

HOW_TO_GET_THE_DATA = (
    "run pytest with --data FOLDER (or make test DATA=FOLDER), where FOLDER holds tables/*.csv: "
    "a header, the target in the last column, an empty cell for a missing value; banknote.csv is "
    "the UCI table 'banknote authentication' with the columns variance, skewness, curtosis, "
    "entropy, class"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--data",
        type=Path,
        default=None,
        metavar="FOLDER",
        help="folder with the public tables; tests that read them skip without it",
    )


@pytest.fixture(scope="session")
def data_folder(request: pytest.FixtureRequest) -> Path:
    """Folder with the public tables; skips, and says how to get them, where there is none."""
    folder = request.config.getoption("--data")
    if folder is None:
        pytest.skip(f"needs the public tables: {HOW_TO_GET_THE_DATA}")
    folder = Path(folder)
    if not folder.is_dir():
        pytest.fail(f"--data must be a folder; {str(folder)!r} is none; {HOW_TO_GET_THE_DATA}")
    return folder


@pytest.fixture(scope="session")
def table(data_folder: Path) -> Callable[[str], pd.DataFrame]:
    """``table("banknote")`` reads one public table; skips where the file is not there."""

    def read(name: str) -> pd.DataFrame:
        for place in (data_folder / "tables", data_folder):
            for ending in (".csv", ".csv.gz"):
                if (place / f"{name}{ending}").exists():
                    return pd.read_csv(place / f"{name}{ending}")
        pytest.skip(f"no {name}.csv below {data_folder}: {HOW_TO_GET_THE_DATA}")

    return read
