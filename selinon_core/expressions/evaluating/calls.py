"""How lists, objects, ``for`` and functions are evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from selinon_core.expressions.evaluating.binding import Binder, Evaluate, Run, placed, unfit
from selinon_core.expressions.evaluating.paths import bind_path
from selinon_core.expressions.faults import shown
from selinon_core.expressions.functions import FUNCTIONS, Function
from selinon_core.expressions.tree import Call, Field, Index, ListFor, ListOf, Name, ObjectOf, Tree, children
from selinon_core.expressions.values import EvaluationError, Json, MissingValue, number, type_name


def bind_list_of(binder: Binder, tree: ListOf) -> Evaluate:
    items = [binder.bind(item) for item in tree.items]
    return lambda run: [item(run) for item in items]


def bind_object_of(binder: Binder, tree: ObjectOf) -> Evaluate:
    entries = [(key, binder.bind(part), part) for key, part in tree.entries]

    def evaluate(run: Run) -> dict[str, Json]:
        made: dict[str, Json] = {}
        for key, part, place in entries:
            value = part(run)
            if key is not None:
                made[key] = value
            elif isinstance(value, dict):
                _take(run, len(value), place)
                made.update(value)
            else:
                raise unfit(value, place, "an object")
        return made

    return evaluate


def _take(run: Run, steps: int, place: Tree) -> None:
    try:
        run.take(steps)
    except EvaluationError as error:
        raise placed(error, place) from None


def bind_list_for(binder: Binder, tree: ListFor) -> Evaluate:
    passes = _passes(binder, tree)
    return lambda run: list(passes(run))


def _passes(binder: Binder, tree: ListFor) -> Callable[[Run], Iterator[Json]]:
    """What gives the values of the element, one after the other. The steps of all are taken before the first."""
    items = binder.bind(tree.items)
    before = binder.variables
    slot = max(before.values(), default=-1) + 1
    binder.variables = {**before, tree.variable: slot}
    binder.most_variables = max(binder.most_variables, slot + 1)
    element = binder.bind(tree.element)
    condition = None if tree.condition is None else binder.bind(tree.condition)
    binder.variables = before
    parts = _size(tree.element) + (0 if tree.condition is None else _size(tree.condition))

    def passes(run: Run) -> Iterator[Json]:
        found = items(run)
        if not isinstance(found, list):
            raise unfit(found, tree.items, "a list")
        _take(run, len(found) * parts, tree)
        variables = run.variables
        for item in found:
            variables[slot] = item
            if condition is not None:
                kept = condition(run)
                if kept is False:
                    continue
                if kept is not True:
                    assert tree.condition is not None
                    raise unfit(kept, tree.condition, "a boolean")
            yield element(run)

    return passes


def _size(tree: Tree) -> int:
    """The number of parts of a tree, itself among them."""
    return 1 + sum(_size(part) for part in children(tree))


def bind_call(binder: Binder, tree: Call) -> Evaluate:
    function = FUNCTIONS.get(tree.function)
    if function is None:
        raise EvaluationError(f"there is no function {shown(tree.function)}", tree.start, tree.name_end)
    wrong = wrong_number(tree.function, function, len(tree.arguments))
    if wrong:
        raise EvaluationError(wrong, tree.start, tree.end)
    if function.implementation is None:
        return _ask_for(binder, tree)
    if tree.function in ("any", "all") and isinstance(tree.arguments[0], ListFor):
        return _quantifier(binder, tree.arguments[0], stops=tree.function == "any")
    return _apply(binder, tree, function)


def wrong_number(name: str, function: Function, given: int) -> str:
    """What is wrong with a number of arguments, or nothing."""
    needed, most = function.needed, len(function.parameters)
    if given >= needed and (given <= most or function.repeats):
        return ""
    number = str(needed) if needed == most else f"{needed} to {most}"
    number = f"{needed} or more" if function.repeats else number
    return f"{name}() takes {number} argument{'' if number == '1' else 's'} and gets {given}"


def _apply(binder: Binder, tree: Call, function: Function) -> Evaluate:
    implementation = function.implementation
    assert implementation is not None
    types = [*function.parameters.values()]
    types += types[-1:] * (len(tree.arguments) - len(types))
    arguments = [
        (binder.bind(part), part, None if expected == "any" else frozenset(expected.split(" or ")), expected)
        for part, expected in zip(tree.arguments, types, strict=False)
    ]

    def evaluate(run: Run) -> Json:
        values: list[Json] = []
        for argument, part, fitting, expected in arguments:
            value = argument(run)
            if fitting is not None:
                kind = type_name(value)
                if kind not in fitting:
                    raise unfit(value, part, _one_of(expected))
                if kind == "number":
                    try:
                        number(value)
                    except EvaluationError as error:
                        raise placed(error, part) from None
            values.append(value)
        try:
            return implementation(run, *values)
        except EvaluationError as error:
            raise placed(error, tree) from None

    return evaluate


def _one_of(types: str) -> str:
    *others, last = [
        {"text": "text", "object": "an object"}.get(name, f"a {name}") for name in types.split(" or ")
    ]
    return f"{', '.join(others)} or {last}" if others else last


def _quantifier(binder: Binder, tree: ListFor, *, stops: bool) -> Evaluate:
    """``any`` and ``all`` of a ``for``, which stop at the first value that decides."""
    passes = _passes(binder, tree)

    def evaluate(run: Run) -> Json:
        for value in passes(run):
            if value is stops:
                return stops
            if value is not True and value is not False:
                raise unfit(value, tree.element, "a boolean")
        return not stops

    return evaluate


def _ask_for(binder: Binder, tree: Call) -> Evaluate:
    """``has`` and ``default``."""
    path = tree.arguments[0]
    if not isinstance(path, Name | Field | Index):
        message = f"{tree.function}() asks for a path: a name, and keys behind it"
        raise EvaluationError(message, path.start, path.end)
    read = bind_path(binder, path, is_asked=True)
    if tree.function == "has":

        def has(run: Run) -> bool:
            try:
                read(run)
            except MissingValue:
                return False
            return True

        return has
    otherwise = binder.bind(tree.arguments[1])

    def default(run: Run) -> Json:
        try:
            value = read(run)
        except MissingValue:
            value = None
        return otherwise(run) if value is None else value

    return default
