"""What the user asked ``selinon watch`` to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class WatchOptions(NamedTuple):
    """What to do in a rebuild. ``run`` holds values of the options of the run command, None: do not run.

    ``test`` holds values of the options of the test command, None: run no cases.

    ``flow`` is what to draw without a run, ``inputs`` are files that the run reads, ``outputs`` those it writes.
    """

    paths: Sequence[str]
    pythonpath: Sequence[str] = ()
    run: dict[str, Any] | None = None
    test: dict[str, Any] | None = None
    graph: str | None = None
    flow: str | None = None
    command: Sequence[str] = ()
    port: int | None = None
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
