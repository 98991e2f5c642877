"""How operators are evaluated.

``and``, ``or``, ``not`` and the condition of ``if`` take booleans only. ``==`` compares values of any two
types, and they are different when the types are; ``<`` and the like compare two numbers or two texts. ``+``
adds two numbers or puts two texts together; the rest of arithmetic is for numbers, as in Python: ``/`` gives a
fraction, ``//`` and ``%`` round down.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from selinon_core.expressions.evaluating.binding import Binder, Evaluate, Run, label, placed, unfit
from selinon_core.expressions.parsing.literals import NUMBERS_BELOW
from selinon_core.expressions.tree import Arithmetic, Comparison, IfElse, Junction, Negation, Negative
from selinon_core.expressions.values import (
    EvaluationError,
    Json,
    checked,
    contains,
    described,
    equal,
    in_order,
    is_number,
    number,
)


def bind_negation(binder: Binder, tree: Negation) -> Evaluate:
    operand = binder.bind(tree.operand)

    def evaluate(run: Run) -> bool:
        value = operand(run)
        if value is True:
            return False
        if value is False:
            return True
        raise unfit(value, tree.operand, "a boolean")

    return evaluate


def bind_junction(binder: Binder, tree: Junction) -> Evaluate:
    operands = [(binder.bind(operand), operand) for operand in tree.operands]
    stops = tree.operator == "or"

    def evaluate(run: Run) -> Json:
        for operand, part in operands:
            value = operand(run)
            if value is stops:
                return stops
            if value is not True and value is not False:
                raise unfit(value, part, "a boolean")
        return not stops

    return evaluate


def bind_if_else(binder: Binder, tree: IfElse) -> Evaluate:
    then, condition, otherwise = map(binder.bind, (tree.then, tree.condition, tree.otherwise))

    def evaluate(run: Run) -> Json:
        value = condition(run)
        if value is True:
            return then(run)
        if value is False:
            return otherwise(run)
        raise unfit(value, tree.condition, "a boolean")

    return evaluate


def bind_comparison(binder: Binder, tree: Comparison) -> Evaluate:
    first = binder.bind(tree.first)
    rest = [(_COMPARISONS[sign], binder.bind(operand)) for sign, _, operand in tree.rest]
    operands = [tree.first, *(operand for _, _, operand in tree.rest)]

    def failed(error: EvaluationError, position: int) -> EvaluationError:
        left, right = operands[position], operands[position + 1]
        if error.start < 0:
            error.start, error.end = left.start, right.end
        return error

    if len(rest) == 1:
        [(compare, second)] = rest

        def evaluate_one(run: Run) -> bool:
            left, right = first(run), second(run)
            try:
                return compare(run, left, right)
            except EvaluationError as error:
                raise failed(error, 0) from None

        return evaluate_one

    def evaluate(run: Run) -> bool:
        left = first(run)
        for position, (compare, operand) in enumerate(rest):
            right = operand(run)
            try:
                if not compare(run, left, right):
                    return False
            except EvaluationError as error:
                raise failed(error, position) from None
            left = right
        return True

    return evaluate


def _in_order(compare: Callable[[Any, Any], bool]) -> Callable[[Run, Json, Json], bool]:
    def evaluate(run: Run, left: Json, right: Json) -> bool:
        if type(left) in _NUMBERS and type(right) in _NUMBERS:
            return compare(left, right)
        return in_order(run, compare, left, right)

    return evaluate


_NUMBERS = frozenset({int, float})
_COMPARISONS: dict[str, Callable[[Run, Json, Json], bool]] = {
    "==": equal,
    "!=": lambda run, left, right: not equal(run, left, right),
    "<": _in_order(operator.lt),
    "<=": _in_order(operator.le),
    ">": _in_order(operator.gt),
    ">=": _in_order(operator.ge),
    "in": contains,
    "not in": lambda run, left, right: not contains(run, left, right),
}


def bind_arithmetic(binder: Binder, tree: Arithmetic) -> Evaluate:
    left, right = binder.bind(tree.left), binder.bind(tree.right)
    compute, divides = _ARITHMETIC[tree.operator], tree.operator in _DIVISIONS

    def evaluate(run: Run) -> Json:
        first, second = left(run), right(run)
        # What is right is found here; what is wrong is explained by ``_computed``, which takes longer.
        if type(first) in _NUMBERS and type(second) in _NUMBERS and (second or not divides):
            if -NUMBERS_BELOW < first < NUMBERS_BELOW and -NUMBERS_BELOW < second < NUMBERS_BELOW:
                result = compute(first, second)
                if -NUMBERS_BELOW < result < NUMBERS_BELOW:
                    return result
        elif compute is operator.add and (isinstance(first, str) or isinstance(second, str)):
            return _joined(run, first, second, tree)
        return _computed(compute, first, second, tree)

    return evaluate


def _joined(run: Run, left: Json, right: Json, tree: Arithmetic) -> str:
    """Two texts put together."""
    if isinstance(left, str) and isinstance(right, str):
        try:
            run.write(len(left) + len(right))
        except EvaluationError as error:
            raise placed(error, tree) from None
        return left + right
    text, other, value = (tree.left, tree.right, right) if isinstance(left, str) else (tree.right, tree.left, left)
    message = f"{label(text)} is text and {label(other)} is {described(value)}: they are not added"
    raise EvaluationError(message, tree.start, tree.end)


def _computed(compute: Callable[[Any, Any], Any], left: Json, right: Json, tree: Arithmetic) -> int | float:
    """The result of two numbers, with a check of everything and its place."""
    for value, part in ((left, tree.left), (right, tree.right)):
        if not is_number(value):
            raise unfit(value, part, "a number")
        try:
            number(value)
        except EvaluationError as error:
            raise placed(error, part) from None
    try:
        return checked(compute(left, right))
    except ZeroDivisionError:
        message = f"{label(tree.right)} is 0: nothing is divided by it"
        raise EvaluationError(message, tree.start, tree.end) from None
    except EvaluationError as error:
        raise placed(error, tree) from None


_DIVISIONS = frozenset({"/", "//", "%"})
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def bind_negative(binder: Binder, tree: Negative) -> Evaluate:
    operand = binder.bind(tree.operand)

    def evaluate(run: Run) -> Json:
        value = operand(run)
        if not is_number(value):
            raise unfit(value, tree.operand, "a number")
        try:
            return -number(value)
        except EvaluationError as error:
            raise placed(error, tree.operand) from None

    return evaluate
