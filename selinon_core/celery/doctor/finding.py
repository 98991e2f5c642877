"""What a check found: a line of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

Status = Literal["ok", "warning", "failed", "skipped"]
OK: Status = "ok"
WARNING: Status = "warning"
FAILED: Status = "failed"
SKIPPED: Status = "skipped"


class Finding(NamedTuple):
    """``check`` names what was looked at, ``message`` says what was found, ``remedy`` what to do about it."""

    check: str
    status: Status
    message: str
    remedy: str = ""


class Check(NamedTuple):
    """A check: ``look`` returns one finding or several, and may raise. It is skipped when ``needs`` failed."""

    name: str
    look: Callable[[], Iterable[Finding]]
    remedy: str = ""
    #: What messages about a failure begin with: the URL of a server.
    place: str = ""
    needs: str | None = None
