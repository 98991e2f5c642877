"""What stands for a value that a recording does not have."""

from __future__ import annotations

from typing import Any, Final


class Unknown:
    """The type of ``UNKNOWN``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


#: In place of a result, of arguments, of whatever was not kept.
UNKNOWN: Final[Any] = Unknown()
