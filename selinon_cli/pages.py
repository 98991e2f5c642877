"""Lists of which a command shows a page: where it goes on, and what is said when there is more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from selinon_cli.exits import UsageError
from selinon_cli.options import text
from selinon_cli.terminal import Terminal

CURSOR = text("--cursor", help="Go on where another list ended: its next.", metavar="CURSOR")

_Page = TypeVar("_Page")


def page_at(find: Callable[[str | None, int], _Page], cursor: str | None, limit: int) -> _Page:
    """What ``find`` returns for a cursor and the most rows; raises ``UsageError`` for a wrong cursor."""
    from selinon_core.errors import RequestError

    try:
        return find(cursor, limit)
    except RequestError as error:
        raise UsageError(f"--cursor: {error}") from None


def note_next(terminal: Terminal, next: str | None) -> None:
    """Say with which cursor the list goes on, behind what was printed; None: it does not."""
    terminal.flush()
    if next is not None:
        terminal.note(f"there are more: --cursor {next}")
