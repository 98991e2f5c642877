"""Mocks of local runs: read from Python data, and held against a plan before they are played."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from selinon_core import errors
from selinon_core.cases import model
from selinon_core.cases.model import NodeMock, Outcome, Rule, Script
from selinon_core.diagnostics.wording import hint
from selinon_core.errors import ConfigurationError, SchemaMismatchError
from selinon_core.plan import Plan, TaskPlan
from selinon_core.runtime.json_values import copy_json, describe_json_error

if TYPE_CHECKING:
    from selinon_core.diagnostics import Diagnostic
    from selinon_core.diagnostics.location import Place

_SECTIONS = ("tasks", "functions", "conditions")
_TASK_KINDS = frozenset({"result", "error", "fatal", "retry"})
_FLOW_KINDS = frozenset({"finished", "output", "failed", "error"})

#: ``check(task, result, only_given)`` raises ``SchemaMismatchError``; ``only_given``: keys may be missing
SchemaCheck = Callable[[TaskPlan, Any, bool], None]


class InjectedFailure(errors.SelinonException):
    """Raised by a task that was asked to fail (``--fail``)."""


class Mocks(model.Mocks):
    """Outcomes of tasks and sub-flows, values of functions and conditions; made of data as in a case file."""

    __slots__ = ()

    @classmethod
    def from_mapping(cls, data: Any, source: str = "mocks", plan: Plan | None = None) -> Mocks:
        """Read the content of a mocks file: what ``mocks`` of a test case holds.

        Tasks and sub-flows stand at the top level or under ``tasks``, beside them ``functions`` and
        ``conditions``; the latter need ``plan``. Raises ``ConfigurationError`` with ``source`` and what is wrong.
        """
        if data is None:
            return cls()
        if not isinstance(data, Mapping):
            raise ConfigurationError(f"{source}: expected a mapping of tasks to outcomes, got {_kind(data)}")
        found: list[model.Mocks] = []
        for key, value in data.items():
            if key not in _SECTIONS:
                found.append(_entry({key: value}, f"{source}: {key}", plan))
                continue
            if not isinstance(value, Mapping | type(None)):
                raise ConfigurationError(f"{source}: {key}: expected a mapping, got {_kind(value)}")
            for name, one in (value or {}).items():
                found.append(_entry({key: {name: one}}, f"{source}: {key}: {name}", plan))
        nodes = {name: mock for part in found for name, mock in part.nodes.items()}
        functions = {name: mock for part in found for name, mock in part.functions.items()}
        return cls(nodes, functions, tuple(mock for part in found for mock in part.conditions))

    def with_results(self, results: Mapping[str, Any], flows: Collection[str] = ()) -> Mocks:
        """These mocks and, for each task named, one result that takes precedence; of ``flows`` the output.

        Raises ``ConfigurationError`` for a value that is not JSON.
        """
        given = {}
        for name, value in results.items():
            kind = "output" if name in flows else "result"
            outcome = Outcome(kind, _json(value, f"mocks: {name}: the {kind}"))
            given[name] = NodeMock((Rule(None, Script((outcome,))),))
        return self._replace(nodes={**self.nodes, **given})


def raise_errors(found: Iterable[Diagnostic], source: str, *, with_places: bool = False) -> None:
    """Raise ``ConfigurationError`` for the errors among diagnostics, one a line, if there are any."""
    wrong = tuple(one for one in found if one.severity.value == "error")
    if wrong:
        lines = []
        for one in wrong:
            notes = () if one.note.startswith("expected") else (one.note,)
            hints = "; ".join(text for text in (*notes, one.help) if text)
            where = str(one.span.place) if with_places else source
            lines.append(f"{where}: {one.message}" + (f" ({hints})" if hints else ""))
        raise ConfigurationError("\n".join(lines), wrong)


def check_mocks(mocks: model.Mocks, plan: Plan, check_schema: SchemaCheck) -> None:
    """Hold mocks against the plan: only known tasks, flows and functions, only results that fit their schema.

    Raises ``ConfigurationError`` naming the first one that is wrong, with its place if it has one.
    """
    check_names(mocks, plan)
    for name, mock in mocks.nodes.items():
        for rule in mock.rules:
            for outcome in rule.script.outcomes:
                _check_outcome(name, plan, outcome, check_schema)


def check_names(mocks: model.Mocks, plan: Plan) -> None:
    """Raise ``ConfigurationError`` for the first mock of what the plan does not have."""
    for name, mock in mocks.nodes.items():
        if name not in plan.tasks and name not in plan.flows:
            raise ConfigurationError(
                f'{_at(mock.place)}a mock is given for "{name}", but no task or flow has this name'
                f"{hint(name, [*plan.tasks, *plan.flows])}"
            )
    if not mocks.functions:
        return
    from selinon_core.plan.functions import functions_of

    known_functions = functions_of(plan)
    for name, function in mocks.functions.items():
        if name not in known_functions:
            raise ConfigurationError(
                f'{_at(function.place)}a mock is given for the function "{name}", but no flow or task names it'
                f"{hint(name, known_functions)}"
            )


def _check_outcome(name: str, plan: Plan, outcome: Outcome, check_schema: SchemaCheck) -> None:
    task = plan.tasks.get(name)
    if outcome.kind not in (_FLOW_KINDS if task is None else _TASK_KINDS):
        is_ungiven = task is None and outcome.kind == "result" and outcome.value is model.UNGIVEN
        if not is_ungiven:
            what = "a flow" if task is None else "a task"
            possible = "finished, output, failed and error" if task is None else "result, error, fatal and retry"
            raise ConfigurationError(
                f'{_at(outcome.place)}the mock of {name} has "{outcome.kind}", but {name} is {what} '
                f"(it may have {possible})"
            )
    if outcome.kind == "output" and plan.flows[name].output is None:
        text = f"the mock of {name} has an output, but {name} declares none"
        raise ConfigurationError(f"{_at(outcome.place)}{text} (finished: gives the results of its tasks)")
    if task is None or task.output_schema is None or outcome.kind != "result" or outcome.value is model.UNGIVEN:
        return
    if outcome.check != "none":
        try:
            check_schema(task, outcome.value, outcome.check == "present")
        except SchemaMismatchError as error:
            text = f"{_at(outcome.place)}the mock of {name} is not realistic: {error}"
            raise ConfigurationError(text) from None


def _at(place: Place | None) -> str:
    """A place in front of a message; values of Python data have none."""
    return "" if place is None else f"{place}: "


def _entry(data: Any, where: str, plan: Plan | None) -> model.Mocks:
    """The mocks of one entry of a mapping; messages begin with ``where``."""
    from selinon_core.project.case_files import mocks_from_data

    _json(data, where)
    if plan is None and "conditions" in data:
        raise ConfigurationError(f"{where}: conditions are those of a plan: give from_mapping the plan")
    found, wrong = mocks_from_data(data, where, plan)
    raise_errors(wrong, where)
    return model.Mocks(
        {name: _without_places(mock) for name, mock in found.nodes.items()},
        {name: mock._replace(place=None) for name, mock in found.functions.items()},
        tuple(mock._replace(place=None) for mock in found.conditions),
    )


def _without_places(mock: NodeMock) -> NodeMock:
    """A mock of Python data, in which every place would be the same."""
    rules = []
    for rule in mock.rules:
        outcomes = tuple(outcome._replace(place=None) for outcome in rule.script.outcomes)
        rules.append(rule._replace(script=rule.script._replace(outcomes=outcomes, place=None), place=None))
    return NodeMock(tuple(rules))


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", type(None): "nothing"}
    return names.get(type(value), f"{value!r}")


def _json(value: Any, what: str) -> Any:
    try:
        return copy_json(value)
    except (TypeError, ValueError, RecursionError):
        text = f"{what} is not a JSON value: {describe_json_error(value)} (a date? quote it)"
        raise ConfigurationError(text) from None
