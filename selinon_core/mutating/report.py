"""Verdicts as the JSON report of ``selinon mutate``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from selinon_core.cases.writing import case_file_text
from selinon_core.mutating.verdicts import Score, Verdict
from selinon_core.plan import Plan

REPORT_VERSION = 1


def json_report(verdicts: Iterable[Verdict], total: Score, plan: Plan, seconds: float) -> dict[str, Any]:
    """``{"version", "mutants": [...], "summary": {...}}``; times are real seconds."""
    return {
        "version": REPORT_VERSION,
        "mutants": [_verdict(verdict, plan) for verdict in verdicts],
        "summary": {
            **{status.replace("-", "_"): number for status, number in total.counts.items()},
            "percent": None if total.percent is None else round(total.percent, 2),
            "seconds": round(seconds, 3),
        },
    }


def _verdict(verdict: Verdict, plan: Plan) -> dict[str, Any]:
    mutant, missing = verdict.mutant, verdict.missing
    return {
        "id": mutant.id,
        "operator": mutant.operator,
        "flow": mutant.flow,
        "text": mutant.text,
        "where": str(mutant.place),
        "status": verdict.status,
        "killed_by": verdict.killed_by,
        "message": verdict.message,
        "runs": verdict.runs,
        "reason": verdict.reason,
        "missing": None
        if missing is None
        else {"text": missing.text, "case": case_file_text([missing.case], plan)},
    }
