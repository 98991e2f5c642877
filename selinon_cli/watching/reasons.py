"""Why nodes did not run in the last run: the answers of ``selinon explain`` for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from selinon_core.explaining.answers import Answers
from selinon_core.explaining.reason_text import reason_lines
from selinon_core.explaining.report_facts import ReportView
from selinon_core.local.earlier_run import check_report
from selinon_core.plan import Plan
from selinon_core.plan.started import flows_below, nodes_of

#: Answers of one run, and lines of one answer, that go to the page.
_MOST_ANSWERS = 500
_MOST_LINES = 100


def not_run_reasons(plan: Plan, report: Mapping[str, Any]) -> dict[str, dict[str, dict[str, str]]]:
    """Flow -> node that did not run in it -> ``text`` and ``because``, of all flows below the one that ran."""
    answers = Answers(ReportView(plan, check_report(report)))
    found: dict[str, dict[str, dict[str, str]]] = {}
    for number, (flow, node) in enumerate(_not_run(plan, report)):
        if number == _MOST_ANSWERS:
            break
        answer = answers.of_node(node if flow == report["flow"] else f"{flow}/{node}")[0]
        lines = list(reason_lines(answer.because, 0))
        more = [f"and {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
        because = "\n".join([*lines[:_MOST_LINES], *more])
        found.setdefault(flow, {})[node] = {"text": answer.text, "because": because}
    return found


def _not_run(plan: Plan, report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ran = {(node["flow"], node["name"]) for node in report["nodes"]}
    for flow in flows_below(plan, report["flow"]):
        yield from ((flow, node) for node in nodes_of(plan.flows[flow]) if (flow, node) not in ran)
