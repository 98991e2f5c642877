"""The configuration of the process is set by tests here, and forgotten behind each."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from selinon_core.legacy.state import STATE

#: Projects with tests of their own, which are run where they belong.
collect_ignore = ["projects"]


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Leave the process as it was."""
    path, modules = list(sys.path), set(sys.modules)
    STATE.reset()
    yield
    STATE.reset()
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if "/tests/facade/projects/" in file or "/pytest-" in file:
            del sys.modules[name]
