"""A recorded run of a project in memory, and what a request does to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from selinon_core.explaining.report_facts import ReportView
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import Plan
from selinon_core.rerunning.definitions import Definitions, definitions_of
from selinon_core.rerunning.preview import Preview
from selinon_core.rerunning.recorded import Recorded
from selinon_core.rerunning.request import Request
from selinon_core.rerunning.rows import Rows
from tests.local import trying
from tests.local.trying import Remembering, behaviours


def report_of(plan: Plan, run: LocalRun) -> dict[str, Any]:
    """The report of a run as a file has it."""
    report = run.report()
    report["definitions"] = definitions_of(plan, plan.tasks, plan.flows)
    read: dict[str, Any] = json.loads(json.dumps(report))
    return read


def preview(plan: Plan, run: LocalRun | Mapping[str, Any], *select: str, **request: Any) -> Preview:
    """What a rerun would do; by default of what failed."""
    report = report_of(plan, run) if isinstance(run, LocalRun) else run
    asked = Request(**({"select": select} if select else {}), **request)
    seen = ReportView(plan, report)
    return Preview(Recorded(seen), plan, asked, definitions=Definitions(seen.definitions, plan))


def play(plan: Plan, node_args: Any = None, does: Mapping[str, Any] | None = None) -> LocalRun:
    """Run the first flow of a plan. What is not a function is what tasks and functions return."""
    return trying.play(plan, node_args, _acting(does))


def _acting(does: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: one if callable(one) else _returning(one) for name, one in (does or {}).items()}


def _returning(value: Any) -> Any:
    return lambda *_: value


def labels(found: Preview) -> dict[str, list[str]]:
    """By kind, the nodes of a preview."""
    kinds = Rows(found).to_json()
    return {kind: [row["node"] for row in rows] for kind, rows in kinds.items() if isinstance(rows, list) and rows}


def play_again(plan: Plan, found: Preview, does: Mapping[str, Any] | None = None, **options: Any) -> LocalRun:
    """Do what a preview says; ``behaviours`` of tasks as in ``tests.local.trying.play``."""
    behaviours.clear()
    behaviours.update(_acting(does))
    Remembering.kept.clear()
    executor = LocalExecutor(plan, LocalOptions(rerun=found, **options))
    return executor.run(found.recorded.root.flow.name, found.args)


def statuses(run: LocalRun) -> dict[str, str]:
    """The status of each node run by its label."""
    lineage = run.facts.lineage
    return {lineage.label(record.run.id): record.run.status for record in lineage.ordered}
