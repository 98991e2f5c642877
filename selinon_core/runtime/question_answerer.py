"""Answers to the machine's questions: the user's predicates, foreach and selective functions are called here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.rules.propagation import parent_of_sources
from selinon_core.errors import (
    ConfigurationError,
    MissingExtraError,
    ResultMissingError,
    StorageError,
    UnknownStorageError,
    UserFunctionError,
)
from selinon_core.plan import EdgePlan, FlowPlan, Foreach, ForeachItems, Plan
from selinon_core.runtime.conditions import BoundConditions
from selinon_core.runtime.error_codec import USER_ERRORS, error_repr, name_error_and_place
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.json_values import copy_json, describe_json_error
from selinon_core.runtime.storage_pool import StoragePool
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.unusable import unusable

Answer = (
    on.ConditionAnswered
    | on.ForeachAnswered
    | on.ReuseAnswered
    | on.FirstResultAnswered
    | on.QuestionDeferred
    | on.QuestionFailed
)


class Results(Protocol):
    """What a driver knows of the results of task runs, by their ids."""

    def locate(self, task_id: str) -> str | None:
        """The flow in which a task run was, None when that is not known."""
        ...

    def result_of(self, task_id: str) -> Any:
        """A result that no storage holds; raises ``KeyError`` when it is not known."""
        ...


class QuestionAnswerer:
    """Answers questions of flow runs of one plan.

    ``most_items`` bounds a foreach that would never end.
    """

    def __init__(
        self,
        plan: Plan,
        imports: Imports,
        conditions: BoundConditions,
        storages: Storages,
        most_items: int = 1_000_000,
    ) -> None:
        self._plan = plan
        self._imports = imports
        self._conditions = conditions
        self._storages = storages
        self._most_items = most_items

    def answer(self, flow: FlowPlan, parent: dict[str, Any], question: do.Question, results: Results) -> Answer:
        """Answer a question of a run of ``flow`` that was given ``parent``; raises nothing of the user's."""
        number = question.question
        try:
            if isinstance(question, (do.AskCondition, do.AskFallbackCondition)):
                return self._condition(flow, question, results)
            if isinstance(question, do.AskForeach):
                return on.ForeachAnswered(number, self._items(flow, parent, question, results))
            if isinstance(question, do.AskReuse):
                return on.ReuseAnswered(number, self._reuse(flow, parent, question, results))
            if isinstance(question, (do.AskArgs, do.AskOutput)):
                raise ConfigurationError("expressions cannot be worked out here")
            return on.FirstResultAnswered(number, self._first_result(flow, question.node_run, results))
        except StorageError as error:
            if not isinstance(error, ResultMissingError):
                return on.QuestionDeferred(number, str(error))
            return on.QuestionFailed(number, f"{where_asked(flow, question)}: {error}")
        except (UserFunctionError, ConfigurationError, MissingExtraError, UnknownStorageError) as error:
            return on.QuestionFailed(number, f"{where_asked(flow, question)}: {error}")

    def _condition(
        self, flow: FlowPlan, question: do.AskCondition | do.AskFallbackCondition, results: Results
    ) -> Answer:
        if isinstance(question, do.AskCondition):
            condition, sources = question.edge.condition, question.sources
        else:
            condition, sources = question.failure.condition, ()
        assert condition is not None
        names = Names(self._plan, self._storages, flow, sources, question.args, results)
        value, leaves = self._conditions[condition].evaluate(names, question.args)
        return on.ConditionAnswered(question.question, value, leaves)

    def _items(
        self, flow: FlowPlan, parent: dict[str, Any], question: do.AskForeach, results: Results
    ) -> list[Any]:
        foreach = question.edge.foreach
        assert foreach is not None
        if isinstance(foreach, Foreach):
            found = self._called(flow, parent, foreach, question, results)
        else:
            names = Names(self._plan, self._storages, flow, question.sources, question.args, results)
            found = self._listed(foreach, names)
        if foreach.at_most is not None:
            del found[foreach.at_most :]
        if not question.needs_items:
            return [None] * len(found)  # only their number matters
        try:
            return [copy_json(item) for item in found]
        except (TypeError, ValueError, RecursionError):
            what = describe_json_error(found)
            raise UserFunctionError(f"foreach {foreach.text} yields what JSON cannot hold: {what}") from None

    def _listed(self, foreach: ForeachItems, names: Names) -> list[Any]:
        """The items that an expression gives."""
        from selinon_core.expressions.evaluate import bind_text
        from selinon_core.expressions.values import EvaluationError, described

        where = f"foreach {foreach.text} at {foreach.expression.place}"
        try:
            found = bind_text(foreach.text)(names)
        except EvaluationError as error:
            raise UserFunctionError(f"{where}: {error}") from None
        if not isinstance(found, list | tuple):
            raise UserFunctionError(f"{where} is {described(found)}, not a list")
        if len(found) > self._most_items:
            raise UserFunctionError(f"{where} has more than {self._most_items} items")
        return list(found)

    def _called(
        self,
        flow: FlowPlan,
        parent: dict[str, Any],
        foreach: Foreach,
        question: do.AskForeach,
        results: Results,
    ) -> list[Any]:
        """The items that a function yields."""
        function = self._imports.foreach(foreach.function)
        pool = self._pool(flow, parent, question.sources, results)
        try:
            items = function(pool, copy_json(question.args))
            wrong = unusable(items, generator=True)
            if wrong is not None:
                raise UserFunctionError(f"foreach {foreach.function} {wrong}")
            found = []
            for item in () if _is_false(items) else items:
                found.append(item)
                if len(found) > self._most_items:
                    text = f"foreach {foreach.function} yields more than {self._most_items} items"
                    raise UserFunctionError(text)
        except (StorageError, UserFunctionError):
            raise
        except USER_ERRORS as error:
            raise UserFunctionError(f"foreach {foreach.function} raised {name_error_and_place(error)}") from error
        return found

    def _reuse(
        self, flow: FlowPlan, parent: dict[str, Any], question: do.AskReuse, results: Results
    ) -> str | None:
        ref = self._plan.tasks[question.name].selective_run_function
        if ref is None:
            return None
        function = self._imports.selective(ref)
        if question.sources:
            ids = parent_of_sources(flow, question.sources)
        else:
            ids = parent
        pool = StoragePool(self._storages, flow.name, ids, results.locate)
        try:
            answer = function(flow.name, question.name, copy_json(question.args), list(question.tasks), pool)
        except StorageError:
            raise
        except USER_ERRORS as error:
            raise UserFunctionError(
                f"selective run function {ref} raised {name_error_and_place(error)}"
            ) from error
        wrong = unusable(answer)
        if wrong is None and isinstance(answer, (str, UUID)):
            return str(answer) or None
        if wrong is None and not _is_false(answer):
            wrong = f"returned {error_repr(answer)}, which is not the id of a task run"
        if wrong is not None:
            raise UserFunctionError(f"selective run function {ref} {wrong}")
        return None

    def _first_result(self, flow: FlowPlan, run: NodeRun, results: Results) -> Any:
        try:
            if self._plan.tasks[run.name].storage is None:
                return results.result_of(run.id)
            result = self._storages.retrieve(results.locate(run.id) or flow.name, run.name, run.id)
        except KeyError:
            text = f"node_args_from_first needs the result of {run.name}, which has no storage"
            raise UserFunctionError(text) from None
        try:
            return copy_json(result)
        except (TypeError, ValueError, RecursionError):
            what = describe_json_error(result)
            text = f"node_args_from_first: the result of {run.name} is not a JSON value: {what}"
            raise UserFunctionError(text) from None

    def _pool(
        self, flow: FlowPlan, parent: dict[str, Any], sources: tuple[NodeRun, ...], results: Results
    ) -> StoragePool:
        ids = {run.name: run.id for run in sources if not run.is_flow} if sources else parent
        return StoragePool(self._storages, flow.name, ids, results.locate)


