"""The parts of conditions that are constant: the largest ones, so that one fault is one finding."""

from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import (
    AndDef,
    ConditionDef,
    EdgeDef,
    FailureDef,
    LeafDef,
    NotDef,
    OrDef,
    ProjectModel,
)
from selinon_core.config.spots import Spot
from selinon_core.lint.analysis.atoms import AtomMaker
from selinon_core.lint.analysis.predicates import Predicates
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


def constant_parts(model: ProjectModel, predicates: Predicates) -> Iterator[ConstantPart]:
    """Yield the constant parts of all conditions, in the order of the files."""
    for flow in model.flows:
        origins: tuple[EdgeDef | FailureDef, ...] = (*flow.edges, *flow.failures)
        for origin in origins:
            if origin.condition is None:
                continue
            sources = (origin.sources or ()) if isinstance(origin, EdgeDef) else ()
            make = AtomMaker(predicates, tuple(ref.name for ref in sources))
            todo = [origin.condition]
            while todo:
                part = todo.pop()
                found = verdict(part, make)
                if found is not Verdict.MAYBE:
                    yield ConstantPart(origin, part, _spot(part), found, part is origin.condition)
                elif isinstance(part, NotDef):
                    todo.append(part.operand)
                elif isinstance(part, AndDef | OrDef):
                    todo.extend(reversed(part.operands))


def _spot(part: ConditionDef) -> Spot:
    if isinstance(part, LeafDef):
        return part.name.spot
    return part.key_spot(next((key for key in ("and", "or", "not") if part.given(key)), ""))
