"""Which parts of the flows each case comes to: only a case that comes to a mistake can notice it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from selinon_core.cases.model import Case
from selinon_core.local import LocalRun
from selinon_core.runtime.trace.run_records import FlowRecord


class CaseReach:
    """Gathers over the runs of the cases of one file, by the titles of the cases: elements, and how long runs are.

    Elements are called as those of mutants are. A case comes to an edge when one of the edge's sources finished,
    even if the others never did: a join that forgets them fires then. It comes to a failures entry when one of
    the entry's nodes failed. ``code:Name`` is among the elements where the code of a task may have run.
    """

    def __init__(self) -> None:
        self._elements: dict[str, set[str]] = {}
        self._steps: dict[str, int] = {}

    def run_ended(self, case: Case, run: LocalRun) -> None:
        """Look at a run of a case."""
        facts = run.facts
        found = self._elements.setdefault(case.title, set())
        ended: dict[tuple[str, str], set[str]] = {}
        for node in facts.nodes:
            flow = node.flow_run.flow.name
            ended.setdefault((flow, node.run.status), set()).add(node.run.name)
            if not node.run.is_flow:
                found.add(f"task:{node.run.name}")
                if case.tasks == "real" and not _is_mocked(case, node.run.name):
                    found.add(f"code:{node.run.name}")
        for record in facts.flows:
            found.update(_elements_of(record, ended))
        attempts = sum(max(node.attempts, 1) for node in facts.nodes) + len(facts.flows)
        self._steps[case.title] = max(self._steps.get(case.title, 0), attempts)

    def collected(self) -> Any:
        """``{"elements": {title: [element]}, "steps": {title: number of attempts and flow runs}}``."""
        return {
            "elements": {title: sorted(found) for title, found in self._elements.items()},
            "steps": self._steps,
        }


def _is_mocked(case: Case, task: str) -> bool:
    """Whether a mock gives every result of a task."""
    mock = case.mocks.nodes.get(task)
    return mock is not None and any(rule.when is None for rule in mock.rules)


def _elements_of(record: FlowRecord, ended: dict[tuple[str, str], set[str]]) -> Iterator[str]:
    flow = record.flow
    yield flow.name
    finished = ended.get((flow.name, "success"), set()) | ended.get((flow.name, "reused"), set())
    failed = ended.get((flow.name, "failure"), set())
    for edge in flow.edges:
        if not edge.sources or not finished.isdisjoint(edge.sources):
            yield f"{flow.name}/edge:{edge.index}"
    for entry in flow.failures:
        if not failed.isdisjoint(entry.nodes):
            yield f"{flow.name}/failure:{entry.index}"
