"""The unknowns of conditions that are asked more than once in a flow run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from selinon_core.config.model import AndDef, ConditionDef, LeafDef, NotDef, OrDef, TestDef
from selinon_core.lint.analysis.atoms import Atom, AtomMaker
from selinon_core.lint.analysis.facts import StartRule

if TYPE_CHECKING:
    from selinon_core.expressions.names import NameUse


class AskedAtoms(AtomMaker):
    """The unknowns of one step's condition; those that may be asked again are of this step alone."""

    __slots__ = ("_base", "_runs_once", "_step")

    def __init__(self, step: StartRule, base: AtomMaker, runs_once: Callable[[str], bool]) -> None:
        self._base = base
        self._runs_once = runs_once
        self._step = step

    def constant(self, leaf: LeafDef | TestDef) -> bool | None:
        return self._base.constant(leaf)

    def is_opposite(self, test: TestDef) -> bool:
        return self._base.is_opposite(test)

    def names_in(self, test: TestDef) -> tuple[NameUse, ...]:
        return self._base.names_in(test)

    def are_asked_once(self, condition: ConditionDef) -> bool:
        """Whether all unknowns of a condition, or of a part of one, are asked at most once in a flow run."""
        return all(self._runs_once(name) for name in (*self._step.sources, *self._read(condition)))

    def atom(self, condition: ConditionDef) -> Atom:
        atom = self._base.atom(condition)
        sources = self._step.sources
        if self.are_asked_once(condition):
            return atom
        subject = (sources, atom.subject) if atom.subject is not None else None
        return Atom((sources, atom.key), subject, atom.test, atom.operand, atom.is_strict)

    def _read(self, condition: ConditionDef) -> tuple[str, ...]:
        """The nodes that a leaf reads."""
        if isinstance(condition, TestDef):
            return tuple([use.name for use in self._base.names_in(condition) if use.kind == "node"])
        if isinstance(condition, LeafDef) and condition.node:
            return (condition.node[0].name,)
        if isinstance(condition, NotDef):
            return self._read(condition.operand)
        if isinstance(condition, AndDef | OrDef):
            return tuple([name for operand in condition.operands for name in self._read(operand)])
        return ()
