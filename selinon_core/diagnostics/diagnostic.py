"""Mistakes as values: found anywhere, collected, sorted by place. The caller prints them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from selinon_core.diagnostics.location import Edit, Span


class Severity(StrEnum):
    """How bad a diagnostic is; only errors keep a project from being compiled."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Related(NamedTuple):
    """Another place that explains a diagnostic, with a few words why."""

    span: Span
    message: str


class Fix(NamedTuple):
    """A change of the files after which the diagnostic is gone; all ``edits`` are made, or none.

    ``safe``: either the meaning of the files stays the same, or there is no meaning yet (an error) and no second
    thing that the author can have meant. What would hide a probable mistake is not safe.
    """

    title: str
    safe: bool
    edits: tuple[Edit, ...]


class Diagnostic(NamedTuple):
    """One finding.

    ``code`` is ``SELnnn``; ``message`` names the offender, ``note`` is the short text printed behind the
    carets (what was expected), ``help`` says what to do. ``fixes`` are changes that do it, the likeliest first.
    """

    code: str
    severity: Severity
    message: str
    span: Span
    note: str = ""
    help: str = ""
    related: tuple[Related, ...] = ()
    fixes: tuple[Fix, ...] = ()


def fixes_of(*offered: tuple[str, bool, tuple[Edit, ...]]) -> tuple[Fix, ...]:
    """Fixes from titles, safety and edits; those without edits cannot be made and are left out."""
    return tuple(Fix(title, safe, edits) for title, safe, edits in offered if edits)


#: As many related places as help a reader.
MOST_RELATED = 8


def sort_diagnostics(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort by place, then code and message, without repetitions.

    What is said of one text for each of its uses (through aliases) is one diagnostic with all related places, and
    with the fixes that one of the uses offers.
    """
    unique: dict[Diagnostic, tuple[tuple[Related, ...], tuple[Fix, ...]]] = {}
    for diagnostic in found:
        bare = not diagnostic.related and not diagnostic.fixes
        key = diagnostic if bare else diagnostic._replace(related=(), fixes=())
        earlier, fixes = unique.get(key, ((), ()))
        new = [related for related in diagnostic.related if related not in earlier]
        unique[key] = (*earlier, *new)[:MOST_RELATED], fixes or diagnostic.fixes
    merged = (
        key._replace(related=related, fixes=fixes) if related or fixes else key
        for key, (related, fixes) in unique.items()
    )
    return tuple(sorted(merged, key=lambda d: (d.span, d.code, d.message)))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Return whether any of the diagnostics is an error."""
    return any(d.severity is Severity.ERROR for d in diagnostics)
