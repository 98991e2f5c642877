"""Diagnostics for programs: JSON, and annotations of GitHub workflows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from selinon_cli.render.visible import visible
from selinon_core.diagnostics import Diagnostic, Severity


def to_json(diagnostics: Iterable[Diagnostic]) -> str:
    """A JSON list, one object per diagnostic; lines and columns count from 1, ``label`` and ``help`` may be null.

    ``label`` is what the text form prints behind the carets. ``end_column`` is behind the last character. An edit
    puts ``text`` in the place of its stretch.
    """
    return json.dumps([_as_object(diagnostic) for diagnostic in diagnostics], indent=2) + "\n"


def _as_object(diagnostic: Diagnostic) -> dict[str, Any]:
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "label": diagnostic.note or None,
        "help": diagnostic.help or None,
        "related": [
            {
                "file": related.span.file,
                "line": related.span.line,
                "column": related.span.column,
                "message": related.message,
            }
            for related in diagnostic.related
        ],
        "fixes": [
            {
                "title": fix.title,
                "safe": fix.safe,
                "edits": [
                    {
                        "file": edit.span.file,
                        "line": edit.span.line,
                        "column": edit.span.column,
                        "end_line": edit.span.end_line,
                        "end_column": edit.span.end_column,
                        "text": edit.text,
                    }
                    for edit in fix.edits
                ],
            }
            for fix in diagnostic.fixes
        ],
    }


_GITHUB_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def to_github(diagnostics: Iterable[Diagnostic], locate: Callable[[str], str]) -> str:
    """Workflow commands, one a line; ``locate`` turns a file's name into one relative to the repository."""
    return "".join(_annotation(diagnostic, locate) for diagnostic in diagnostics)


def _annotation(diagnostic: Diagnostic, locate: Callable[[str], str]) -> str:
    span = diagnostic.span
    properties = {"file": locate(span.file), "line": str(span.line), "endLine": str(span.end_line)}
    if span.line == span.end_line:
        # GitHub rejects columns of a stretch over several lines; its last column is within the stretch.
        properties["col"] = str(span.column)
        properties["endColumn"] = str(max(span.end_column - 1, span.column))
    properties["title"] = diagnostic.code
    text = diagnostic.message
    if diagnostic.note:
        text += f": {diagnostic.note}"
    if diagnostic.help:
        text += f" ({diagnostic.help})"
    written = ",".join(f"{key}={_escaped_property(value)}" for key, value in properties.items())
    return f"::{_GITHUB_LEVEL[diagnostic.severity]} {written}::{_escaped(text)}\n"


def annotation(level: str, file: str, line: int, column: int, title: str, text: str) -> str:
    """One workflow command: a ``level`` (``error``, ``warning``, ``notice``) on a place of the repository."""
    properties = {"file": file, "line": str(line), "col": str(column), "title": title}
    written = ",".join(f"{key}={_escaped_property(value)}" for key, value in properties.items())
    return f"::{level} {written}::{_escaped(text)}\n"


def _escaped(text: str) -> str:
    shown = "\n".join(visible(line) for line in text.split("\n"))
    return shown.replace("%", "%25").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
