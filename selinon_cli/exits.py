"""Exit codes, and the one place where exceptions become exit codes.

====  ====================================================================================
0     fine
1     what was looked at is not fine: errors in the files, a failed flow, a difference
2     wrong use: a bad option, no such file, an unknown name
3     a bug of ours; a log file to attach to a report is written
130   interrupted
====  ====================================================================================

A user's mistake never shows a Python traceback.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence

from selinon_cli.terminal import Terminal

FINE = 0
NOT_FINE = 1
WRONG_USE = 2
BUG = 3
INTERRUPTED = 130


class WrongUse(Exception):
    """Raised by a command when it was called wrongly; ``hint`` says what to do instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Stop(Exception):
    """Raised by a command that has told everything and ends with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def guarded(terminal: Terminal, arguments: Sequence[str], action: Callable[[], int]) -> int:
    """Run ``action`` and return its exit code, or the code of what it raised, having told the user."""
    try:
        try:
            code = action()
        except (KeyboardInterrupt, BrokenPipeError):
            raise
        except Exception as error:
            code = _told(terminal, arguments, error)
        terminal.flush()
        return code
    except KeyboardInterrupt:
        terminal.warn("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads any more, which is their right: ``selinon lint | head``.
        _silence(terminal)
        return NOT_FINE
    except OSError as error:
        _silence(terminal)
        terminal.error(f"cannot write the output: {error.strerror or error}")
        return WRONG_USE
    except SystemExit:
        raise  # how ``watch`` takes signals
    except BaseException as error:
        # Nothing of ours raises such a thing.
        from selinon_core.runtime.error_values import name_error_and_place

        terminal.error(f"code of the project ended the command: {name_error_and_place(error)}")
        return NOT_FINE


def _silence(terminal: Terminal) -> None:
    """Point streams that cannot be written at nothing, so that the interpreter's last flush is quiet."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for stream in (terminal.out, terminal.err, sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            try:
                os.dup2(sink, stream.fileno())
            except (OSError, ValueError):
                continue


def _told(terminal: Terminal, arguments: Sequence[str], error: Exception) -> int:
    """Tell the user what happened; returns the exit code."""
    from selinon_core.errors import (
        ConfigurationError,
        MissingExtraError,
        RequestError,
        SelinonException,
        UnexpectedEvent,
    )

    if isinstance(error, Stop):
        return error.code
    if isinstance(error, WrongUse):
        terminal.error(str(error), error.hint)
        return WRONG_USE
    if isinstance(error, ConfigurationError):
        if error.diagnostics:
            from selinon_cli.render.text import render_blocks

            terminal.err.write(render_blocks(error.diagnostics, {}, color=terminal.color_err))
        terminal.error(str(error) or "the project cannot be used as it is configured")
        return NOT_FINE
    if isinstance(error, RequestError | MissingExtraError):
        terminal.error(str(error))
        return WRONG_USE
    if isinstance(error, SelinonException) and not isinstance(error, UnexpectedEvent):
        terminal.error(str(error) or type(error).__name__)
        return NOT_FINE
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        terminal.error(f"{os.fsdecode(error.filename)}: {error.strerror}")
        return WRONG_USE
    if isinstance(error, FileNotFoundError) and not _stands_somewhere():
        terminal.error("the working directory is not there any more", "change into one that is")
        return WRONG_USE
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
        raise error
    from selinon_cli.bug import report_bug

    report_bug(terminal, arguments, error)
    return BUG


def _stands_somewhere() -> bool:
    """Tell whether this process has a working directory; somebody may have removed it."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True