def _is_false(answer: Any) -> bool:
    """Whether an answer is false, as nothing to do for a foreach and nothing to reuse are in Selinon 1.x."""
    try:
        return not answer
    except Exception:  # an array of several numbers has no truth; it has items
        return False


class SourceResults:
    """The results of one combination of source runs, read when a leaf asks."""

    __slots__ = ("_flow", "_sources", "_storages")

    def __init__(self, storages: Storages, flow: FlowPlan, sources: tuple[NodeRun, ...]) -> None:
        self._storages = storages
        self._flow = flow
        self._sources = sources

    def _run(self, name: str) -> NodeRun:
        for run in self._sources:
            if run.name == name:
                return run
        raise UserFunctionError(f"the condition reads {name}, which is not a source of the edge")

    def message(self, path: tuple[str, ...]) -> Any:
        run = self._run(path[0])
        if not run.is_flow:
            return self._storages.retrieve(self._flow.name, run.name, run.id)
        outcome = run.outcome
        assert outcome is not None
        return {"finished_nodes": outcome.finished, "failed_nodes": outcome.failed}

    def messages(self, path: tuple[str, ...]) -> list[Any]:
        run = self._run(path[0])
        if len(path) == 1:
            return [self.message(path)]
        assert run.outcome is not None
        below: list[FlowOutcome] = [run.outcome]
        for name in path[1:-1]:
            below = [inner for outcome in below for inner in outcome.subflows.get(name, ())]
        task, flow = path[-1], path[-2]
        ids = [id for outcome in below for id in outcome.finished.get(task, ())]
        return [self._storages.retrieve(flow, task, id) for id in ids]


