"""Keyword arguments as configured, held against a signature."""

from __future__ import annotations

from collections.abc import Collection

from selinon_core.config.model import Definition
from selinon_core.config.read_context import KeyLocations
from selinon_core.diagnostics.location import SourceLocation
from selinon_core.diagnostics.wording import did_you_mean
from selinon_core.lint.code.symbols import Signature


class Mismatch:
    """``unknown`` pairs each argument that is not taken with the missing one that is probably meant, or None.

    ``missing`` are the required ones that are neither given nor meant by an unknown one, in the function's order;
    ``taken`` are all that may be given.
    """

    __slots__ = ("missing", "taken", "unknown")

    def __init__(
        self, unknown: tuple[tuple[str, str | None], ...], missing: tuple[str, ...], taken: tuple[str, ...]
    ) -> None:
        self.unknown = unknown
        self.missing = missing
        self.taken = taken


def mismatch(given: Collection[str], signature: Signature, handed_in: Collection[str] = ()) -> Mismatch:
    """Compare the names given with those a function takes; ``handed_in`` are parameters others take care of."""
    named = (*signature.positional, *sorted(signature.by_name.difference(signature.positional)))
    taken = tuple(name for name in named if name in signature.by_name and name not in handed_in)
    missing = [name for name in taken if name in signature.required and name not in given]
    unknown: list[tuple[str, str | None]] = []
    for name in given:
        more = signature.takes_more_by_name and name not in handed_in and isinstance(name, str)
        if name in taken or more:
            continue
        meant = did_you_mean(str(name), missing) or did_you_mean(str(name), taken)
        if meant in missing:
            missing.remove(meant)
        unknown.append((name, meant))
    return Mismatch(tuple(unknown), tuple(missing), taken)


def argument_location(definition: Definition, key: str, argument: str, *, value: bool = False) -> SourceLocation:
    """Where the name (or the value) of an argument is written in the mapping under ``key``; where the mapping is,
    when that is not known.
    """
    if isinstance(definition.keys, KeyLocations) and definition.given(key):
        below = definition.keys.below(key)
        if argument in below:
            return below[argument][1 if value else 0]
    return definition.value_location(key)
