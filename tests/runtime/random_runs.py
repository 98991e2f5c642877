"""Local runs of the random plans of ``tests.dispatch.flows``: what tasks and functions do is drawn."""

from __future__ import annotations

from random import Random
from typing import Any

from selinon_core import SelinonTask
from selinon_core.dispatch import SelectiveRun
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import EdgePlan, FailurePlan, ImportRef, Plan
from tests.dispatch.plans import A_CONDITION

HERE = "tests.runtime.random_runs"
A_REAL_CONDITION = A_CONDITION._replace(function=ImportRef(HERE, "holds"))

#: What tasks and functions ask; a run sets it before it begins.
source = Random(0)


def play(plan: Plan, seed: int, node_args: Any = None, selective: SelectiveRun | None = None) -> LocalRun:
    """Run ``main`` of a plan; a run that takes too many steps is stopped, and has its facts all the same."""
    source.seed(seed)
    options = LocalOptions(max_steps=150, seed=seed)
    return LocalExecutor(runnable(plan), options).run("main", node_args, selective)


def runnable(plan: Plan) -> Plan:
    """The same plan with the functions and tasks of this module; each third task may be tried again."""
    tasks = {
        name: task._replace(
            function=ImportRef(HERE, "Drawn"),
            selective_run_function=ImportRef(HERE, "reuse"),
            max_retry=number % 3 // 2,
        )
        for number, (name, task) in enumerate(plan.tasks.items())
    }
    flows = {
        name: flow._replace(
            edges=tuple(map(_edge, flow.edges)),
            failures=tuple(map(_failure, flow.failures)),
            sampling=flow.sampling._replace(
                function=ImportRef("selinon_core.strategies", "constant"), args={"timeout": 1}
            ),
        )
        for name, flow in plan.flows.items()
    }
    return Plan(tasks, flows, plan.storages, plan.settings)


def _edge(edge: EdgePlan) -> EdgePlan:
    if edge.condition is not None:
        edge = edge._replace(condition=A_REAL_CONDITION)
    if edge.foreach is not None:
        edge = edge._replace(foreach=edge.foreach._replace(function=ImportRef(HERE, "items")))
    return edge


def _failure(failure: FailurePlan) -> FailurePlan:
    return failure if failure.condition is None else failure._replace(condition=A_REAL_CONDITION)


class Drawn(SelinonTask):
    """A task that fails now and then."""

    def run(self, node_args: Any) -> Any:
        if source.random() < 0.3:
            raise ValueError("drawn")
        return {"drawn": source.randrange(3)}


def holds() -> bool:
    """A predicate."""
    return source.random() < 0.6


def items(storage_pool: Any, node_args: Any) -> list[Any]:
    """A foreach function."""
    return [{"item": number} for number in range(source.randrange(4))]


def reuse(flow_name: str, node_name: str, node_args: Any, task_names: list[str], storage_pool: Any) -> Any:
    """A selective run function."""
    return f"earlier-{source.randrange(10**6)}" if source.random() < 0.5 else None
