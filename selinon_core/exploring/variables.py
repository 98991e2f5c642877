"""Environment variables as worlds: unset, set to a text that conditions compare with, or to another one."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple

from selinon_core.exploring.leaf_truths import LeafKey, Truths, leaf_key
from selinon_core.plan import Leaf

_UNSET, _OTHER = 1, 2


class VariableWorlds(NamedTuple):
    """``truths``: the variable that each ``envExist`` and ``envEqual`` reads, and in which of its worlds it holds.

    ``values``: the worlds of each variable, None for one that is not set. A name that is not a text has none.
    """

    truths: dict[LeafKey, tuple[str, Truths]]
    values: dict[str, tuple[str | None, ...]]


def variable_worlds(leaves: Iterable[Leaf]) -> VariableWorlds:
    """The worlds of the variables that leaves read.

    A variable has one value in a run: two comparisons with different texts do not hold together.
    """
    read: dict[str, dict[LeafKey, Leaf]] = {}
    for leaf in leaves:
        read.setdefault(variable_name(leaf), {})[leaf_key(leaf)] = leaf
    found: dict[LeafKey, tuple[str, Truths]] = {}
    values: dict[str, tuple[str | None, ...]] = {}
    for name, of_name in read.items():
        texts: dict[str, int] = {}
        for leaf in of_name.values():
            value = leaf.args.get("value")
            if leaf.function.name == "envEqual" and isinstance(value, str):
                texts.setdefault(value, _OTHER << (len(texts) + 1))
        every = _UNSET | _OTHER | sum(texts.values())
        for key, leaf in of_name.items():
            if leaf.function.name == "envExist":
                true = every & ~_UNSET
            else:
                value = leaf.args.get("value")
                true = texts[value] if isinstance(value, str) else 0
            found[key] = (name, Truths(every, true))
        if all(isinstance(leaf.args.get("env"), str) for leaf in of_name.values()):
            values[name] = (None, _other_than(texts), *texts)
    return VariableWorlds(found, values)


def variable_name(leaf: Leaf) -> str:
    """The variable that a leaf reads; a name that is not a text as Python writes it, which no variable has."""
    name = leaf.args.get("env")
    return name if isinstance(name, str) else repr(name)


def _other_than(texts: Container[str]) -> str:
    other = "other"
    while other in texts:
        other += "_"
    return other
