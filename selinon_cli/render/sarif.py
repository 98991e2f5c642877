"""Diagnostics as SARIF 2.1.0 (OASIS), the form code scanning services take.

Columns count code points, which is said once per run (``columnKind``). Locations are relative to the root of the
git repository, or to the working directory outside of one. What a comment in a file silences is listed as well,
with ``suppressions``, as the standard asks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from selinon_cli.render.rules import RuleText
from selinon_core.diagnostics import Diagnostic, Fix, Severity
from selinon_core.diagnostics.location import Span
from selinon_core.lint.suppressions import Suppressed
from selinon_core.version import __version__

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_ROOT = "ROOT"


def to_sarif(
    diagnostics: Iterable[Diagnostic],
    suppressed: Iterable[Suppressed],
    rules: Iterable[RuleText],
    locate: Callable[[str], str],
    root: str,
    rules_url: str | None = None,
) -> str:
    """One SARIF log with one run. ``locate`` makes paths relative to the directory ``root``.

    ``rules_url`` is the page of the rules, with an anchor for each.
    """
    listed = list(rules)
    index = {rule.code: position for position, rule in enumerate(listed)}
    results = [_result(diagnostic, index, locate) for diagnostic in diagnostics]
    results += [
        {
            **_result(silenced.diagnostic, index, locate),
            "suppressions": [
                {"kind": "inSource", **({"justification": silenced.reason} if silenced.reason else {})}
            ],
        }
        for silenced in suppressed
    ]
    run = {
        "tool": {
            "driver": {
                "name": "selinon",
                "semanticVersion": __version__,
                "rules": [_rule(rule, rules_url) for rule in listed],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"uri": Path(root).as_uri().rstrip("/") + "/"}},
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: RuleText, rules_url: str | None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "defaultConfiguration": {"level": _LEVEL[rule.severity]},
    }
    if rule.summary:
        described["fullDescription"] = {"text": rule.summary}
    if rules_url is not None:
        described["helpUri"] = f"{rules_url}#{rule.code.lower()}"
    text = rule.plain()
    if text:
        described["help"] = {"text": text}
    return described


def _result(diagnostic: Diagnostic, index: dict[str, int], locate: Callable[[str], str]) -> dict[str, Any]:
    text = diagnostic.message
    if diagnostic.note:
        text += f": {diagnostic.note}"
    if diagnostic.help:
        text += f"\n{diagnostic.help}"
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "level": _LEVEL[diagnostic.severity],
        "message": {"text": text},
        "locations": [_location(diagnostic.span, locate)],
    }
    if diagnostic.code in index:
        result["ruleIndex"] = index[diagnostic.code]
    if diagnostic.related:
        result["relatedLocations"] = [
            {**_location(related.span, locate), "id": number, "message": {"text": related.message}}
            for number, related in enumerate(diagnostic.related)
        ]
    if diagnostic.fixes:
        result["fixes"] = [_fix(fix, locate) for fix in diagnostic.fixes]
    return result


def _fix(fix: Fix, locate: Callable[[str], str]) -> dict[str, Any]:
    files = dict.fromkeys(edit.span.file for edit in fix.edits)
    return {
        "description": {"text": fix.title},
        "artifactChanges": [
            {
                "artifactLocation": _artifact(locate(file)),
                "replacements": [
                    {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
                    for edit in fix.edits
                    if edit.span.file == file
                ],
            }
            for file in files
        ],
    }


def _location(span: Span, locate: Callable[[str], str]) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": _artifact(locate(span.file)),
            "region": _region(span),
        }
    }


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _artifact(path: str) -> dict[str, str]:
    path = path.replace("\\", "/")
    if path.startswith(("/", "../")):
        return {"uri": Path(path).absolute().as_uri()}
    # A colon in the first segment would read as a scheme.
    # Bytes that are not UTF-8 stay what they are.
    return {"uri": quote(path, safe="/", errors="surrogateescape"), "uriBaseId": _ROOT}
