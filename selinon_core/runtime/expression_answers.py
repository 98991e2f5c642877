"""Answers that expressions give: items of a foreach, ``args`` of edges and fallbacks, ``output`` of flows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.dispatch.references import Referring, shown
from selinon_core.errors import ArgumentError, ResultMissingError, UserFunctionError
from selinon_core.expressions.values import EvaluationError, described
from selinon_core.plan import EdgePlan, Plan
from selinon_core.plan.model import ForeachItems
from selinon_core.runtime.inputs import Inputs
from selinon_core.runtime.results import Asking, Limits, ResultReader, Results
from selinon_core.runtime.scope import OutputScope, Scope
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.templates import BoundExpressions, BoundTemplate
from selinon_core.runtime.where_asked import where_asked

#: What ``args`` give one item; see ``events.ArgsAnswered``.
Given = list[Any]


class ExpressionAnswerer:
    """Works out the expressions of one plan."""

    def __init__(
        self,
        plan: Plan,
        bound: BoundExpressions,
        storages: Storages,
        inputs: Inputs,
        limits: Limits,
        most_items: int,
    ) -> None:
        self._plan = plan
        self._bound = bound
        self._storages = storages
        self._inputs = inputs
        self._limits = limits
        self._most_items = most_items

    def scope(
        self, asking: Asking, sources: tuple[NodeRun, ...], args: Any, results: Results, has_item: bool = False
    ) -> Scope:
        """The names of an expression about a combination."""
        reader = ResultReader(self._storages, asking.flow, results)
        return Scope(asking, reader, self._plan.settings.environment, sources, args, has_item)

    def items(self, foreach: ForeachItems, scope: Scope) -> list[Any]:
        """The items of a foreach; raises ``UserFunctionError`` for a value that is not a list, or is too long."""
        expression = foreach.expression
        where = f"{expression.text} at {expression.place}"
        with _user_errors(f"foreach {where}"):
            found = self._bound.items(foreach)(scope, None)
        if not isinstance(found, list | tuple):
            fix = " (items(...) has the keys and values of an object)" if isinstance(found, dict) else ""
            raise UserFunctionError(f"foreach {where} is {described(found)}, not a list{fix}")
        if len(found) > self._most_items:
            raise UserFunctionError(f"foreach {where} has more than {self._most_items} items")
        return list(found)

    def args(self, asking: Asking, question: do.AskArgs, results: Results) -> list[Given]:
        """What each item gives the destinations, or why not; raises ``StorageError`` when a storage is away."""
        entry = question.entry
        assert entry.args is not None
        foreach = entry.foreach if isinstance(entry, EdgePlan) else None
        item_name = foreach.item_name if isinstance(foreach, ForeachItems) else "item"
        template = self._bound.template(entry.args, "args", item_name)
        has_item = question.items is not None
        scope = self.scope(asking, question.sources, question.args, results, has_item)
        if question.items is None:
            return [self._given(asking, question, template, scope)]
        given = []
        for scope.item, scope.index in zip(question.items, question.positions, strict=True):
            given.append(self._given(asking, question, template, scope))
        return given

    def _given(self, asking: Asking, question: do.AskArgs, template: BoundTemplate, scope: Scope) -> Given:
        try:
            args = template.value(scope, self._limits)
            reasons: dict[str, str] = {}
            filled: dict[str, list[Any]] = {}
            for name in question.destinations:
                self._fit(name, args, scope, reasons, filled)
        except (ArgumentError, ResultMissingError, UserFunctionError) as error:
            return [1, f"{where_asked(asking.flow, question)}: {error}"]
        if reasons:
            where = where_asked(asking.flow, question)
            reasons = {name: f"{where}: {reason}" for name, reason in reasons.items()}
        refers = int(args.__class__ is Referring)
        if filled:
            return [0, shown(args), reasons, refers, filled]
        if refers:
            return [0, args.value, reasons, 1]
        return [0, args, reasons] if reasons else [0, args]

    def _fit(self, name: str, args: Any, scope: Scope, reasons: dict[str, str], filled: dict[str, Given]) -> None:
        """Note why a node cannot be given these arguments, or what a task is given that has defaults.

        All attempts of a task have the defaults with which it began. A flow run keeps those with which it begins.
        """
        flow = self._plan.flows.get(name)
        node = flow or self._plan.tasks[name]
        if node.input_schema is None:
            return
        try:
            accepted = self._inputs.accepted(node, args, scope.reader.decoded)
        except ArgumentError as error:
            reasons[name] = str(error)
            return
        if flow is None and accepted is not args:
            filled[name] = [shown(accepted), int(accepted.__class__ is Referring)]

    def output(self, asking: Asking, question: do.AskOutput, results: Results) -> Any:
        """The output of a flow's attempt; raises ``ArgumentError`` and as ``args``."""
        template = asking.flow.output
        assert template is not None
        reader = ResultReader(self._storages, asking.flow, results)
        environment = self._plan.settings.environment
        scope = OutputScope(asking, reader, environment, question.finished, question.args)
        value = self._bound.template(template, "output").value(scope, self._limits)
        self._inputs.check_output(asking.flow, scope.reader.decoded(value))
        return value


@contextmanager
def _user_errors(where: str) -> Iterator[None]:
    try:
        yield
    except EvaluationError as error:
        raise UserFunctionError(f"{where}: {error}") from None
