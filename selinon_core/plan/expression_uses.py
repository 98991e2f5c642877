"""What an expression of a plan is made of and reads: its tree, worked out once per text."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from selinon_core.expressions.names import NameUse, PathUse, paths_used
from selinon_core.expressions.parser import parse
from selinon_core.expressions.tree import Tree
from selinon_core.plan.model import Computed, ComputedText, Expression, Template


@lru_cache(maxsize=4096)
def tree_of(text: str) -> Tree:
    """The tree of an expression; expressions of a plan have no faults."""
    return parse(text).tree


@lru_cache(maxsize=4096)
def paths_of(text: str, item_name: str = "item") -> tuple[PathUse, ...]:
    """The paths that an expression reads, as ``expressions.names`` has them."""
    return paths_used(tree_of(text), item_name)


def uses_of(text: str, item_name: str = "item") -> tuple[NameUse, ...]:
    """The names that an expression uses, variables of ``for`` apart."""
    return tuple(path.use for path in paths_of(text, item_name))


def nodes_read(expression: Expression, item_name: str = "item") -> frozenset[str]:
    """The nodes whose results an expression reads."""
    return frozenset(use.name for use in uses_of(expression.text, item_name) if use.kind == "node")


def reads_args(expression: Expression) -> bool:
    """Whether an expression reads the arguments of the flow."""
    return any(use.kind == "args" for use in uses_of(expression.text))


def expressions_of(template: Template | None) -> list[Expression]:
    """The expressions of a template, in reading order."""
    found: list[Expression] = []
    todo = [] if template is None else [template.value]
    while todo:
        part = todo.pop()
        if isinstance(part, Computed):
            found.append(part.expression)
        elif isinstance(part, ComputedText):
            found += [piece for piece in part.parts if isinstance(piece, Expression)]
        elif isinstance(part, dict):
            todo += reversed(part.values())
        elif isinstance(part, list | tuple):
            todo += reversed(part)
    return found


def template_data(part: Any) -> Any:
    """A template, or a part of one, as JSON data in which expressions are texts again: ``${Load.number}``."""
    if isinstance(part, Template):
        return template_data(part.value)
    if isinstance(part, Computed):
        return f"${{{part.expression.text}}}"
    if isinstance(part, ComputedText):
        pieces = (piece.text if isinstance(piece, Expression) else None for piece in part.parts)
        return "".join(
            str(plain) if text is None else f"${{{text}}}" for plain, text in zip(part.parts, pieces, strict=True)
        )
    if isinstance(part, dict):
        return {key: template_data(value) for key, value in part.items()}
    return [template_data(item) for item in part] if isinstance(part, list | tuple) else part
