"""How names and paths are read: ``LoadOrder.lines[0].price``.

Of null every key is missing. A value of another type that has no keys or items is an error, also for ``has`` and
``default``. An index counts from the end when it is negative.
"""

from __future__ import annotations

from selinon_core.expressions.evaluating.binding import Binder, Evaluate, Run, label, placed, unfit
from selinon_core.expressions.faults import shown
from selinon_core.expressions.names import constant_key, name_of, path_of
from selinon_core.expressions.printer import expression_text
from selinon_core.expressions.tree import Field, Index, Name, Tree, children
from selinon_core.expressions.values import EvaluationError, Json, MissingValue, described, is_integer


def bind_path(binder: Binder, tree: Name | Field | Index, *, is_asked: bool = False) -> Evaluate:
    """What reads a path. ``is_asked``: what is missing elsewhere than on the path is an error like any other."""
    root, steps = path_of(tree)
    if not isinstance(root, Name):
        read = _strictly(binder.bind(root)) if is_asked else binder.bind(root)
        return _steps(binder, read, steps, is_asked)
    if (slot := binder.variables.get(root.name)) is not None:
        return _steps(binder, lambda run: run.variables[slot], steps, is_asked)
    use, taken = name_of(root, steps, binder.item_name)
    if not use.name:
        raise EvaluationError(f'"{use.kind}" is used with a name: {use.kind}.name', use.start, use.end)
    fields: list[Field | Index] = []
    for step in steps[taken:]:
        if not isinstance(constant_key(step), str):
            break
        fields.append(step)
    rest = steps[taken + len(fields) :]
    text = expression_text(tree) if not _uses_variables(binder, tree) else None
    read = _fields(use.kind, use.name, fields, root if not taken else steps[0], None if rest else text, is_asked)
    return _seen(_steps(binder, read, rest, is_asked), text) if rest else read


def _uses_variables(binder: Binder, tree: Tree) -> bool:
    if isinstance(tree, Name):
        return tree.name in binder.variables
    return bool(binder.variables) and any(_uses_variables(binder, part) for part in children(tree))


def _fields(
    kind: str, name: str, steps: list[Field | Index], place: Tree, text: str | None, is_asked: bool
) -> Evaluate:
    """What reads keys of the value of a name, one in the other: most of what expressions do."""
    keys = [(str(constant_key(step)), step) for step in steps]

    def read(run: Run) -> Json:
        try:
            value = run.value(kind, name)
        except EvaluationError as error:
            raise placed(error, place) from None
        for key, step in keys:
            if type(value) is dict:
                try:
                    value = value[key]
                    continue
                except KeyError:
                    pass
            value = _key(value, key, step, is_asked)
        if text is not None and run.seen is not None:
            run.seen[text] = value
        return value

    return read


def _key(value: Json, key: str, step: Field | Index, is_asked: bool) -> Json:
    """The value of a key. Of null every key is missing; what is not an object is not asked for keys.

    ``is_asked``: nothing is said about what is missing, for that takes longer than the rest.
    """
    start = step.name_start if isinstance(step, Field) else step.key.start
    end = step.end if isinstance(step, Field) else step.key.end
    if isinstance(value, dict):
        if key in value:
            return value[key]
        verb = "has"
    elif value is None:
        verb = "is null and has"
    else:
        raise unfit(value, step.subject, "an object")
    if is_asked:
        raise MissingValue("", start, end)
    # A key that is worked out is a part of a result, which messages do not show.
    if isinstance(step, Index) and constant_key(step) is None:
        name = f"that {label(step.key)} names"
    else:
        name = shown(key)
    raise MissingValue(f"{label(step.subject)} {verb} no key {name}", start, end)


def _item(value: Json, key: Json, step: Index, is_asked: bool) -> Json:
    """The item of a list at a position, or the value of a key of an object."""
    start, end = step.key.start, step.key.end
    if isinstance(value, list):
        if not is_integer(key):
            message = f"{label(step.subject)} is a list, and its index is {described(key)}, not an integer"
            raise EvaluationError(message, start, end)
        position = int(key)
        if not -len(value) <= position < len(value):
            message = f"{label(step.subject)} has {len(value)} items, and none at {position}"
            raise MissingValue(message, start, end)
        return value[position]
    if isinstance(key, str):
        return _key(value, key, step, is_asked)
    if value is None:
        raise MissingValue(f"{label(step.subject)} is null and has no item", start, end)
    if isinstance(value, dict):
        raise EvaluationError(f"{label(step.subject)} is an object, and its key is {described(key)}", start, end)
    raise unfit(value, step.subject, "a list")


def _steps(binder: Binder, read: Evaluate, steps: list[Field | Index], is_asked: bool) -> Evaluate:
    for step in steps:
        if isinstance(step, Field):
            read = _step(read, step, is_asked)
        else:
            key = binder.bind(step.key)
            read = _index(read, _strictly(key) if is_asked else key, step, is_asked)
    return read


def _step(subject: Evaluate, step: Field, is_asked: bool) -> Evaluate:
    name = step.name

    def read(run: Run) -> Json:
        value = subject(run)
        if type(value) is dict and name in value:
            return value[name]
        return _key(value, name, step, is_asked)

    return read


def _index(subject: Evaluate, key: Evaluate, step: Index, is_asked: bool) -> Evaluate:
    return lambda run: _item(subject(run), key(run), step, is_asked)


def _seen(read: Evaluate, text: str | None) -> Evaluate:
    if text is None:
        return read

    def evaluate(run: Run) -> Json:
        value = read(run)
        if run.seen is not None:
            run.seen[text] = value
        return value

    return evaluate


def _strictly(read: Evaluate) -> Evaluate:
    """Let what is missing be an error that ``has`` and ``default`` do not ask for."""

    def evaluate(run: Run) -> Json:
        try:
            return read(run)
        except MissingValue as error:
            raise EvaluationError(error.message, error.start, error.end) from None

    return evaluate
