"""The names that an expression uses, and the paths it reads.

A name is of a *kind*. ``args``, ``item`` and ``index`` stand for themselves; ``failed``, ``all``, ``last``,
``vars``, ``env``, ``flow`` and ``results`` are families: what is used is a member, ``vars.currency`` or
``vars["currency"]``. Every other name is a node, and so is ``results.NAME``, for nodes with a name of this
list. Variables of ``for`` are not names in this sense.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from selinon_core.expressions.printer import expression_text
from selinon_core.expressions.tree import Field, Index, ListFor, Literal, Name, Tree, children

#: Names that stand for themselves.
ALONE = frozenset({"args", "item", "index"})
#: Names of which a member is used.
FAMILIES = frozenset({"failed", "all", "last", "vars", "env", "flow", "results"})
#: Names that no node has in an expression.
RESERVED = ALONE | FAMILIES


#: The trees that a path is made of.
_STEPS = (Field, Index)


class NameUse(NamedTuple):
    """A name in an expression: ``kind`` and ``name``, and its place with that of the family.

    ``LoadOrder`` is ("node", "LoadOrder"), ``vars.currency`` ("vars", "currency"), ``results.args`` ("node",
    "args"), ``args.number`` ("args", "args"). The item is ("item", its name). The name of a family that is used
    without a member is "".
    """

    kind: str
    name: str
    start: int
    end: int


class PathUse(NamedTuple):
    """A name with all keys that follow: ``LoadOrder.lines[0].price`` has the keys "lines", 0, "price".

    A key that is worked out is None. ``text`` is the path as it is printed.
    """

    use: NameUse
    keys: tuple[str | int | None, ...]
    text: str
    start: int
    end: int


def name_of(tree: Name, steps: list[Field | Index], item_name: str = "item") -> tuple[NameUse, int]:
    """The name that a path uses, and how many of its steps (the first ones) belong to it: 0 or 1."""
    name = tree.name
    if name == item_name:
        return NameUse("item", name, tree.start, tree.end), 0
    if name in ALONE:
        return NameUse(name, name, tree.start, tree.end), 0
    if name not in FAMILIES:
        return NameUse("node", name, tree.start, tree.end), 0
    member = constant_key(steps[0]) if steps else None
    if not isinstance(member, str) or not member:
        return NameUse(name, "", tree.start, tree.end), 0
    return NameUse("node" if name == "results" else name, member, tree.start, steps[0].end), 1


def constant_key(step: Field | Index) -> str | int | None:
    """The key of one step of a path: a text, an integer, or None for one that is worked out."""
    if isinstance(step, Field):
        return step.name
    if isinstance(step.key, Literal) and isinstance(step.key.value, str | int):
        return None if isinstance(step.key.value, bool) else step.key.value
    return None


def path_of(tree: Tree) -> tuple[Tree, list[Field | Index]]:
    """What a tree reads from, and the steps from there, from left to right; no steps where it is not a path."""
    steps: list[Field | Index] = []
    while isinstance(tree, _STEPS):
        steps.append(tree)
        tree = tree.subject
    steps.reverse()
    return tree, steps


def names_used(tree: Tree, item_name: str = "item") -> tuple[NameUse, ...]:
    """Return every use of a name in the order of the text; ``item_name`` is what the foreach calls its item."""
    return tuple(sorted([use for use, _, _ in _reads(tree, item_name, frozenset())], key=lambda use: use.start))


def paths_used(tree: Tree, item_name: str = "item") -> tuple[PathUse, ...]:
    """Return every path that begins with a name, in the order of the text."""
    found = [
        PathUse(use, tuple([constant_key(step) for step in steps]), expression_text(path), path.start, path.end)
        for use, steps, path in _reads(tree, item_name, frozenset())
    ]
    return tuple(sorted(found, key=lambda path: path.start))


def _reads(
    tree: Tree, item_name: str, variables: frozenset[str]
) -> Iterator[tuple[NameUse, list[Field | Index], Tree]]:
    """Every name, the steps behind it, and the whole path."""
    root, steps = path_of(tree)
    if isinstance(root, Name):
        if root.name not in variables:
            use, taken = name_of(root, steps, item_name)
            yield use, steps[taken:], tree
    elif isinstance(root, ListFor):
        yield from _reads(root.items, item_name, variables)
        inside = variables | {root.variable}
        for part in (root.element, root.condition):
            if part is not None:
                yield from _reads(part, item_name, inside)
    else:
        for part in children(root):
            yield from _reads(part, item_name, variables)
    for step in steps:
        if isinstance(step, Index):
            yield from _reads(step.key, item_name, variables)
