"""The interpreter of conditions: a tree of leaves, bound to the user's functions once and evaluated often."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from selinon_core.errors import StorageError, UserFunctionError
from selinon_core.plan import And, Condition, Leaf, Not
from selinon_core.plan.model import Test
from selinon_core.runtime.error_codec import USER_ERRORS, name_error_and_place
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.json_values import copy_json, is_scalar
from selinon_core.runtime.unusable import unusable

if TYPE_CHECKING:
    from selinon_core.runtime.templates import BoundExpressions

#: The truth of each leaf in reading order; None where the outcome was clear without it.
LeafValues = list[bool | None]


class Messages(Protocol):
    """Where leaves get results from."""

    def message(self, path: tuple[str, ...]) -> Any:
        """The result of a source task, or the outcome of a source flow as a mapping; not to be changed."""
        ...

    def messages(self, path: tuple[str, ...]) -> list[Any]:
        """The results of all runs of a task inside a source flow, in order of finishing."""
        ...


_Evaluate = Callable[[Messages, Any, LeafValues], bool]


class BoundConditions:
    """The conditions of one plan, bound when first needed and kept; ``expressions`` has what else is bound.

    ``like`` are those of a plan that differs little: what else it has bound is used as far as it is the same.
    """

    def __init__(self, imports: Imports, like: BoundConditions | None = None) -> None:
        self._imports = imports
        self._like = like
        self._bound: dict[int, BoundCondition] = {}

    @cached_property
    def expressions(self) -> BoundExpressions:
        """The templates and lists of the plan."""
        from selinon_core.runtime.templates import BoundExpressions

        return BoundExpressions(None if self._like is None else self._like.expressions)

    def __getitem__(self, condition: Condition) -> BoundCondition:
        # Keyed by identity: comparing trees would cost more than binding them. The bound condition holds on to
        # the tree, so its identity is not given away.
        bound = self._bound.get(id(condition))
        if bound is None:
            bound = self._bound[id(condition)] = BoundCondition(condition, self._imports)
        return bound


class BoundCondition:
    """A condition whose functions are imported. ``has_tests``: expressions are in it, and read names.

    ``takes_args``: a predicate in it looks at the arguments of the flow.
    """

    __slots__ = ("_evaluate", "_leaves", "condition", "has_tests", "takes_args")

    def __init__(self, condition: Condition, imports: Imports) -> None:
        self.condition = condition
        self.has_tests = self.takes_args = False
        self._leaves = 0
        self._evaluate = self._bind(condition, imports)

    def evaluate(self, messages: Messages, node_args: Any) -> tuple[bool, LeafValues]:
        """Return the truth and that of each leaf; ``messages`` is a ``Scope`` for a condition with expressions.

        Raises ``StorageError`` when a result cannot be read, ``UserFunctionError`` when a predicate raises or
        returns an unusable answer.
        """
        values: LeafValues = [None] * self._leaves
        return self._evaluate(messages, node_args, values), values

    def _bind(self, condition: Condition, imports: Imports) -> _Evaluate:
        if isinstance(condition, Leaf | Test):
            index = self._leaves
            self._leaves += 1
            if isinstance(condition, Leaf):
                self.takes_args = self.takes_args or takes_node_args(imports.predicate(condition.function))
                return _bind_leaf(condition, index, imports)
            self.has_tests = True
            return _bind_test(condition, index)
        if isinstance(condition, Not):
            operand = self._bind(condition.operand, imports)
            return lambda messages, node_args, values: not operand(messages, node_args, values)
        operands = tuple(self._bind(part, imports) for part in condition.operands)
        if isinstance(condition, And):
            return lambda messages, node_args, values: all(f(messages, node_args, values) for f in operands)
        return lambda messages, node_args, values: any(f(messages, node_args, values) for f in operands)


def _bind_leaf(leaf: Leaf, index: int, imports: Imports) -> _Evaluate:
    function = imports.predicate(leaf.function)
    takes_message, takes_node_args = _takes(function)
    shared = all(is_scalar(value) for value in leaf.args.values())
    # Shipped predicates only look; a user's own may change what it is given, so it gets copies.
    trusted = leaf.function.module.startswith(("selinon_core.", "selinon."))
    path = leaf.node
    is_one = path is not None and len(path) == 1 and leaf.quantifier is None
    only = path if takes_message and is_one else None

    def call(message: Any, node_args: Any) -> bool:
        arguments = dict(leaf.args) if shared else copy_json(dict(leaf.args))
        if takes_message:
            arguments["message"] = message if trusted else _own(message)
        if takes_node_args:
            arguments["node_args"] = node_args if trusted else copy_json(node_args)
        try:
            answer = function(**arguments)
            if answer.__class__ is bool:  # nearly all are
                return answer
            wrong = unusable(answer)
            if wrong is None:
                return bool(answer)
        except StorageError:
            raise
        except USER_ERRORS as error:
            text = f"predicate {leaf.function} ({leaf.place}) raised {name_error_and_place(error)}"
            raise UserFunctionError(text) from error
        raise UserFunctionError(f"predicate {leaf.function} ({leaf.place}) {wrong}")

    def evaluate(messages: Messages, node_args: Any, values: LeafValues) -> bool:
        if only is not None:  # most read one result
            value = call(messages.message(only), node_args)
        elif not takes_message or path is None:
            value = call(None, node_args)
        elif leaf.quantifier is not None:
            truths = (call(message, node_args) for message in messages.messages(path))
            value = all(truths) if leaf.quantifier == "all" else any(truths) == (leaf.quantifier == "any")
        else:
            results = messages.messages(path)
            value = bool(results) and call(results[-1], node_args)
        values[index] = value
        return value

    return evaluate


def _bind_test(test: Test, index: int) -> _Evaluate:
    from selinon_core.expressions.evaluate import bind_of_plan
    from selinon_core.expressions.values import EvaluationError, described

    bound = bind_of_plan(test.text)

    def evaluate(messages: Any, node_args: Any, values: LeafValues) -> bool:
        try:
            value = bound(messages, messages.seen)
        except EvaluationError as error:
            raise UserFunctionError(f"{test.text} at {test.place}: {error}") from None
        if value is not True and value is not False:
            raise UserFunctionError(f"{test.text} at {test.place} is {described(value)}, not a boolean")
        values[index] = value
        return value

    return evaluate


def _own(message: Any) -> Any:
    """A copy of a result; what a storage of the user's returns need not be JSON."""
    try:
        return copy_json(message)
    except (TypeError, ValueError, RecursionError):
        return message


