"""How an attempt ends whose outcome is scripted."""

from __future__ import annotations

from selinon_core.local.mocks import UNGIVEN, Outcome
from selinon_core.plan import TaskPlan
from selinon_core.runtime.json_values import copy_json
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.task_runner import Assignment, Attempt, SchemaChecker, Succeeded, TaskRunner


def mocked_attempt(
    runner: TaskRunner,
    storages: Storages,
    check_schema: SchemaChecker,
    task: TaskPlan,
    assignment: Assignment,
    outcome: Outcome | BaseException,
) -> Attempt:
    """End an attempt as scripted: a result is stored as a real one would be, an error judged as a real one."""
    if not isinstance(outcome, Outcome):
        return runner.judge(task, assignment, outcome)
    if outcome.kind != "result":
        return runner.judge(task, assignment, outcome.error())
    try:
        result = check_schema.minimal_value(task) if outcome.value is UNGIVEN else copy_json(outcome.value)
        if task.storage is None or task.storage_readonly:
            return Succeeded(result, False)
        storages.store(assignment.args, assignment.flow_name, task.name, assignment.task_id, result)
        return Succeeded(result, True)
    except Exception as error:
        return runner.judge(task, assignment, error)
