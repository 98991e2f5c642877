"""Mistakes in conditions: another connective, another comparison, another constant, an operand too few."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from selinon_core.diagnostics.location import Place
from selinon_core.plan import And, Condition, Leaf, Not, Or, Test
from selinon_core.plan.condition_text import condition_text
from selinon_core.plan.shipped import PREDICATE_MODULES, PREDICATES
from selinon_core.plan.text_wrap import truncate

#: Comparisons that are mistaken for one another, by the end of the predicate's name.
_BOUNDARIES = (
    ("GreaterEqual", "Greater"),
    ("LessEqual", "Less"),
    ("NotEqual", "Equal"),
    ("Greater", "GreaterEqual"),
    ("Less", "LessEqual"),
    ("Equal", "NotEqual"),
)
_QUANTIFIERS = ("any", "all", "none")
_NUMBERS = ("value", "length")

_Put = Callable[[Condition], Condition]


class ConditionMutation(NamedTuple):
    """A condition with one mistake; None: no condition. ``key`` distinguishes mutations of one operator."""

    operator: str
    key: str
    condition: Condition | None
    text: str
    place: Place | None


def mutations(condition: Condition, sources: tuple[str, ...]) -> Iterator[ConditionMutation]:
    """Every mistake of this module in a condition. ``sources`` are those of its edge, for the texts."""

    def text(part: Condition) -> str:
        return truncate(condition_text(part, sources, limit=40), 80)

    whole = text(condition)
    negated = condition.operand if isinstance(condition, Not) else Not(condition)
    yield ConditionMutation("condition-negate", "", negated, f"holds when {whole} does not", None)
    yield ConditionMutation("condition-always", "", None, f"no longer asks whether {whole}", None)
    is_leaf = isinstance(condition, Leaf | Test)
    for number, (part, put) in enumerate(_parts(condition, lambda changed: changed)):
        if isinstance(part, Leaf | Test):
            if not is_leaf and not isinstance(condition, Not):
                yield ConditionMutation(
                    "leaf-negate",
                    str(number),
                    put(Not(part)),
                    f"asks for the opposite of {text(part)}",
                    part.place,
                )
            for operator, key, leaf in _test_mutations(part) if isinstance(part, Test) else _leaf_mutations(part):
                change = f"asks {text(leaf)} instead of {text(part)}"
                yield ConditionMutation(operator, f"{number}{key}", put(leaf), change, part.place)
        elif isinstance(part, And | Or):
            other = Or(part.operands) if isinstance(part, And) else And(part.operands)
            if len(part.operands) > 1:
                change = f"asks {text(other)} instead of {text(part)}"
                yield ConditionMutation("and-or", str(number), put(other), change, None)
                for index, operand in enumerate(part.operands):
                    rest = (*part.operands[:index], *part.operands[index + 1 :])
                    fewer = rest[0] if len(rest) == 1 else part._replace(operands=rest)
                    change = f"no longer looks at {text(operand)}"
                    yield ConditionMutation("operand-drop", f"{number}.{index}", put(fewer), change, None)


def _parts(condition: Condition, put: _Put) -> Iterator[tuple[Condition, _Put]]:
    """Each part of a tree in reading order, with the function that puts another one in its place."""
    yield condition, put
    if isinstance(condition, Not):
        yield from _parts(condition.operand, lambda changed: put(Not(changed)))
    elif isinstance(condition, And | Or):
        for index, operand in enumerate(condition.operands):
            yield from _parts(operand, _putter(condition, index, put))


def _putter(
    parent: And | Or, index: int, put: Callable[[Condition], Condition]
) -> Callable[[Condition], Condition]:
    before, after = parent.operands[:index], parent.operands[index + 1 :]
    return lambda changed: put(parent._replace(operands=(*before, changed, *after)))


def _test_mutations(test: Test) -> Iterator[tuple[str, str, Test]]:
    """The mistakes in one expression: (operator, key, expression)."""
    from selinon_core.mutating.expressions import mutations_of

    return ((made.operator, f":{made.key}", made.test) for made in mutations_of(test))


def _leaf_mutations(leaf: Leaf) -> Iterator[tuple[str, str, Leaf]]:
    """The mistakes in one call of a predicate: (operator, key, leaf)."""
    if leaf.quantifier is not None:
        for quantifier in _QUANTIFIERS:
            if quantifier != leaf.quantifier:
                yield "quantifier", f":{quantifier}", leaf._replace(quantifier=quantifier)
    if leaf.function.module not in PREDICATE_MODULES or leaf.function.name not in PREDICATES:
        return  # what the project's own predicates mean is not known here
    for old, new in _BOUNDARIES:
        name = leaf.function.name.removesuffix(old) + new
        if leaf.function.name.endswith(old) and name in PREDICATES:
            yield "boundary", f":{new}", leaf._replace(function=leaf.function._replace(name=name))
            break
    for name in _NUMBERS:
        value = leaf.args.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            for step in (1, -1):
                yield "constant", f":{name}{step:+}", leaf._replace(args={**leaf.args, name: value + step})
    path = leaf.args.get("key")
    if isinstance(path, list | tuple) and len(path) > 1:
        yield "key-drop", ":last", leaf._replace(args={**leaf.args, "key": list(path[:-1])})


def reads(condition: Condition | None) -> frozenset[str]:
    """The nodes whose results or outcomes the leaves of a condition read."""
    if condition is None:
        return frozenset()
    if isinstance(condition, Leaf):
        return frozenset() if condition.node is None else frozenset(condition.node[:1])
    if isinstance(condition, Test):
        from selinon_core.plan.expression_uses import nodes_read

        return nodes_read(condition.expression)
    if isinstance(condition, Not):
        return reads(condition.operand)
    return frozenset().union(*(reads(operand) for operand in condition.operands))
