"""Whether what an exploration made up for a case fits the schemas, as linting a case file would ask."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from selinon_core.cases.model import UNGIVEN, Case
from selinon_core.errors import ConfigurationError, SchemaMismatchError
from selinon_core.plan import Plan, TaskPlan
from selinon_core.plan.model import Schema
from selinon_core.schemas.check import ResultSchema


def what_does_not_fit(plan: Plan, case: Case, results: Callable[[TaskPlan], ResultSchema | None]) -> str:
    """What of the arguments and mocked results of a case its schemas refuse, in a sentence; empty if all fits.

    ``results`` finds the schema of what a task returns. Schemas that cannot be used refuse nothing.
    """
    flow = plan.flows[case.flow]
    if flow.input_schema is not None:
        given = {} if case.args is None else case.args
        problem = _problem(lambda: _written(flow.input_schema, flow.place.file), given)
        if problem:
            return f"no arguments were found that fit the input_schema of {flow.name}: {problem}"
    for name, mock in case.mocks.nodes.items():
        task, below = plan.tasks.get(name), plan.flows.get(name)
        if task is not None:
            what = f"the {'annotation of run' if task.output_schema is None else 'output_schema'} of {name}"
            find = partial(results, task)
        elif below is not None:
            what = f"the output_schema of {name}"
            find = partial(_written, below.output_schema, below.place.file)
        else:
            continue
        for outcome in (outcome for rule in mock.rules for outcome in rule.script.outcomes):
            if outcome.kind in ("result", "output") and outcome.value is not UNGIVEN:
                problem = _problem(find, outcome.value)
                if problem:
                    return f"no result was found that fits {what}: {problem}"
    return ""


def _written(schema: Schema | None, file: str) -> ResultSchema | None:
    return None if schema is None else ResultSchema.written(schema, file)


def _problem(find: Callable[[], ResultSchema | None], value: object) -> str:
    try:
        schema = find()
        if schema is not None:
            schema.check(value)
    except SchemaMismatchError as error:
        return str(error)
    except ConfigurationError:
        return ""
    return ""
