"""What is known of the names of an expression: types of values, families, and names that cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from selinon_core.expressions.types import Type


class Refused(NamedTuple):
    """Why a name has no value in a place, or what is to be said of it; ``reason`` distinguishes the kinds.

    ``instead`` are names that may stand in its place; one alone is what was meant. ``fails_always``: also in
    ``has`` and ``default``, for which a missing value is not an error.
    """

    reason: str
    message: str
    note: str = ""
    help: str = ""
    instead: tuple[str, ...] = ()
    fails_always: bool = False


class Known(NamedTuple):
    """A name that has a value.

    ``what`` is how messages call the value, ``source`` the file that its type comes from. ``missing`` is why there
    may be no value, as a sentence; empty: there is always one (``is_there``), or that is not known. ``remarks``
    are said of each use of the name, other than where ``has`` and ``default`` ask for it.
    """

    type: Type
    what: str = ""
    source: str = ""
    missing: str = ""
    is_there: bool = False
    remarks: tuple[Refused, ...] = ()


class Family(NamedTuple):
    """A name of which a member is used: ``vars.currency``.

    ``find`` returns what is known of a member, None when there is none of the name; ``names`` are those that there
    are, and ``noun`` is how messages call a member.
    """

    find: Callable[[str], Known | Refused | None]
    names: Callable[[], Iterable[str]]
    noun: str


Entry = Known | Refused | Family


class Names(Protocol):
    """The names that an expression may use."""

    def find(self, name: str) -> Entry | None:
        """What is known of a name; None when there is no such name."""

    def names(self) -> Iterable[str]:
        """The names that can be used, for suggestions."""
