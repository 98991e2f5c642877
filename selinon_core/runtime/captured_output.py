"""What a task logs and prints while it runs: its newest lines, within bounds.

Log records come from a handler of the root logger, printed text from ``sys.stdout`` and ``sys.stderr``. Both are
passed on as before. What threads of the task's own log is not known to be of the task.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

#: The most characters of a line.
MAX_LINE = 2000
#: The level of what was printed.
PRINTED = "PRINT"
#: Celery writes what is printed to this logger; it is known already.
_REDIRECTED = "celery.redirected"


class Line(NamedTuple):
    """A line, when it came (seconds since the epoch), and its level: that of the log record, or ``PRINT``."""

    at: float
    level: str
    text: str


class CapturedOutput:
    """The newest lines of one attempt; ``lines`` and ``size`` (characters) bound them. Safe under threads.

    ``heard()`` is called behind each line, in the thread of the task.
    """

    def __init__(
        self, lines: int, size: int, now: Callable[[], float], heard: Callable[[], None] = lambda: None
    ) -> None:
        self._most, self._most_size = lines, size
        self._now = now
        self._heard = heard
        self._lines: deque[Line] = deque()
        self._size = 0
        self._printed = ""
        self._lock = threading.Lock()
        #: Older lines that were dropped.
        self.dropped = 0

    @property
    def lines(self) -> list[Line]:
        """The lines, the oldest first."""
        with self._lock:
            return list(self._lines)

    def add(self, level: str, text: str) -> None:
        """Keep the lines of a text."""
        at = self._now()
        with self._lock:
            for part in text.splitlines() or [""]:
                line = Line(at, level, part[:MAX_LINE])
                self._lines.append(line)
                self._size += len(line.text)
            while self._lines and (len(self._lines) > self._most or self._size > self._most_size):
                self._size -= len(self._lines.popleft().text)
                self.dropped += 1
        self._heard()

    def printed(self, text: str) -> None:
        """Keep the whole lines of what was printed; the rest waits for its end."""
        with self._lock:
            whole, end, rest = (self._printed + text).rpartition("\n")
            if not end and len(rest) > MAX_LINE:
                whole, end, rest = rest, "\n", ""
            self._printed = rest
        if end:
            self.add(PRINTED, whole)

    def close(self) -> None:
        """The attempt ended: what has no line end is a line too."""
        with self._lock:
            rest, self._printed = self._printed, ""
        if rest:
            self.add(PRINTED, rest)


_current: ContextVar[CapturedOutput | None] = ContextVar("selinon_captured", default=None)


@contextmanager
def capturing(output: CapturedOutput) -> Iterator[None]:
    """Give what this thread logs and prints to ``output`` while this lasts."""
    _listen()
    token = _current.set(output)
    try:
        yield
    finally:
        _current.reset(token)
        output.close()


@contextmanager
def not_capturing() -> Iterator[None]:
    """What is logged now is not of the task."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


class _Handler(logging.Handler):
    """Gives records to the output of the context they come from."""

    def emit(self, record: logging.LogRecord) -> None:
        output = _current.get()
        if output is None or record.name == _REDIRECTED:
            return
        try:
            output.add(record.levelname, self.format(record))
        except Exception:
            self.handleError(record)


_handler = _Handler()


class _Tee:
    """A stream that also gives what is written to the output of the context."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> Any:
        output = _current.get()
        if output is not None and isinstance(text, str):
            output.printed(text)
        return self._stream.write(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _listen() -> None:
    """Listen to the root logger and to the streams of now; those of before are left as they are."""
    root = logging.getLogger()
    if _handler not in root.handlers:
        root.addHandler(_handler)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, _Tee):
            setattr(sys, name, _Tee(stream))
