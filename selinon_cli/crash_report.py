"""The message for a bug in selinon itself, and the log file to attach to a report."""

from __future__ import annotations

import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence

from selinon_cli.terminal import Terminal
from selinon_core.version import __version__


def write_crash_report(terminal: Terminal, arguments: Sequence[str], error: BaseException) -> None:
    """Write the log (no environment variables: they hold secrets) and name it on stderr."""
    summary = "".join(traceback.format_exception_only(error)).strip()
    text = "\n".join(
        (
            f"selinon {__version__}",
            f"python {sys.version}",
            f"platform {platform.platform()}",
            f"arguments {list(arguments)!r}",
            "",
            "".join(traceback.format_exception(error)),
        )
    )
    terminal.error(f"this is a bug in selinon, not a mistake of yours: {summary}")
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="selinon-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as log:
            log.write(text)
    except OSError:
        terminal.err.write(text)
    else:
        terminal.warn(f"please report it and attach {log.name}")
