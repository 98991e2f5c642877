"""Where output goes: data to stdout, everything else to stderr, colours only on a terminal."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping
from typing import TextIO

_RED, _YELLOW, _BOLD, _RESET = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"


class Terminal:
    """The streams of a command, whether they may be coloured, and how much to say.

    ``verbosity`` is -1 with ``-q``, 0 by default, and the number of ``-v`` otherwise.
    """

    __slots__ = ("_undo", "color_err", "color_out", "err", "interactive", "no_color", "out", "verbosity")

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        *,
        verbosity: int = 0,
        no_color: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        environment = os.environ if environment is None else environment
        self.out = out
        self.err = err
        self._undo: Callable[[], None] | None = None
        self.verbosity = verbosity
        self.no_color = no_color or bool(environment.get("NO_COLOR"))
        self.color_out = _colored(out, self.no_color, environment)
        self.color_err = _colored(err, self.no_color, environment)
        self.interactive = _is_terminal(err) and environment.get("TERM") != "dumb"

    def data(self, text: str) -> None:
        """Write what was asked for to stdout, as it is."""
        self.out.write(text)

    def note(self, text: str) -> None:
        """Say something on stderr, unless asked to be quiet."""
        if self.verbosity >= 0:
            self.err.write(text + "\n")

    def detail(self, text: str) -> None:
        """Say something on stderr that only ``-v`` asks for."""
        if self.verbosity >= 1:
            self.err.write(text + "\n")

    def warn(self, text: str) -> None:
        """Say something on stderr that must not be missed."""
        self.err.write(f"selinon: {text}\n")

    def error(self, text: str, hint: str = "") -> None:
        """Say on stderr why the command gives up."""
        label = f"{_BOLD}{_RED}error:{_RESET}" if self.color_err else "error:"
        self.err.write(f"{label} {text}\n")
        if hint:
            self.err.write(f"  {hint}\n")

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self.out.flush()
        self.err.flush()

    def with_data_on_stderr(self) -> Terminal:
        """The same, for results that must not mix with what is on stdout already."""
        return Terminal(self.err, self.err, verbosity=self.verbosity, no_color=self.no_color)

    def set_user_output_apart(self) -> None:
        """Send whatever user code writes to stdout, child processes included, to stderr until ``close``.

        Data still goes to the real stdout. User code gets streams of its own, which it may close.
        """
        if self._undo is not None or self.out is not sys.stdout:
            return
        self.flush()
        stdout, data = sys.stdout, os.dup(_STDOUT)
        if _descriptor(stdout) == _STDOUT:
            self.out = os.fdopen(data, "w", encoding=stdout.encoding, errors=stdout.errors, closefd=False)
        os.dup2(_STDERR, _STDOUT)
        stderr = sys.stderr
        sys.stdout = sys.stderr = UserStream(stderr)

        def undo() -> None:
            self.out.flush()
            os.dup2(data, _STDOUT)
            os.close(data)
            self.out = sys.stdout = stdout
            sys.stderr = stderr

        self._undo = undo

    def close(self) -> None:
        """Give stdout back to the process."""
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()


class UserStream(io.TextIOBase):
    """A stream that user code may close: others go on writing to what is behind it."""

    def __init__(self, behind: TextIO) -> None:
        self._behind = behind

    def write(self, text: str) -> int:
        """Write at once."""
        return self._behind.write(text)

    def flush(self) -> None:
        """Flush what is behind, if that is still open."""
        if not self._behind.closed:
            self._behind.flush()

    def close(self) -> None:
        """Flush, and stay open."""
        self.flush()

    def writable(self) -> bool:
        """Always."""
        return True

    def isatty(self) -> bool:
        """As what is behind."""
        return self._behind.isatty()

    def fileno(self) -> int:
        """As what is behind."""
        return self._behind.fileno()

    def __getattr__(self, name: str) -> object:
        return getattr(self._behind, name)


_STDOUT, _STDERR = 1, 2


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


def standard_terminal(*, verbosity: int = 0, no_color: bool = False) -> Terminal:
    """The terminal on the process's own streams; characters that they cannot encode are escaped."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # The shell has closed it (``2>&-``).
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for as long as the process lives
        reconfigure = getattr(getattr(sys, name), "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    return Terminal(sys.stdout, sys.stderr, verbosity=verbosity, no_color=no_color)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _colored(stream: TextIO, no_color: bool, environment: Mapping[str, str]) -> bool:
    if no_color:
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return _is_terminal(stream) and environment.get("TERM") != "dumb"
