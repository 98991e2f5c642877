"""Whether what an exploration made up for a case fits the schemas, as linting a case file would ask."""

from __future__ import annotations

from selinon_core.cases.model import UNGIVEN, Case
from selinon_core.errors import ConfigurationError, SchemaMismatchError
from selinon_core.plan import Plan
from selinon_core.plan.model import Schema
from selinon_core.schemas.check import ResultSchema


def what_does_not_fit(plan: Plan, case: Case) -> str:
    """What of the arguments and mocked results of a case its schemas refuse, in a sentence; empty if all fits.

    Schemas that cannot be used refuse nothing.
    """
    flow = plan.flows[case.flow]
    if flow.input_schema is not None:
        problem = _problem(flow.input_schema, flow.place.file, {} if case.args is None else case.args)
        if problem:
            return f"no arguments were found that fit the input_schema of {flow.name}: {problem}"
    for name, mock in case.mocks.nodes.items():
        node = plan.tasks.get(name) or plan.flows.get(name)
        if node is None or node.output_schema is None:
            continue
        for outcome in (outcome for rule in mock.rules for outcome in rule.script.outcomes):
            if outcome.kind in ("result", "output") and outcome.value is not UNGIVEN:
                problem = _problem(node.output_schema, node.place.file, outcome.value)
                if problem:
                    return f"no result was found that fits the output_schema of {name}: {problem}"
    return ""


def _problem(schema: Schema, file: str, value: object) -> str:
    try:
        ResultSchema.written(schema, file).check(value)
    except SchemaMismatchError as error:
        return str(error)
    except ConfigurationError:
        return ""
    return ""
