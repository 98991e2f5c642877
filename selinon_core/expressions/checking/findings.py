"""What the checks of expressions find, as values; the rules of ``lint`` make diagnostics of them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What is wrong."""

    UNKNOWN_NAME = "unknown name"
    UNKNOWN_FUNCTION = "unknown function"
    ARGUMENTS = "number of arguments"
    UNKNOWN_FIELD = "unknown field"
    WRONG_TYPE = "wrong type"
    MAY_BE_MISSING = "may be missing or null"
    CONSTANT = "never or always true"
    NOT_BOOLEAN = "not a boolean"
    NOT_A_LIST = "not a list"
    #: A name that is not a value in this place: what it is stands in ``Refused.reason``.
    REFUSED = "refused name"


class Fix(NamedTuple):
    """A repair: ``text`` in the place of what is between two offsets. ``safe``: it keeps what was meant."""

    title: str
    start: int
    end: int
    text: str
    safe: bool = False


class Finding(NamedTuple):
    """One mistake in an expression. Offsets count code points of its text; ``end`` is behind the last character.

    ``note`` is the short text behind the carets (what is there, or what was expected). ``candidates`` are the
    names that could stand between ``start`` and ``end`` instead. ``certain``: whenever this part is worked out, it
    fails; otherwise that depends on the values. ``reason`` is what a name was refused for.
    """

    kind: Kind
    start: int
    end: int
    message: str
    note: str = ""
    help: str = ""
    fixes: tuple[Fix, ...] = ()
    candidates: tuple[str, ...] = ()
    certain: bool = True
    reason: str = ""
