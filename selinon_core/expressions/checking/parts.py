"""Types of lists, objects, comprehensions and choices."""

from __future__ import annotations

from selinon_core.expressions.checking.findings import Fix
from selinon_core.expressions.checking.implications import facts_when
from selinon_core.expressions.checking.narrowing import Facts
from selinon_core.expressions.checking.operators import boolean
from selinon_core.expressions.checking.signatures import items_of
from selinon_core.expressions.checking.state import State
from selinon_core.expressions.tree import IfElse, ListFor, ListOf, ObjectOf
from selinon_core.expressions.types import (
    ANY,
    LIST,
    MOST_OF_A_KIND,
    NEVER,
    OBJECT,
    ListType,
    ObjectType,
    Type,
    list_of,
    union,
)

#: Objects that one ``{...}`` may make, each of other keys.
_MOST_SHAPES = 8


def if_else(state: State, tree: IfElse, facts: Facts) -> Type:
    """The type of both branches, each with what the condition says."""
    boolean(state, tree.condition, facts, '"if" takes a boolean')
    then = state.type_of(tree.then, facts_when(state, tree.condition, True, facts))
    otherwise = state.type_of(tree.otherwise, facts_when(state, tree.condition, False, facts))
    return union((then, otherwise))


def list_for(state: State, tree: ListFor, facts: Facts) -> Type:
    """A list of what is made of each item."""
    items = state.wanted(tree.items, facts, (LIST,), '"for" goes through a list', _how_to_list)
    item = state.seen(items_of(items))
    with state.variable(tree.variable, tree.variable_start, item):
        if tree.condition is not None:
            boolean(state, tree.condition, facts, '"if" takes a boolean')
            facts = facts_when(state, tree.condition, True, facts)
        return list_of(state.type_of(tree.element, facts))


def _how_to_list(type_: Type) -> tuple[str, tuple[Fix, ...]]:
    return ("an object has items(...), keys(...) and values(...)" if type_.kinds() == {OBJECT} else ""), ()


def list_of_items(state: State, tree: ListOf, facts: Facts) -> Type:
    """A list with these items."""
    types = tuple([state.type_of(item, facts) for item in tree.items])
    if len(types) > MOST_OF_A_KIND:
        return list_of(union(types))
    return Type((ListType(NEVER, types),))


def object_of_entries(state: State, tree: ObjectOf, facts: Facts) -> Type:
    """An object with these keys, and those of the objects behind ``**``; a later entry replaces an earlier one."""
    shapes = [ObjectType({})]
    for key, value in tree.entries:
        if key is not None:
            type_ = state.type_of(value, facts)
            shapes = [_merged(shape, ObjectType({key: type_}, (key,))) for shape in shapes]
            continue
        found = state.wanted(value, facts, (OBJECT,), '"**" takes an object')
        others = [member for member in found.members if isinstance(member, ObjectType)]
        if found.loose or len(others) * len(shapes) > _MOST_SHAPES:
            others = [ObjectType({}, (), ANY, True)]
        shapes = [_merged(shape, other) for shape in shapes for other in others]
    return Type(tuple(shapes))


def _merged(first: ObjectType, second: ObjectType) -> ObjectType:
    """The object with the keys of both; where both have one, the value is that of the second."""
    properties: dict[str, Type] = {}
    for key in dict.fromkeys((*first.properties, *first.required, *second.properties, *second.required)):
        if key in second.required:
            properties[key] = second.value_of(key)
        else:
            properties[key] = union((first.value_of(key), second.value_of(key)))
    others = [one.others for one in (first, second) if one.others is not None]
    tells_others = first.tells_others or second.tells_others
    required = first.required | second.required
    return ObjectType(properties, required, union(others) if others else None, tells_others)