@lru_cache(maxsize=1024)
def _takes(function: Callable[..., Any]) -> tuple[bool, bool]:
    """Whether a predicate takes ``message`` and ``node_args``; reading a signature is slow."""
    import inspect

    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False, False
    return "message" in parameters, "node_args" in parameters


def takes_node_args(function: Callable[..., Any]) -> bool:
    """Whether a predicate looks at the arguments of the flow."""
    return _takes(function)[1]


def explain(
    condition: Condition, values: Sequence[bool | None], seen: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The condition as a JSON tree in which every leaf has its ``value`` (None: not evaluated).

    An expression has what it read beside it, ``saw``, of all that the expressions of the condition have ``seen``.
    """
    remaining = iter(values)

    def tree(part: Condition) -> dict[str, Any]:
        if isinstance(part, Test):
            value = next(remaining, None)
            explained = {"expr": part.text, "value": value}
            saw = {} if value is None or not seen else saw_of(part, seen)
            return explained | {"saw": saw} if saw else explained
        if isinstance(part, Leaf):
            leaf: dict[str, Any] = {"name": part.function.name}
            if part.node is not None:
                leaf["node"] = part.node[0] if len(part.node) == 1 else list(part.node)
            if part.quantifier is not None:
                leaf["quantifier"] = part.quantifier
            return leaf | {"args": _plain(part.args), "value": next(remaining, None)}
        if isinstance(part, Not):
            return {"not": tree(part.operand)}
        return {part.kind: [tree(operand) for operand in part.operands]}

    return tree(condition)


def saw_of(test: Test, seen: Mapping[str, Any]) -> dict[str, Any]:
    """What one expression read, of what all expressions of its condition have seen."""
    from selinon_core.plan.expression_uses import paths_of

    paths = {path.text for path in paths_of(test.text)}
    return {path: value for path, value in seen.items() if path in paths}


def _plain(args: Mapping[str, Any]) -> dict[str, Any]:
    return dict(args)
