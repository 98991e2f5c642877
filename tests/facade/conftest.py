"""The configuration of the process is set by tests here, and forgotten behind each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from selinon_core.legacy.state import STATE

#: Projects with tests of their own, which are run where they belong.
collect_ignore = ["projects"]


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Leave the process as it was."""
    STATE.reset()
    yield
    STATE.reset()
