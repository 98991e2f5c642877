"""What is known of values at one point of an expression because a test before it held: ``has(x) and x > 3``.

Values do not change while an expression is worked out, so what is known of a *path* (a name with keys and
positions behind it) stays true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from selinon_core.expressions.tree import Field, Index, Literal, Name, Tree
from selinon_core.expressions.types import Type

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
