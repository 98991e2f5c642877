"""Environment variables as worlds: unset, set to a text that conditions compare with, or to another one."""

from __future__ import annotations

from collections.abc import Iterable

from selinon_core.exploring.leaf_truths import LeafKey, Truths, leaf_key
from selinon_core.plan import Leaf

_UNSET, _OTHER = 1, 2


def variable_truths(leaves: Iterable[Leaf]) -> dict[LeafKey, tuple[str, Truths]]:
    """The variable that each ``envExist`` and ``envEqual`` reads, and in which of its worlds it holds.

    A variable has one value in a run: two comparisons with different texts do not hold together.
    """
    read: dict[str, dict[LeafKey, Leaf]] = {}
    for leaf in leaves:
        read.setdefault(repr(leaf.args.get("env")), {})[leaf_key(leaf)] = leaf
    found: dict[LeafKey, tuple[str, Truths]] = {}
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
    return found
