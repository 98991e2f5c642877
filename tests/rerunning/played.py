"""Runs of random plans in which everything follows from lineages, so that two runs of a flow can be compared.

What a task returns, whether it fails and what conditions say does not depend on ids or on the order of events.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from selinon_core import SelinonTask
from selinon_core.explaining.report_facts import ReportView
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import EdgePlan, ImportRef, Plan, StoragePlan
from selinon_core.rerunning.preview import Preview
from selinon_core.rerunning.recorded import Recorded
from selinon_core.rerunning.request import Request
from tests.dispatch.plans import A_CONDITION, NOWHERE
from tests.runtime.random_runs import runnable

HERE = "tests.rerunning.played"
#: From this depth on no condition holds, so that cycles end.
_DEEPEST = 4


class World:
    """``fails``: of a hundred lineages so many fail, other ones in every ``round``. ``executed`` has ids."""

    seed = 0
    fails = 0
    round = 0
    executed: list[str]
    known: dict[str, tuple[str, int]]

    def __init__(self) -> None:
        self.executed = []
        self.known = {}

    def reset(self, seed: int) -> None:
        self.seed, self.fails, self.round = seed, 0, 0
        self.executed, self.known = [], {}

    def chance(self, *about: Any) -> int:
        """A number below 100 that follows from its arguments."""
        return int(_digest([self.seed, *about]), 16) % 100


world = World()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _ids_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    else:
        for one in value.values() if isinstance(value, dict) else value:
            yield from _ids_in(one)


class Played(SelinonTask):
    """A task that fails for some lineages."""

    def run(self, node_args: Any) -> Any:
        world.executed.append(self.task_id)
        parents = [world.known[id] for id in _ids_in(self.parent or {}) if id in world.known]
        lineage = _digest([self.task_name, node_args, sorted(lineage for lineage, _ in parents)])
        depth = 1 + max((depth for _, depth in parents), default=0)
        world.known[self.task_id] = (lineage, depth)
        if world.chance("fails", world.round, lineage) < world.fails:
            raise ValueError(f"{self.task_name} was asked to fail")
        return {"lineage": lineage, "depth": depth}


def follows(message: Any, edge: int) -> bool:
    """A condition on the result of a source."""
    return message["depth"] < _DEEPEST and world.chance("holds", edge, message["lineage"]) < 70


def always_follows(edge: int) -> bool:
    """A condition on nothing."""
    return world.chance("holds", edge) < 70


def items(storage_pool: Any, node_args: Any) -> list[Any]:
    """A foreach function."""
    return [{"item": number} for number in range(world.chance("items") % 4)]


def playable(plan: Plan) -> Plan:
    """A random plan of ``tests.dispatch.flows`` whose tasks and functions are those of this module."""
    plan = runnable(plan)
    tasks = {
        name: task._replace(function=ImportRef(HERE, "Played"), storage="Kept", max_retry=0)
        for name, task in plan.tasks.items()
    }

    def changed(edge: EdgePlan) -> EdgePlan:
        if edge.condition is not None:
            source = next((name for name in edge.sources if name in tasks), None)
            name = "always_follows" if source is None else "follows"
            leaf = A_CONDITION._replace(function=ImportRef(HERE, name), args={"edge": edge.index})
            edge = edge._replace(condition=leaf if source is None else leaf._replace(node=(source,)))
        if edge.foreach is not None:
            edge = edge._replace(foreach=edge.foreach._replace(function=ImportRef(HERE, "items")))
        return edge

    flows = {
        name: flow._replace(
            edges=tuple(map(changed, flow.edges)), sampling=flow.sampling._replace(args={"retry": 1.0})
        )
        for name, flow in plan.flows.items()
    }
    kept = StoragePlan("Kept", ImportRef("selinon_core.storages.memory", "InMemoryStorage"), None, None, NOWHERE)
    return Plan(tasks, flows, {"Kept": kept}, plan.settings)


def play(plan: Plan, preview: Preview | None = None) -> LocalRun:
    """Run ``main``, or run it again."""
    world.executed = []
    return LocalExecutor(plan, LocalOptions(max_steps=150, rerun=preview)).run("main")


def preview_of(plan: Plan, run: LocalRun, request: Request) -> Preview:
    """What a request does to a run, as its report tells about it."""
    report = json.loads(json.dumps(run.report()))
    return Preview(Recorded(ReportView(plan, report)), plan, request)


def comparable(run: LocalRun) -> list[Any]:
    """The node runs in canonical order, without what differs between a run and its rerun."""
    return [
        each._replace(status="success" if each.status == "reused" else each.status, attempts=0, flow_attempt=0)
        for each in run.facts.lineage.canonical()
    ]
