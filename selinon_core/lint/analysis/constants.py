"""The parts of conditions that are constant: the largest ones, so that one fault is one finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from selinon_core.config.model import (
    AndDef,
    ConditionDef,
    EdgeDef,
    FailureDef,
    LeafDef,
    NotDef,
    OrDef,
)
from selinon_core.diagnostics.spots import Spot
from selinon_core.lint.analysis.facts import Step
from selinon_core.lint.analysis.verdict import Verdict, verdict


class ConstantPart:
    """A constant condition (``whole``) or a part of one; ``spot`` is its operator or predicate."""

    __slots__ = ("origin", "part", "spot", "verdict", "whole")

    def __init__(
        self, origin: EdgeDef | FailureDef, part: ConditionDef, spot: Spot, verdict: Verdict, whole: bool
    ) -> None:
        self.origin = origin
        self.part = part
        self.spot = spot
        self.verdict = verdict
        self.whole = whole


def constant_parts(steps: Iterable[Step]) -> Iterator[ConstantPart]:
    """Yield the constant parts of the conditions of some edges and fallbacks."""
    for step in steps:
        condition, make = step.origin.condition, step.atoms
        if condition is None or make is None:
            continue
        todo = [(condition, step.verdict)]
        while todo:
            part, found = todo.pop()
            if found is not Verdict.MAYBE:
                yield ConstantPart(step.origin, part, _spot(part), found, part is condition)
            elif isinstance(part, NotDef):
                todo.append((part.operand, found))  # no constant either
            elif isinstance(part, AndDef | OrDef):
                todo.extend((operand, verdict(operand, make)) for operand in reversed(part.operands))


def _spot(part: ConditionDef) -> Spot:
    if isinstance(part, LeafDef):
        return part.name.spot
    return part.key_spot(next((key for key in ("and", "or", "not") if part.given(key)), ""))
