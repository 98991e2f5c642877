"""ANSI colours by hand: importing a library for them costs more than linting a project."""

from __future__ import annotations

from selinon_core.diagnostics import Severity

RESET = "\x1b[0m"
BOLD = "\x1b[1m"
RED = "\x1b[1;31m"
GREEN = "\x1b[1;32m"
YELLOW = "\x1b[1;33m"
BLUE = "\x1b[1;34m"
CYAN = "\x1b[1;36m"

SEVERITY_STYLE = {Severity.ERROR: RED, Severity.WARNING: YELLOW, Severity.INFO: CYAN}


def styled(text: str, style: str, color: bool) -> str:
    """``text`` in a style, or as it is where there are no colours."""
    return f"{style}{text}{RESET}" if color and text else text
