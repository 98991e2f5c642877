"""Mocks made of the report of a run, or of what ``selinon export`` writes: tasks end as they ended then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selinon_core.cases.matchers import Equal
from selinon_core.cases.model import UNGIVEN, NodeMock, Outcome, Rule, Script, When
from selinon_core.local.earlier_run import check_report
from selinon_core.local.mocks import Mocks

#: ``Type: message`` is one line.
_LONGEST_ERROR = 2000


def is_run(data: Any) -> bool:
    """Whether a JSON value is a report of a run, and not a mapping of mocks."""
    return isinstance(data, Mapping) and isinstance(data.get("nodes"), list) and "version" in data


def mocks_of_run(report: Any) -> Mocks:
    """The mock of each task that ended in a run; raises ``RequestError`` for what is not a report.

    A task ends in its k-th run within a flow as in its k-th run then. Where a flow ran several times, as a
    sub-flow, the arguments tell which of the results it is. A result that was not stored is made up to fit the
    task's schema.
    """
    report = check_report(report)
    visits: dict[tuple[str, str], int] = {}
    rules: dict[str, list[Rule]] = {}
    for node in sorted(report["nodes"], key=lambda node: int(node.get("number") or 0)):
        if node["kind"] != "task":
            continue
        run = (str(node.get("flow_id")), node["name"])
        visits[run] = visit = visits.get(run, 0) + 1
        outcome = _outcome(node)
        if outcome is None:
            continue
        when = When(args=Equal(node.get("node_args")), flow=node["flow"], visit=Equal(visit))
        rules.setdefault(node["name"], []).append(Rule(when, Script((outcome,), per_run=True)))
    return Mocks({name: NodeMock((*found, *_by_place(found))) for name, found in rules.items()})


def _by_place(rules: list[Rule]) -> list[Rule]:
    """The rules again, for attempts with other arguments: the first of each flow and visit."""
    found: dict[tuple[Any, str], Rule] = {}
    for rule in rules:
        assert rule.when is not None
        found.setdefault((rule.when.flow, str(rule.when.visit)), rule._replace(when=rule.when._replace(args=None)))
    return list(found.values())


def _outcome(node: Mapping[str, Any]) -> Outcome | None:
    """How a node run ended; None for one that did not end, or was not started."""
    if node["status"] in ("success", "reused"):
        return Outcome("result", node.get("result", UNGIVEN), check="none")
    if node["status"] != "failure" or not node.get("attempts"):
        return None
    error = node.get("error") or {}
    kind, message = str(error.get("type") or "RuntimeError"), str(error.get("message") or "")
    if kind == "FatalTaskError":
        return Outcome("fatal", message)
    return Outcome("error", f"{kind}: {' '.join(message.split())}"[:_LONGEST_ERROR])
