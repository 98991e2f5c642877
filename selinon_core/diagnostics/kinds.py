"""Codes of the faults that are found while files are read; ``lint/rules/yaml`` explains each of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from selinon_core.diagnostics.diagnostic import Diagnostic, Related, Severity
from selinon_core.diagnostics.spots import Spot


class Fault(NamedTuple):
    """A kind of mistake and how bad it is."""

    code: str
    severity: Severity


SYNTAX = Fault("SEL001", Severity.ERROR)
UNREADABLE = Fault("SEL002", Severity.ERROR)
DUPLICATE_KEY = Fault("SEL003", Severity.WARNING)
UNKNOWN_TAG = Fault("SEL004", Severity.ERROR)
UNKNOWN_ALIAS = Fault("SEL005", Severity.ERROR)
RECURSIVE_ALIAS = Fault("SEL006", Severity.ERROR)
TOO_LARGE = Fault("SEL007", Severity.ERROR)
TOO_DEEP = Fault("SEL008", Severity.ERROR)
SEVERAL_DOCUMENTS = Fault("SEL009", Severity.ERROR)
BAD_MERGE = Fault("SEL010", Severity.ERROR)
BAD_KEY = Fault("SEL011", Severity.ERROR)
BAD_SCALAR = Fault("SEL012", Severity.ERROR)
DUPLICATE_ANCHOR = Fault("SEL013", Severity.WARNING)

NO_SECTION = Fault("SEL100", Severity.ERROR)
UNKNOWN_KEY = Fault("SEL101", Severity.ERROR)
UNKNOWN_SECTION = Fault("SEL102", Severity.WARNING)
MISSING_KEY = Fault("SEL103", Severity.ERROR)
WRONG_TYPE = Fault("SEL104", Severity.ERROR)
WRONG_VALUE = Fault("SEL105", Severity.ERROR)
BAD_NAME = Fault("SEL106", Severity.ERROR)
EMPTY_LIST = Fault("SEL107", Severity.ERROR)
CONFLICTING_KEYS = Fault("SEL108", Severity.ERROR)
GIVEN_TWICE = Fault("SEL109", Severity.WARNING)
KEY_WITHOUT_KEY = Fault("SEL110", Severity.ERROR)
BAD_CONDITION = Fault("SEL111", Severity.ERROR)

UNUSED_IGNORE = Fault("SEL190", Severity.WARNING)
BAD_IGNORE = Fault("SEL191", Severity.WARNING)

YAML_BOOLEAN_NAME = Fault("SEL901", Severity.WARNING)

ALL_FAULTS = (
    SYNTAX,
    UNREADABLE,
    DUPLICATE_KEY,
    UNKNOWN_TAG,
    UNKNOWN_ALIAS,
    RECURSIVE_ALIAS,
    TOO_LARGE,
    TOO_DEEP,
    SEVERAL_DOCUMENTS,
    BAD_MERGE,
    BAD_KEY,
    BAD_SCALAR,
    DUPLICATE_ANCHOR,
    NO_SECTION,
    UNKNOWN_KEY,
    UNKNOWN_SECTION,
    MISSING_KEY,
    WRONG_TYPE,
    WRONG_VALUE,
    BAD_NAME,
    EMPTY_LIST,
    CONFLICTING_KEYS,
    GIVEN_TWICE,
    KEY_WITHOUT_KEY,
    BAD_CONDITION,
    UNUSED_IGNORE,
    BAD_IGNORE,
    YAML_BOOLEAN_NAME,
)


class Collector:
    """Gathers diagnostics in the order they are found."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def add(
        self,
        fault: Fault,
        spot: Spot,
        message: str,
        note: str = "",
        help: str = "",
        related: Iterable[Related] = (),
    ) -> None:
        """Note a mistake at ``spot``; uses of an alias become related places."""
        uses = tuple(Related(use, "used here") for use in spot.via)
        self.found.append(
            Diagnostic(fault.code, fault.severity, message, spot.span, note, help, (*related, *uses))
        )


def shorten(text: str) -> str:
    """Text for a message: one line of at most 60 characters."""
    line = " ".join(text.split()) if len(text) < 10_000 else " ".join(text[:200].split())
    return line if len(line) <= 60 else line[:57] + "..."
