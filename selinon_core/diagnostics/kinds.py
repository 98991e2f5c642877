"""Codes of the faults that are found while files are read; ``lint/rules/yaml`` explains each of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from selinon_core.diagnostics.diagnostic import Diagnostic, Fix, Related, Severity
from selinon_core.diagnostics.location import SourceLocation
from selinon_core.diagnostics.wording import spelling_fixes


class DiagnosticKind(NamedTuple):
    """A kind of mistake and how bad it is."""

    code: str
    severity: Severity


SYNTAX = DiagnosticKind("SEL001", Severity.ERROR)
UNREADABLE = DiagnosticKind("SEL002", Severity.ERROR)
DUPLICATE_KEY = DiagnosticKind("SEL003", Severity.WARNING)
UNKNOWN_TAG = DiagnosticKind("SEL004", Severity.ERROR)
UNKNOWN_ALIAS = DiagnosticKind("SEL005", Severity.ERROR)
RECURSIVE_ALIAS = DiagnosticKind("SEL006", Severity.ERROR)
TOO_LARGE = DiagnosticKind("SEL007", Severity.ERROR)
TOO_DEEP = DiagnosticKind("SEL008", Severity.ERROR)
SEVERAL_DOCUMENTS = DiagnosticKind("SEL009", Severity.ERROR)
BAD_MERGE = DiagnosticKind("SEL010", Severity.ERROR)
BAD_KEY = DiagnosticKind("SEL011", Severity.ERROR)
BAD_SCALAR = DiagnosticKind("SEL012", Severity.ERROR)
DUPLICATE_ANCHOR = DiagnosticKind("SEL013", Severity.WARNING)

NO_SECTION = DiagnosticKind("SEL100", Severity.ERROR)
UNKNOWN_KEY = DiagnosticKind("SEL101", Severity.ERROR)
UNKNOWN_SECTION = DiagnosticKind("SEL102", Severity.WARNING)
MISSPELT_SECTION = DiagnosticKind("SEL102", Severity.ERROR)
MISSING_KEY = DiagnosticKind("SEL103", Severity.ERROR)
WRONG_TYPE = DiagnosticKind("SEL104", Severity.ERROR)
WRONG_VALUE = DiagnosticKind("SEL105", Severity.ERROR)
BAD_NAME = DiagnosticKind("SEL106", Severity.ERROR)
EMPTY_LIST = DiagnosticKind("SEL107", Severity.ERROR)
CONFLICTING_KEYS = DiagnosticKind("SEL108", Severity.ERROR)
GIVEN_TWICE = DiagnosticKind("SEL109", Severity.WARNING)
KEY_WITHOUT_KEY = DiagnosticKind("SEL110", Severity.ERROR)
BAD_CONDITION = DiagnosticKind("SEL111", Severity.ERROR)

EXPRESSION = DiagnosticKind("SEL430", Severity.ERROR)
DELIMITERS = DiagnosticKind("SEL446", Severity.ERROR)
LIKE = DiagnosticKind("SEL448", Severity.ERROR)

CASE_SHAPE = DiagnosticKind("SEL800", Severity.ERROR)
CASE_UNKNOWN_NAME = DiagnosticKind("SEL801", Severity.ERROR)
CASE_CONTRADICTION = DiagnosticKind("SEL802", Severity.ERROR)
CASE_MOCK = DiagnosticKind("SEL803", Severity.ERROR)
CASE_UNUSED = DiagnosticKind("SEL804", Severity.WARNING)
CASE_ORDER = DiagnosticKind("SEL805", Severity.ERROR)
CASE_NAME = DiagnosticKind("SEL806", Severity.ERROR)
CASE_PARAMETER = DiagnosticKind("SEL807", Severity.ERROR)
CASE_SCHEDULE = DiagnosticKind("SEL808", Severity.WARNING)
CASE_INVARIANT = DiagnosticKind("SEL809", Severity.ERROR)

UNUSED_IGNORE = DiagnosticKind("SEL190", Severity.WARNING)
BAD_IGNORE = DiagnosticKind("SEL191", Severity.WARNING)

YAML_BOOLEAN_NAME = DiagnosticKind("SEL901", Severity.WARNING)
YAML_1_1_VALUE = DiagnosticKind("SEL915", Severity.WARNING)

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
    EXPRESSION,
    DELIMITERS,
    LIKE,
    CASE_SHAPE,
    CASE_UNKNOWN_NAME,
    CASE_CONTRADICTION,
    CASE_MOCK,
    CASE_UNUSED,
    CASE_ORDER,
    CASE_NAME,
    CASE_PARAMETER,
    CASE_INVARIANT,
    UNUSED_IGNORE,
    BAD_IGNORE,
    YAML_BOOLEAN_NAME,
    YAML_1_1_VALUE,
)


class Collector:
    """Gathers diagnostics in the order they are found."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def add(
        self,
        fault: DiagnosticKind,
        location: SourceLocation,
        message: str,
        note: str = "",
        help: str = "",
        related: Iterable[Related] = (),
        fixes: tuple[Fix, ...] = (),
    ) -> None:
        """Note a mistake at ``location``; uses of an alias become related places."""
        uses = tuple(Related(use, "used here") for use in location.alias_path)
        offered = (*spelling_fixes(fault.severity, location, help), *fixes)
        self.found.append(
            Diagnostic(fault.code, fault.severity, message, location.span, note, help, (*related, *uses), offered)
        )


def shorten(text: str) -> str:
    """Text for a message: one line of at most 60 characters."""
    line = " ".join(text.split()) if len(text) < 10_000 else " ".join(text[:200].split())
    return line if len(line) <= 60 else line[:57] + "..."
