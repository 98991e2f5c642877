"""What code of the project prints and reads while a live display is on the screen.

Every line that is printed would have the display painted again, so lines are collected and written some times per
second. While the standard input is read (``input()``, a debugger) nothing is painted: what one types would be
painted over.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.live import Live

#: Seconds between two times that what was printed is written.
_PAUSE = 0.1


@contextmanager
def beside(make: Callable[[], Live], err: TextIO) -> Iterator[None]:
    """Show the display that ``make`` makes, and let the block print above it and read without it."""
    printed = _Printed(make, err)
    before = sys.stdin, sys.stdout, sys.stderr
    stream = _Stream(printed, before[2])
    sys.stdin, sys.stdout, sys.stderr = _Input(printed, before[0]), stream, stream
    over = threading.Event()

    def write_on() -> None:
        while not over.wait(_PAUSE):
            printed.write()

    writer = threading.Thread(target=write_on, name="selinon-output", daemon=True)
    printed.show()
    writer.start()
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
        over.set()
        writer.join()
        printed.write()
        printed.hide()
        printed.write()  # what has no line end


class _Printed:
    """What was printed and is not on the screen yet."""

    def __init__(self, make: Callable[[], Live], err: TextIO) -> None:
        self._make = make
        self._live: Live | None = None
        self._err = err
        self._parts: list[str] = []
        self._lock = threading.RLock()
        self._paused = 0

    def show(self) -> None:
        """Put a display on the screen: a new one, as one that was stopped would erase what came behind it."""
        self._live = self._make()
        self._live.start()

    def hide(self) -> None:
        """Take it off."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def add(self, text: str) -> None:
        """Keep a text for the next time."""
        with self._lock:
            self._parts.append(text)

    def write(self) -> None:
        """Write whole lines above the display; without the display, everything."""
        with self._lock:
            if not self._parts:
                return
            text, self._parts = "".join(self._parts), []
            if self._live is None:
                self._err.write(text)
                self._err.flush()
                return
            lines, newline, rest = text.rpartition("\n")
            if rest:
                self._parts.append(rest)
            if newline:
                self._live.console.print(lines, markup=False, highlight=False, emoji=False, soft_wrap=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Take the display off the screen for the block."""
        with self._lock:
            self._paused += 1
            self.hide()
            self.write()
        try:
            yield
        finally:
            with self._lock:
                self._paused -= 1
                if not self._paused:
                    self.show()


class _Stream(io.TextIOBase):
    """``sys.stdout`` and ``sys.stderr`` beside a display; closing it closes nothing."""

    def __init__(self, printed: _Printed, behind: TextIO) -> None:
        self._printed = printed
        self._behind = behind

    def write(self, text: str) -> int:
        """Keep it for the next time."""
        self._printed.add(text)
        return len(text)

    def close(self) -> None:
        """Stay open: other tasks print too."""

    def writable(self) -> bool:
        """Always."""
        return True

    def isatty(self) -> bool:
        """As what is behind."""
        return self._behind.isatty()

    def fileno(self) -> int:
        """As what is behind."""
        return self._behind.fileno()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)


class _Input(io.TextIOBase):
    """``sys.stdin`` beside a display."""

    def __init__(self, printed: _Printed, behind: TextIO) -> None:
        self._printed = printed
        self._behind = behind

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        """Read a line, without the display."""
        with self._printed.alone():
            return self._behind.readline(-1 if size is None else size)

    def read(self, size: int | None = -1) -> str:
        """Read, without the display."""
        with self._printed.alone():
            return self._behind.read(-1 if size is None else size)

    def readable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """As what is behind."""
        return self._behind.fileno()

    def isatty(self) -> bool:
        """As what is behind."""
        return self._behind.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)
