"""What is known of values at one point of an expression because a test before it held: ``has(x) and x > 3``.

Values do not change while an expression is worked out, so what is known of a *path* (a name with keys and
positions behind it) stays true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from selinon_core.expressions.tree import Field, Index, Literal, Name, Tree
from selinon_core.expressions.type_algebra import intersection
from selinon_core.expressions.types import Member, ObjectType, Type

#: A name, or the place where the variable of a comprehension begins; then keys and positions.
Path = tuple[str | int, ...]


class Facts(NamedTuple):
    """Types of paths, and the paths that have a value."""

    types: Mapping[Path, Type] = {}
    present: frozenset[Path] = frozenset()

    def with_type(self, path: Path, type_: Type) -> Facts:
        """Also that the value of a path is of a type."""
        return Facts({**self.types, path: type_}, self.present | {path})

    def with_value(self, path: Path) -> Facts:
        """Also that a path has a value, and so has everything on the way to it."""
        return Facts(self.types, self.present | {path[:length] for length in range(1, len(path) + 1)})


#: Nothing is known.
NOTHING = Facts()


def path_of(tree: Tree, variables: Mapping[str, int]) -> Path | None:
    """The path that a tree reads; None for any other tree. ``variables``: where those of comprehensions begin."""
    keys: list[str | int] = []
    while True:
        if isinstance(tree, Field):
            keys.append(tree.name)
            tree = tree.subject
        elif isinstance(tree, Index):
            if not isinstance(tree.key, Literal) or not _is_key(tree.key.value):
                return None
            keys.append(tree.key.value)  # type: ignore[arg-type]
            tree = tree.subject
        elif isinstance(tree, Name):
            root: str | int = variables.get(tree.name, tree.name)
            return (root, *reversed(keys))
        else:
            return None


def _is_key(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def with_facts(type_: Type, path: Path, facts: Facts) -> Type:
    """The type of the value at a path with what is known of its keys: it is used as a whole."""
    for member in type_.members:
        if isinstance(member, ObjectType):
            break
    else:
        return type_  # most paths lead to values without keys
    length = len(path)
    known = (*facts.types, *facts.present)
    keys = {one[length] for one in known if len(one) > length and one[:length] == path}
    names = [key for key in keys if isinstance(key, str)]
    if not names:
        return type_
    members: list[Member] = []
    for member in type_.members:
        if not isinstance(member, ObjectType):
            members.append(member)
        elif (narrowed := _with_keys(member, path, sorted(names), facts)) is not None:
            members.append(narrowed)
    return Type(tuple(members), type_.loose)


def _with_keys(member: ObjectType, path: Path, names: list[str], facts: Facts) -> ObjectType | None:
    """An object with what is known of some of its keys; None where it cannot have them."""
    properties = dict(member.properties)
    there = [name for name in names if (*path, name) in facts.present]
    for name in names:
        inner = (*path, name)
        value = member.value_of(name)
        if inner in facts.types:
            value = intersection(value, facts.types[inner])
        value = with_facts(value, inner, facts)
        if value.is_never and name in there:
            return None
        properties[name] = value
    required = member.required.union(there)
    return ObjectType(properties, required, member.others, member.tells_others, member.with_default)
