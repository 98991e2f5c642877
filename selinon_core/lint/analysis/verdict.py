"""What is certain about a condition whatever the run: that it never holds, or always.

A condition is a boolean function of its leaves. Equal leaves are one unknown, because within one decision they get
the same answer (``httpStatus`` apart, which asks a server each time). Functions of up to ``MOST_UNKNOWNS``
unknowns are worked out as truth tables: an integer whose bit number *r* is the value in row *r*, so that ``and``,
``or`` and ``not`` are one operation each. ``atoms.py`` says which rows cannot occur, because the shipped
predicates in them contradict each other (``x`` cannot be 1 and 2).

Most conditions need no table: where each unknown is only asked for, or only ruled out, and no two look at the same
data, the unknowns can be chosen so that all of it holds, and so that nothing of it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import NamedTuple

from selinon_core.config.model import AndDef, ConditionDef, LeafDef, NotDef, OrDef, TestDef
from selinon_core.lint.analysis.atoms import Atom, AtomMaker, implies, impossible_together, one_holds

# A union written in place would be made for each leaf.
_JUNCTIONS, _LEAVES = (AndDef, OrDef), (LeafDef, TestDef)

#: Tables of more unknowns than this would cost more than their findings are worth.
MOST_UNKNOWNS = 12


class Satisfiability(Enum):
    """Whether a condition can hold."""

    NEVER = "never"
    MAYBE = "maybe"
    ALWAYS = "always"


_OPPOSITE = {
    Satisfiability.NEVER: Satisfiability.ALWAYS,
    Satisfiability.MAYBE: Satisfiability.MAYBE,
    Satisfiability.ALWAYS: Satisfiability.NEVER,
}


def verdict(condition: ConditionDef | None, make: AtomMaker) -> Satisfiability:
    """Return whether a condition can hold; None is the absent condition, which always does."""
    if condition is None:
        return Satisfiability.ALWAYS
    if isinstance(condition, LeafDef | TestDef):
        constant = make.constant(condition)
        if constant is None:
            return Satisfiability.MAYBE
        return Satisfiability.ALWAYS if constant else Satisfiability.NEVER
    atoms = Formulas(make)
    tree = atoms.tree(condition)
    if not atoms.has_constants and are_independent([atoms.signs]):
        return Satisfiability.MAYBE
    if len(atoms.signs) <= MOST_UNKNOWNS:
        table = Table(tuple(atoms.signs))
        return table.verdict(table.values(tree))
    return _structural(tree)


def may_all_be_false(conditions: Sequence[tuple[ConditionDef, AtomMaker]]) -> bool | None:
    """Return whether there are answers for which every condition is false; None when there are too many."""
    signs: dict[Atom, int] = {}
    trees = tuple([Formulas(make, signs).tree(condition) for condition, make in conditions])
    if len(signs) > MOST_UNKNOWNS:
        return None
    table = Table(tuple(signs))
    return table.verdict(table.values(("or", trees))) is not Satisfiability.ALWAYS


class Stated(NamedTuple):
    """A condition as a formula, and its unknowns in the order of the text, with their signs."""

    formula: Formula
    signs: Mapping[Atom, int]


def stated(condition: ConditionDef, make: AtomMaker) -> Stated:
    """A condition as a formula over the unknowns that ``make`` gives."""
    formulas = Formulas(make)
    formula = formulas.tree(condition)
    return Stated(formula, formulas.signs)


def may_hold_together(clauses: Sequence[Sequence[Stated]]) -> bool | None:
    """Whether there are answers for which a condition of every clause holds; None when there are too many.

    Each of the conditions may hold by itself.
    """
    if are_independent([condition.signs for clause in clauses for condition in clause]):
        return True
    atoms = tuple(dict.fromkeys([atom for clause in clauses for condition in clause for atom in condition.signs]))
    if len(atoms) > MOST_UNKNOWNS:
        return None
    trees = tuple([("or", tuple([condition.formula for condition in clause])) for clause in clauses])
    table = Table(atoms)
    return table.verdict(table.values(("and", trees))) is not Satisfiability.NEVER


#: How an unknown occurs: as it is, under a negation, or both.
ASKED_FOR, RULED_OUT, BOTH = 1, 2, 3


def are_independent(conditions: Iterable[Mapping[Atom, int]]) -> bool:
    """Whether each unknown of some conditions has one sign, and none says anything of another one."""
    found: dict[Atom, int] = {}
    for signs in conditions:
        for atom, sign in signs.items():
            found[atom] = found.get(atom, 0) | sign
    if BOTH in found.values():
        return False
    subjects = [atom.subject for atom in found if atom.subject is not None]
    return len(subjects) < 2 or len(set(subjects)) == len(subjects)


#: An unknown, a constant, or an operator with its operands.
Formula = Atom | bool | tuple[str, "tuple[Formula, ...]"]


class Formulas:
    """Conditions over unknowns, which have the order of the text."""

    def __init__(self, make: AtomMaker, signs: dict[Atom, int] | None = None) -> None:
        self.make = make
        self.signs: dict[Atom, int] = {} if signs is None else signs
        self.has_constants = False

    def tree(self, condition: ConditionDef, sign: int = ASKED_FOR) -> Formula:
        if isinstance(condition, NotDef):
            return ("not", (self.tree(condition.operand, BOTH - sign),))
        if isinstance(condition, _JUNCTIONS):
            kind = "and" if isinstance(condition, AndDef) else "or"
            return (kind, tuple([self.tree(operand, sign) for operand in condition.operands]))
        if isinstance(condition, _LEAVES):
            constant = self.make.constant(condition)
            if constant is not None:
                self.has_constants = True
                return constant
        atom = self.make.atom(condition)
        is_opposite = isinstance(condition, TestDef) and self.make.is_opposite(condition)
        self.signs[atom] = self.signs.get(atom, 0) | (BOTH - sign if is_opposite else sign)
        return ("not", (atom,)) if is_opposite else atom


class Table:
    """Truth tables over some unknowns; row *r* gives unknown *i* the value of bit *i* of *r*."""

    def __init__(self, atoms: tuple[Atom, ...]) -> None:
        self.rows = (1 << (1 << len(atoms))) - 1
        self.column = {atom: _column(i, len(atoms)) for i, atom in enumerate(atoms)}
        self.possible = self.rows
        for i, first in enumerate(atoms):
            for second in atoms[i + 1 :] if first.subject is not None else ():
                if first.subject != second.subject:
                    continue  # neither tells anything of the other
                a, b = self.column[first], self.column[second]
                if impossible_together(first, second):
                    self.possible &= ~(a & b)
                if implies(first, second):
                    self.possible &= ~a | b
                if implies(second, first):
                    self.possible &= ~b | a
        for group in one_holds(atoms):
            some = 0
            for atom in group:
                some |= self.column[atom]
            self.possible &= some

    def values(self, tree: Formula) -> int:
        """The table of a condition."""
        if isinstance(tree, bool):
            return self.rows if tree else 0
        if isinstance(tree, Atom):
            return self.column[tree]
        kind, operands = tree
        if kind == "not":
            return self.rows & ~self.values(operands[0])
        result = self.rows if kind == "and" else 0
        for operand in operands:
            values = self.values(operand)
            result = result & values if kind == "and" else result | values
        return result

    def verdict(self, values: int) -> Satisfiability:
        if not values & self.possible:
            return Satisfiability.NEVER
        return Satisfiability.MAYBE if self.rows & ~values & self.possible else Satisfiability.ALWAYS


@cache
def _column(index: int, count: int) -> int:
    half = 1 << index
    pattern = ((1 << half) - 1) << half
    width = half * 2
    while width < 1 << count:
        pattern |= pattern << width
        width *= 2
    return pattern


def _structural(tree: Formula) -> Satisfiability:
    """The same for large conditions, with less insight: operand by operand, and an unknown beside its negation."""
    if isinstance(tree, bool):
        return Satisfiability.ALWAYS if tree else Satisfiability.NEVER
    if isinstance(tree, Atom):
        return Satisfiability.MAYBE
    kind, operands = tree
    if kind == "not":
        return _OPPOSITE[_structural(operands[0])]
    decisive = Satisfiability.NEVER if kind == "and" else Satisfiability.ALWAYS
    verdicts = {_structural(operand) for operand in operands}
    if decisive in verdicts:
        return decisive
    plain = {operand for operand in operands if isinstance(operand, Atom)}
    if any(isinstance(o, tuple) and o[0] == "not" and o[1][0] in plain for o in operands):
        return decisive
    return verdicts.pop() if len(verdicts) == 1 else Satisfiability.MAYBE
