"""What the tests of the page share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services
from tests.watch.browser import Browser, find_browser
from tests.web.viewed import Viewed, project


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Viewed]:
    """A project without runs."""
    with project(tmp_path) as viewed:
        yield viewed


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A real browser."""
    program = find_browser()
    if program is None:
        reason = "needs a browser: install chromium, or name one with SELINON_TEST_BROWSER"
        if services.required():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    browser = Browser(program, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()
