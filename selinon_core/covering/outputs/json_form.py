"""A coverage report as JSON, by goal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selinon_core.covering.report import Counts, CoverageReport, GoalCoverage

VERSION = 1


def report_json(
    report: CoverageReport, *, missing_only: bool = False, more: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """The report as a JSON value; ``missing_only`` leaves the goals out that are covered.

    ``goals_list`` has the counted goals, ``not_counted`` those that an option counts. ``where`` is
    ``file:line:column``, ``percent`` is null without goals. ``more``: further keys of goals, by their ids.
    """
    flows = {}
    for flow in report.flows:
        shown = [goal for goal in flow.goals if not (missing_only and goal.status == "covered")]
        flows[flow.name] = {
            **_counts(flow.counts),
            "impossible": len(flow.having("impossible")),
            "ignored": len(flow.having("ignored")),
            "reused": dict(flow.reused),
            "goals_list": [{**_goal(goal), **(more or {}).get(goal.goal.id, {})} for goal in shown],
            "not_counted": [_goal(goal) for goal in flow.more],
        }
    return {
        "version": VERSION,
        "flows": flows,
        "total": _counts(report.total),
        "cases": len(report.cases),
        "decisions_without_predicates": report.without_leaves,
        "runs_without_attempts": report.without_attempts,
    }


def _counts(counts: Counts) -> dict[str, Any]:
    return {"covered": counts.covered, "goals": counts.goals, "percent": counts.percent}


def _goal(found: GoalCoverage) -> dict[str, Any]:
    goal = found.goal
    shown: dict[str, Any] = {
        "id": goal.id,
        "kind": goal.kind,
        "text": goal.text,
        "where": str(goal.place),
        "status": found.status,
        "hits": found.hits,
        "by": list(found.by),
    }
    if found.reason:
        shown["reason"] = found.reason
    return shown
