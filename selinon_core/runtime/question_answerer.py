"""Answers to the machine's questions: the user's predicates, foreach and selective functions are called here."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.dispatch.references import Referring
from selinon_core.dispatch.rules.propagation import parent_of_sources
from selinon_core.errors import (
    ArgumentError,
    ConfigurationError,
    MissingExtraError,
    ResultMissingError,
    StorageError,
    UnknownStorageError,
    UserFunctionError,
)
from selinon_core.plan import Condition, FlowPlan, Plan
from selinon_core.plan.model import Foreach, ForeachItems
from selinon_core.runtime.conditions import BoundConditions
from selinon_core.runtime.error_codec import USER_ERRORS, error_repr, name_error_and_place
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.inputs import Inputs
from selinon_core.runtime.json_values import copy_json, describe_json_error, shortened
from selinon_core.runtime.results import LOCAL, Asking, Limits, ResultReader, Results, SourceResults
from selinon_core.runtime.storage_pool import StoragePool
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.unusable import unusable
from selinon_core.runtime.where_asked import where_asked

if TYPE_CHECKING:
    from selinon_core.runtime.expression_answers import ExpressionAnswerer

_HOPELESS = (ArgumentError, UserFunctionError, ConfigurationError, MissingExtraError, UnknownStorageError)

Answer = (
    on.ConditionAnswered
    | on.ForeachAnswered
    | on.ReuseAnswered
    | on.FirstResultAnswered
    | on.ArgsAnswered
    | on.OutputAnswered
    | on.QuestionDeferred
    | on.QuestionFailed
)


class QuestionAnswerer:
    """Answers questions of flow runs of one plan.

    ``most_items`` bounds a foreach that would never end. ``limits``: how large arguments and outputs may be.
    """

    def __init__(
        self,
        plan: Plan,
        imports: Imports,
        conditions: BoundConditions,
        storages: Storages,
        inputs: Inputs,
        limits: Limits = LOCAL,
        most_items: int = 1_000_000,
    ) -> None:
        self._plan = plan
        self._imports = imports
        self._conditions = conditions
        self._storages = storages
        self._inputs = inputs
        self._limits = limits
        self._most_items = most_items

    @cached_property
    def _expressions(self) -> ExpressionAnswerer:
        """What answers by expressions; few projects had any before there were such texts."""
        from selinon_core.runtime.expression_answers import ExpressionAnswerer

        bound = self._conditions.expressions
        return ExpressionAnswerer(self._plan, bound, self._storages, self._inputs, self._limits, self._most_items)

    def answer(self, asking: Asking, question: do.Question, results: Results) -> Answer:
        """Answer a question of a flow run; raises nothing of the user's."""
        number, flow = question.question, asking.flow
        try:  # the most frequent ones first
            if isinstance(question, do.AskCondition):
                return self._condition(asking, question, question.edge.condition, question.sources, results)
            if isinstance(question, do.AskArgs):
                return on.ArgsAnswered(number, self._expressions.args(asking, question, results))
            if isinstance(question, do.AskOutput):
                return on.OutputAnswered(number, self._expressions.output(asking, question, results))
            if isinstance(question, do.AskForeach):
                return on.ForeachAnswered(number, self._items(asking, question, results))
            if isinstance(question, do.AskFallbackCondition):
                return self._condition(asking, question, question.failure.condition, (), results)
            if isinstance(question, do.AskReuse):
                return on.ReuseAnswered(number, self._reuse(asking, question, results))
            if isinstance(question, do.AskRecorded):
                return on.ReuseAnswered(number, None)  # a driver that knows the recorded run answers itself
            return on.FirstResultAnswered(number, self._first_result(flow, question.node_run, results))
        except StorageError as error:
            if not isinstance(error, ResultMissingError):
                return on.QuestionDeferred(number, str(error))
            return on.QuestionFailed(number, f"{where_asked(flow, question)}: {error}")
        except _HOPELESS as error:
            return on.QuestionFailed(number, f"{where_asked(flow, question)}: {error}")

    def _condition(
        self,
        asking: Asking,
        question: do.AskCondition | do.AskFallbackCondition,
        condition: Condition | None,
        sources: tuple[NodeRun, ...],
        results: Results,
    ) -> Answer:
        assert condition is not None
        bound = self._conditions[condition]
        args = self._data(asking, question.args, results) if bound.takes_args else None
        if bound.has_tests:
            scope = self._expressions.scope(asking, sources, question.args, results)
            most = self._limits.seen
            scope.seen = {} if most else None
            value, leaves = bound.evaluate(scope, args)
            seen = {path: shortened(one, most) for path, one in self._shown(scope.seen or {}).items()}
            return on.ConditionAnswered(question.question, value, leaves, seen)
        sources_read = SourceResults(self._storages, asking.flow, sources)
        value, leaves = bound.evaluate(sources_read, args)
        return on.ConditionAnswered(question.question, value, leaves)

    def _shown(self, seen: dict[str, Any]) -> dict[str, Any]:
        """What the tests of a condition read, without what ``global.redact`` hides: the log keeps it."""
        patterns = self._plan.settings.redact
        if not patterns:
            return seen
        from selinon_core.runtime.redaction import redaction

        hidden = redaction(patterns)
        return {path: hidden.masked_under(path, value) for path, value in seen.items()}

    def _data(self, asking: Asking, args: Any, results: Results) -> Any:
        """The arguments of a flow as its functions see them: with the values that they refer to."""
        if args.__class__ is not Referring:
            return args
        return ResultReader(self._storages, asking.flow, results).decoded(args)

    def _items(self, asking: Asking, question: do.AskForeach, results: Results) -> list[Any]:
        foreach = question.edge.foreach
        assert foreach is not None
        if not isinstance(foreach, Foreach):
            scope = self._expressions.scope(asking, question.sources, question.args, results)
            found = self._expressions.items(foreach, scope)
        else:
            found = self._called(asking, foreach, question, results)
        if foreach.at_most is not None:
            del found[foreach.at_most :]
        if not question.needs_items:
            return [None] * len(found)  # only their number matters
        try:
            return [copy_json(item) for item in found]
        except (TypeError, ValueError, RecursionError):
            what = describe_json_error(found)
            raise UserFunctionError(f"foreach {_named(foreach)} yields what JSON cannot hold: {what}") from None

    def _called(self, asking: Asking, foreach: Foreach, question: do.AskForeach, results: Results) -> list[Any]:
        """The items that a foreach function yields."""
        function = self._imports.foreach(foreach.function)
        pool = self._pool(asking, question.sources, results)
        try:
            items = function(pool, copy_json(self._data(asking, question.args, results)))
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

    def _reuse(self, asking: Asking, question: do.AskReuse, results: Results) -> str | None:
        ref = self._plan.tasks[question.name].selective_run_function
        if ref is None:
            return None
        function = self._imports.selective(ref)
        if question.sources:
            ids = parent_of_sources(asking.flow, question.sources)
        else:
            ids = asking.parent
        pool = StoragePool(self._storages, asking.flow.name, ids, results.locate)
        args = copy_json(self._data(asking, question.args, results))
        try:
            answer = function(asking.flow.name, question.name, args, list(question.tasks), pool)
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

    def _pool(self, asking: Asking, sources: tuple[NodeRun, ...], results: Results) -> StoragePool:
        ids = {run.name: run.id for run in sources if not run.is_flow} if sources else asking.parent
        return StoragePool(self._storages, asking.flow.name, ids, results.locate)


def _named(foreach: Foreach | ForeachItems) -> str:
    return str(foreach.function) if isinstance(foreach, Foreach) else foreach.expression.text


def _is_false(answer: Any) -> bool:
    """Whether an answer is false, as nothing to do for a foreach and nothing to reuse are in Selinon 1.x."""
    try:
        return not answer
    except Exception:  # an array of several numbers has no truth; it has items
        return False
