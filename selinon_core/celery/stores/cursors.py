"""Cursors: where a page of rows ends, as a text with which the next page is asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol, TypeVar

from selinon_core.errors import RequestError


class Placed(Protocol):
    """A row with its position in the order of its kind: a time, and what tells rows of one time apart."""

    @property
    def position(self) -> tuple[float | str, ...]: ...


Row = TypeVar("Row", bound=Placed)


def cursor_of(position: Sequence[float | str]) -> str:
    """The cursor of what follows a position."""
    return ",".join(part if isinstance(part, str) else repr(part) for part in position)


def read_cursor(text: str) -> tuple[float, str]:
    """The position that a cursor names, a time and the rest; raises ``RequestError`` for another text."""
    at, _, rest = text.partition(",")
    try:
        if rest and math.isfinite(float(at)):
            return float(at), rest
    except ValueError:
        pass
    raise wrong_cursor(text)


def wrong_cursor(text: str) -> RequestError:
    """The error of a text that is not a cursor."""
    return RequestError(f'"{text[:80]}" is not a cursor: give back what "next" of a page says')


def cut(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], str | None]:
    """At most ``limit`` rows, and the cursor of the next page when there are more: ask for one more than that."""
    return rows[:limit], cursor_of(rows[limit - 1].position) if len(rows) > limit else None
