"""Small tables with everything in them, and models of them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from tests.export.made_models import ADDITIVE, made_model, new_rows


@pytest.fixture(scope="session", params=ADDITIVE)
def additive(request: pytest.FixtureRequest) -> Any:
    """A model of main curves."""
    return made_model(request.param)


@pytest.fixture(scope="session", params=[*ADDITIVE, "pairs and terms"])
def model(request: pytest.FixtureRequest) -> Any:
    """A model of main curves, or of every kind of part."""
    return made_model(request.param)


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    return new_rows()
