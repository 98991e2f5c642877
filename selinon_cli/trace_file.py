"""The trace of a local run, written as it happens: one can look on while a flow hangs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import TextIO

from selinon_cli.terminal import Terminal
from selinon_core.local.run import trace_line
from selinon_core.runtime.trace.entries import TraceEvent


class TraceFile:
    """A file of events, one JSON object a line. What cannot be written disturbs no flow; ``check`` says so."""

    def __init__(self, file: TextIO | None, target: str | None) -> None:
        self._file = file
        self._target = target
        self._error: OSError | None = None
        self.listener: Callable[[TraceEvent], None] | None = None if file is None else self._write

    @classmethod
    def of(cls, terminal: Terminal, target: str | None) -> TraceFile:
        """The file of a target: None for none, ``-`` for stdout. Raises ``OSError``."""
        if target is None:
            return cls(None, None)
        if target == "-":
            return cls(terminal.out, None)
        return cls(open(target, "w", encoding="utf-8"), target)

    def _write(self, event: TraceEvent) -> None:
        if self._error is not None or self._file is None:
            return
        try:
            self._file.write(json.dumps(trace_line(event)) + "\n")
            self._file.flush()
        except OSError as error:
            self._error = error

    def check(self) -> None:
        """Raise what kept an event from being written."""
        if self._error is not None:
            self._error.filename = self._target or "stdout"
            raise self._error

    def close(self) -> None:
        """Close the file, unless it is stdout."""
        if self._file is not None and self._target is not None:
            with contextlib.suppress(OSError):  # what could not be written is said by ``check``
                self._file.close()
