"""Exit codes, and the one place where exceptions become exit codes.

====  ====================================================================================
0     ok
1     findings: errors in the files, a failed flow, a difference
2     wrong use: a bad option, no such file, an unknown name
3     a bug in selinon; a log file to attach to a report is written
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

EXIT_OK = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_BUG = 3
EXIT_INTERRUPTED = 130


class UsageError(Exception):
    """Raised by a command when it was called wrongly; ``hint`` says what to do instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class CommandExit(Exception):
    """Raised by a command that has printed its results and ends with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def run_guarded(terminal: Terminal, arguments: Sequence[str], action: Callable[[], int]) -> int:
    """Run ``action`` and return its exit code; print what it raised and return the code for that."""
    try:
        try:
            code = action()
        except (KeyboardInterrupt, BrokenPipeError):
            raise
        except Exception as error:
            code = _report_error(terminal, arguments, error)
        terminal.flush()
        return code
    except KeyboardInterrupt:
        terminal.warn("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader has closed the pipe, as in ``selinon lint | head``.
        _discard_output(terminal)
        return EXIT_FINDINGS
    except OSError as error:
        _discard_output(terminal)
        terminal.error(f"cannot write the output: {error.strerror or error}")
        return EXIT_USAGE
    except SystemExit:
        raise  # how ``watch`` takes signals
    except BaseException as error:
        # Only code of the project raises such exceptions.
        from selinon_core.runtime.error_codec import name_error_and_place

        terminal.error(f"code of the project ended the command: {name_error_and_place(error)}")
        return EXIT_FINDINGS


def _discard_output(terminal: Terminal) -> None:
    """Redirect streams that cannot be written to the null device, so the interpreter's last flush is quiet."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for stream in (terminal.out, terminal.err, sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            try:
                os.dup2(sink, stream.fileno())
            except (OSError, ValueError):
                continue


def _report_error(terminal: Terminal, arguments: Sequence[str], error: Exception) -> int:
    """Print the error; returns the exit code."""
    from selinon_core.config.yaml.files import NoFilesError
    from selinon_core.errors import (
        ConfigurationError,
        MissingExtraError,
        RequestError,
        SelinonException,
        UnexpectedEvent,
    )

    if isinstance(error, CommandExit):
        return error.code
    if isinstance(error, UsageError):
        terminal.error(str(error), error.hint)
        return EXIT_USAGE
    if isinstance(error, ConfigurationError):
        if error.diagnostics:
            from selinon_cli.render.text import render_blocks

            terminal.err.write(render_blocks(error.diagnostics, {}, color=terminal.color_err))
        terminal.error(str(error) or "the project cannot be used as it is configured")
        return EXIT_FINDINGS
    if isinstance(error, NoFilesError):
        terminal.error(str(error), "selinon new DIR writes a small project to begin with")
        return EXIT_USAGE
    if isinstance(error, RequestError | MissingExtraError):
        terminal.error(str(error))
        return EXIT_USAGE
    if isinstance(error, SelinonException) and not isinstance(error, UnexpectedEvent):
        terminal.error(str(error) or type(error).__name__)
        return EXIT_FINDINGS
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        terminal.error(f"{os.fsdecode(error.filename)}: {error.strerror}")
        return EXIT_USAGE
    if isinstance(error, FileNotFoundError) and not _has_working_directory():
        terminal.error("the working directory is not there any more", "change into one that is")
        return EXIT_USAGE
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
        raise error
    from selinon_cli.crash_report import write_crash_report

    write_crash_report(terminal, arguments, error)
    return EXIT_BUG


def _has_working_directory() -> bool:
    """Return whether this process has a working directory, which may have been removed."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True
