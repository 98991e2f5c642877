"""Results of cases as the JSON report of ``selinon test``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from selinon_core.testing.collection import CaseFile
from selinon_core.testing.results import CaseResult, FileResult, Note, counts

REPORT_VERSION = 1


def json_report(
    ran: Iterable[tuple[CaseFile, FileResult]], seconds: float, notes: Sequence[Note]
) -> dict[str, Any]:
    """The whole report; ``seconds`` is real time."""
    pairs = [(file, result) for file, whole in ran for result in whole.cases]
    results = [result for _, result in pairs]
    return {
        "version": REPORT_VERSION,
        "cases": [_case(file, result) for file, result in pairs],
        "notes": [{"kind": note.kind, "text": note.text, "where": note.where} for note in notes],
        "summary": {
            **counts(results),
            "cases": len(results),
            "runs": sum(result.runs for result in results),
            "seconds": round(seconds, 6),
        },
    }


def _case(file: CaseFile, result: CaseResult) -> dict[str, Any]:
    case = file.cases[result.number]
    return {
        "id": case.id,
        "file": case.file,
        "line": case.place.line,
        "name": case.name,
        "parameters": dict(case.parameters),
        "flow": case.flow,
        "tags": list(case.tags),
        "seed": result.seed,
        "runs": result.runs,
        "failed_runs": result.failed_runs,
        "status": result.status,
        "reason": result.reason,
        "seconds": round(result.seconds, 6),
        "findings": [finding.to_json() for finding in result.findings],
        "output": result.output,
    }
