"""Where the modules of a project are looked for."""

from __future__ import annotations

import os
from collections.abc import Iterable

from selinon_cli.exits import UsageError


def check_pythonpath(pythonpath: Iterable[str]) -> None:
    """Raise ``UsageError`` for places of modules that do not exist: all modules would be said to be missing."""
    for place in pythonpath:
        if not os.path.exists(place):
            raise UsageError(f"--pythonpath: no such directory: {place}")
