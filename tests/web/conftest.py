"""What the tests of the page share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.watch.browser import Browser, real_browser
from tests.web.viewed import Viewed, project


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Viewed]:
    """A project without runs."""
    with project(tmp_path) as viewed:
        yield viewed


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A real browser."""
    with real_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser
