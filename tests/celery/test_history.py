"""The history of a run in the store is a trace: replayed against the same files, nothing differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import scripted

from selinon_core.celery.reporting.run_history import history
from selinon_core.dispatch import select
from selinon_core.errors import RequestError
from selinon_core.migrations.history_check import judge_histories
from selinon_core.migrations.repository import Migrations
from selinon_core.project import compile_project
from selinon_core.simulating.world import World
from tests.conformance.recorded import (
    recorded_cases,
    run_locally,
    write_configuration,
)

Json = dict[str, Any]
NONE = Migrations.load(None)
#: What the log does not hold: what tasks did between their start and their end, and what storages were asked.
NOT_DECIDED = {"TASK_START", "TASK_END", "TASK_RETRY", "TASK_FAILURE", "TASK_DISCARD_RESULT"}


@pytest.mark.parametrize("case", recorded_cases()[::5], ids=lambda case: case["name"])
def test_a_history_is_that_of_a_local_run(case: Json, tmp_path: Path) -> None:
    plan = compile_project([write_configuration(case, tmp_path)]).plan
    assert plan is not None
    scripted.set_up(case["behaviour"])
    world = World(plan, workers=1)
    request = case["request"]
    chosen = request["selective"]
    if chosen is not None:
        names, follow = chosen["task_names"], chosen["follow_subflows"]
        chosen = select(plan, request["flow"], names, follow, chosen["run_subsequent"])
    id = world.start(request["flow"], request["node_args"], chosen)
    world.work()
    told = history(plan, world.store, world.workers[0].flow_versions, id)
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(event) + "\n" for event in told))
    verdicts = judge_histories([str(tmp_path / "history.jsonl")], plan, plan, NONE, 0)
    assert {verdict.kind for verdict in verdicts} == {"unaffected"}, [str(verdict) for verdict in verdicts]
    scripted.set_up(case["behaviour"])
    if case["name"].startswith(("eager", "flow_retries", "args_from_first")):
        return  # what these do depends on the order in which nodes end
    if any("nowait" in flow for flow in case["flow_definitions"]):
        return  # what ends after its flow is in no log
    assert counted(told) == counted(run_locally(plan, request).trace())


def counted(events: Any) -> list[str]:
    """What was decided how often, apart from ids and times."""
    found = []
    for event in events:
        if event["event"] in NOT_DECIDED or event["event"].startswith("STORAGE"):
            continue
        kept = (
            "event",
            "flow_name",
            "task_name",
            "child_flow_name",
            "node_name",
            "where",
            "condition_str",
            "condition",
            "count",
        )
        found.append(json.dumps({key: event.get(key) for key in kept}))
    return sorted(found)


def test_a_run_that_nobody_knows(tmp_path: Path) -> None:
    case = recorded_cases()[0]
    plan = compile_project([write_configuration(case, tmp_path)]).plan
    assert plan is not None
    world = World(plan)
    with pytest.raises(RequestError, match="no flow run"):
        history(plan, world.store, world.workers[0].flow_versions, "nobody")
