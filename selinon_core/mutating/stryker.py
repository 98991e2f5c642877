"""Verdicts in the form of the mutation-testing report schema, which dashboards and its HTML element show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from selinon_core.mutating.verdicts import Verdict

#: The version of the schema (https://github.com/stryker-mutator/mutation-testing-elements).
SCHEMA_VERSION = "2"
_STATUSES = {
    "killed": "Killed",
    "timeout": "Timeout",
    "survived": "Survived",
    "no-coverage": "NoCoverage",
    "equivalent": "Ignored",
    "ignored": "Ignored",
}


def stryker_report(
    verdicts: Iterable[Verdict], sources: Mapping[str, str], locate: Callable[[str], str], fail_under: float | None
) -> dict[str, Any]:
    """The report as a JSON value. ``sources``: the text of each file; ``locate`` gives its name in the report."""
    files: dict[str, dict[str, Any]] = {}
    for verdict in verdicts:
        place = verdict.mutant.place
        file = files.setdefault(
            locate(place.file), {"language": "yaml", "source": sources.get(place.file, ""), "mutants": []}
        )
        file["mutants"].append(_mutant(verdict))
    low = 60 if fail_under is None else int(fail_under)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "thresholds": {"high": max(80, low), "low": low},
        "framework": {"name": "selinon mutate"},
        "files": files,
    }


def _mutant(verdict: Verdict) -> dict[str, Any]:
    mutant = verdict.mutant
    at = {"line": mutant.place.line, "column": mutant.place.column}
    found: dict[str, Any] = {
        "id": mutant.id,
        "mutatorName": mutant.operator,
        "description": mutant.text,
        "location": {"start": at, "end": {**at, "column": at["column"] + 1}},
        "status": _STATUSES[verdict.status],
        "testsCompleted": verdict.runs,
    }
    if verdict.status == "equivalent":
        found["statusReason"] = "equivalent: no run of the flow differs from the original"
    elif verdict.reason or verdict.message:
        found["statusReason"] = verdict.reason or verdict.message
    if verdict.killed_by is not None:
        found["killedBy"] = [verdict.killed_by]
    return found
