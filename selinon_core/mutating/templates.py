"""Mistakes in templates (``args`` of edges and fallbacks, ``output`` of flows) and in the expressions in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from selinon_core.diagnostics.location import Place
from selinon_core.expressions.names import name_of, path_of
from selinon_core.expressions.printer import expression_text
from selinon_core.expressions.tree import Call, Field, Name, Tree
from selinon_core.expressions.types import ObjectType, Type
from selinon_core.mutating.expressions import text_mutations
from selinon_core.plan.expression_uses import template_data, tree_of
from selinon_core.plan.model import Computed, ComputedText, Expression, Template
from selinon_core.plan.text_wrap import truncate

#: The type of what a name means (its kind and name as of ``expressions.names``); None: nothing is known of it.
TypeOf = Callable[[str, str], Type | None]

#: A value of each kind, in place of one that is read.
_CONSTANTS: dict[str, Any] = {"number": 0, "text": "", "bool": False, "list": [], "object": {}}

_Put = Callable[[Any], Any]


class TemplateMutation(NamedTuple):
    """A template with one mistake. ``key`` distinguishes mutations of one operator."""

    operator: str
    key: str
    template: Template
    text: str
    place: Place


def mutations(
    template: Template, called: str, type_of: TypeOf, item_name: str = "item"
) -> Iterator[TemplateMutation]:
    """Every mistake of this module in a template; ``called`` is how texts call it: ``args``, ``output``."""
    for operator, key, value, text, place in _of_value(template.value, called, type_of, item_name):
        yield TemplateMutation(operator, key, template._replace(value=value), text, place or template.place)


def _of_value(
    value: Any, called: str, type_of: TypeOf, item_name: str
) -> Iterator[tuple[str, str, Any, str, Place | None]]:
    if isinstance(value, dict):
        yield from _of_keys(value, called)
    for path, part, put in _parts(value, called, lambda changed: changed):
        if isinstance(part, Computed):
            for operator, key, changed, text in _of_computed(part, type_of, item_name):
                yield operator, f"{path}{key}", put(changed), f"{path} {text}", part.expression.place
        else:
            for number, piece in enumerate(part.parts):
                if isinstance(piece, Expression):
                    for operator, key, changed, text in _of_expression(piece, type_of, item_name):
                        parts = (*part.parts[:number], changed, *part.parts[number + 1 :])
                        said = f"{path} {text}"
                        yield operator, f"{path}.{number}{key}", put(ComputedText(parts)), said, piece.place


def _of_keys(value: dict[str, Any], called: str) -> Iterator[tuple[str, str, Any, str, Place | None]]:
    keys = list(value)
    for key in keys:
        fewer = {one: part for one, part in value.items() if one != key}
        yield "template-drop", f"{called}.{key}", fewer, f"{called} has no {key}", None
    for one, other in pairwise(keys):
        if template_data(value[one]) != template_data(value[other]):
            swapped = {**value, one: value[other], other: value[one]}
            text = f"{called}.{one} and {called}.{other} have each other's values"
            yield "template-swap", f"{called}.{one}-{other}", swapped, text, None


def _of_computed(
    part: Computed, type_of: TypeOf, item_name: str
) -> Iterator[tuple[str, str, Computed | Any, str]]:
    for operator, key, expression, text in _of_expression(part.expression, type_of, item_name):
        yield operator, key, Computed(expression), text
    written = part.expression.text
    if path_of(tree_of(written))[0].__class__ is Name:
        found = _type_at(tree_of(written), type_of, item_name)
        kinds = frozenset() if found is None else found.kinds() - {"null"}
        value = _CONSTANTS.get(next(iter(kinds))) if len(kinds) == 1 else None
        yield "template-constant", "", value, f"is {_shown(value)} instead of {_short(written)}"


def _of_expression(
    expression: Expression, type_of: TypeOf, item_name: str
) -> Iterator[tuple[str, str, Expression, str]]:
    written = expression.text
    for operator, key, text in text_mutations(written):
        yield (
            operator,
            f":{key}",
            expression._replace(text=text),
            f"is {_short(text)} instead of {_short(written)}",
        )
    tree = tree_of(written)
    with_default = tree if isinstance(tree, Call) and tree.function == "default" else None
    other = _another_field(tree if with_default is None else with_default.arguments[0], type_of, item_name)
    if other is not None:
        rest = () if with_default is None else with_default.arguments[1:]
        changed = other if with_default is None else with_default._replace(arguments=(other, *rest))
        text = expression_text(changed)
        said = f"is {_short(text)} instead of {_short(written)}"
        yield "template-path", "", expression._replace(text=text), said


def _another_field(path: Tree, type_of: TypeOf, item_name: str) -> Tree | None:
    """The same path to another field of the same kinds, the next one in the order of the schema."""
    if not isinstance(path, Field):
        return None
    subject = _type_at(path.subject, type_of, item_name)
    for member in () if subject is None else subject.members:
        if isinstance(member, ObjectType) and path.name in member.properties:
            keys = list(member.properties)
            at = keys.index(path.name)
            for key in (*keys[at + 1 :], *keys[:at]):
                if member.properties[key].kinds() == member.properties[path.name].kinds():
                    return path._replace(name=key)
    return None


def _type_at(path: Tree, type_of: TypeOf, item_name: str) -> Type | None:
    root, steps = path_of(path)
    if not isinstance(root, Name):
        return None
    use, taken = name_of(root, steps, item_name)
    found = type_of(use.kind, use.name)
    for step in steps[taken:]:
        members = [] if found is None else [one for one in found.members if isinstance(one, ObjectType)]
        if not isinstance(step, Field) or len(members) != 1 or step.name not in members[0].properties:
            return None
        found = members[0].properties[step.name]
    return found


def _parts(value: Any, path: str, put: _Put) -> Iterator[tuple[str, Computed | ComputedText, _Put]]:
    """The computed parts of a template, each with the function that puts something else in its place."""
    if isinstance(value, Computed | ComputedText):
        yield path, value, put
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _parts(
                inner,
                f"{path}.{key}",
                lambda changed, key=key: put({**value, key: changed}),  # type: ignore[misc]
            )
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _parts(
                inner,
                f"{path}[{number}]",
                lambda changed, number=number: put([*value[:number], changed, *value[number + 1 :]]),  # type: ignore[misc]
            )


def _short(text: str) -> str:
    return truncate(text, 40)


def _shown(value: Any) -> str:
    return json.dumps(value)
