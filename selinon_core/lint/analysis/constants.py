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
    TestDef,
)
from selinon_core.diagnostics.location import SourceLocation
from selinon_core.lint.analysis.facts import StartRule
from selinon_core.lint.analysis.verdict import Satisfiability, verdict


class ConstantPart:
    """A constant condition (``whole``) or a part of one; ``location`` is its operator or predicate."""

    __slots__ = ("location", "origin", "part", "verdict", "whole")

    def __init__(
        self,
        origin: EdgeDef | FailureDef,
        part: ConditionDef,
        location: SourceLocation,
        verdict: Satisfiability,
        whole: bool,
    ) -> None:
        self.origin = origin
        self.part = part
        self.location = location
        self.verdict = verdict
        self.whole = whole


def constant_parts(steps: Iterable[StartRule]) -> Iterator[ConstantPart]:
    """Yield the constant parts of the conditions of some edges and fallbacks."""
    for step in steps:
        condition, make = step.origin.condition, step.atoms
        if condition is None or make is None:
            continue
        todo = [(condition, step.verdict)]
        while todo:
            part, found = todo.pop()
            if found is not Satisfiability.MAYBE:
                yield ConstantPart(step.origin, part, _location(part), found, part is condition)
            elif isinstance(part, NotDef):
                todo.append((part.operand, found))  # no constant either
            elif isinstance(part, AndDef | OrDef):
                todo.extend((operand, verdict(operand, make)) for operand in reversed(part.operands))


def _location(part: ConditionDef) -> SourceLocation:
    if isinstance(part, LeafDef):
        return part.name.location
    if isinstance(part, TestDef):
        return part.location
    return part.key_location(next((key for key in ("and", "or", "not") if part.given(key)), ""))
