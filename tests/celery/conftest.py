"""Long tests are for `SELINON_TEST_SLOW=1`; the simulated ones cover the same ground in seconds."""

from __future__ import annotations

import os

import pytest


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked slow, unless it is asked for."""
    if item.get_closest_marker("slow") and os.environ.get("SELINON_TEST_SLOW", "") in ("", "0"):
        pytest.skip("slow: set SELINON_TEST_SLOW=1")
