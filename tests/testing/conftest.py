"""A copy of the shop as working directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.shop import Shop, copy_shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The project, copied and made the working directory."""
    monkeypatch.chdir(copy_shop(tmp_path / "shop"))
    return Shop()