class Names(SourceResults):
    """The names of expressions for one combination, and the results that predicates read."""

    seen: dict[str, Any] | None = None

    def __init__(
        self,
        plan: Plan,
        storages: Storages,
        flow: FlowPlan,
        sources: tuple[NodeRun, ...],
        args: Any,
        results: Results,
    ) -> None:
        super().__init__(storages, flow, sources)
        self._plan = plan
        self._args = args
        self._results = results

    def value(self, kind: str, name: str) -> Any:
        """The value of a name; raises ``MissingValue``, and errors of storages."""
        from selinon_core.expressions.values import MissingValue

        if kind == "node":
            return self._result(name)
        if kind == "args":
            return self._args
        constants: dict[str, Mapping[str, Any]] = {
            "vars": self._flow.constants,
            "env": {**self._defaults(), **os.environ},
            "flow": {"name": self._flow.name},
        }
        if kind != "env" or name in self._plan.settings.environment:
            found = constants.get(kind, {})
            if name in found:
                return found[name]
        raise MissingValue(f"there is no {kind}.{name} here")

    def _defaults(self) -> dict[str, Any]:
        listed = self._plan.settings.environment
        return {name: entry["default"] for name, entry in listed.items() if "default" in entry}

    def _result(self, name: str) -> Any:
        from selinon_core.dispatch.ancestors import runs_meant
        from selinon_core.expressions.values import MissingValue

        runs = runs_meant(self._sources, name)
        if len(runs) != 1:
            how_many = f"{len(runs)} runs of {name} may be meant" if runs else f"no run of {name} led here"
            raise MissingValue(how_many)
        if runs[0].is_flow:
            raise UserFunctionError(f"flow {name} declares no output, so it has no value")
        flow_name = self._results.locate(runs[0].id) or self._flow.name
        return self._storages.retrieve(flow_name, name, runs[0].id)


def put_off_too_often(flow: FlowPlan, question: do.Question, times: int, reason: str) -> str:
    """Why a flow fails whose question could not be answered that often."""
    return f"{where_asked(flow, question)}: a storage could not be read {times} times in a row: {reason}"


def where_asked(flow: FlowPlan, question: do.Question) -> str:
    """Name the flow, the edge or failures entry, and its place in the YAML files."""
    if isinstance(question, do.AskFallbackCondition):
        return f"flow {flow.name}, failures entry at {question.failure.place}"
    if isinstance(question, do.AskFirstResult | do.AskOutput):
        return f"flow {flow.name} at {flow.place}"
    if isinstance(question, do.AskArgs):
        if not isinstance(question.entry, EdgePlan):
            return f"flow {flow.name}, failures entry at {question.entry.place}"
        edge = question.entry
    else:
        edge = question.edge
    ends = f"{', '.join(edge.sources) or '(start)'} -> {', '.join(edge.destinations)}"
    return f"flow {flow.name}, edge {ends} at {edge.place}"
