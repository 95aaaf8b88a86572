"""Whole builds use models that find what was painted."""

import pytest

from tests import fakes


@pytest.fixture(autouse=True)
def painted_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stage uses the fake models."""
    fakes.install(monkeypatch.setattr)
