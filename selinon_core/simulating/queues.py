"""Queues of a simulated broker: they exist, whatever environment variables their names ask for."""

from __future__ import annotations

from selinon_core.plan import Plan
from selinon_core.runtime.environment import expand, missing_variables


def with_known_queues(plan: Plan) -> Plan:
    """The plan; placeholders of variables that are not set stay in the names of its queues, as text."""
    queues = [*(task.queue for task in plan.tasks.values()), *(flow.queue for flow in plan.flows.values())]
    if not any(map(missing_variables, queues)):
        return plan
    tasks = {name: task._replace(queue=_known(task.queue)) for name, task in plan.tasks.items()}
    flows = {name: flow._replace(queue=_known(flow.queue)) for name, flow in plan.flows.items()}
    return plan._replace(tasks=tasks, flows=flows)


def _known(queue: str) -> str:
    """The name with the environment filled in, written so that filling it in again changes nothing."""
    return str(expand(queue, keep_missing=True)).replace("{", "{{").replace("}", "}}")
