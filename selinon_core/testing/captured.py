"""What code prints while a case runs, kept from the output of the tests."""

from __future__ import annotations

import io
import sys


class CapturedOutput:
    """While this is entered, everything that is printed goes to a text of its own, which ``with`` gives."""

    __slots__ = ("_captured", "_replaced")

    def __init__(self) -> None:
        self._captured = io.StringIO()

    @property
    def text(self) -> str:
        """What was printed."""
        return self._captured.getvalue()

    def __enter__(self) -> io.StringIO:
        self._replaced = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = self._captured
        return self._captured

    def __exit__(self, *error: object) -> None:
        sys.stdout, sys.stderr = self._replaced
