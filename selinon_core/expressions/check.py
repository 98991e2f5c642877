"""The type of an expression, and what is wrong with it, found from the types of the names in it.

Where the types of everything that is read are known (``Checked.certain``) and nothing is found, evaluation gives a
value of the type that was worked out, or fails for a reason that types do not show: a division by a number that is
zero in some runs, a position behind the end of a list, a number or a text that is too large.

One cause is one finding. What is wrong counts as ``ANY``, which is never wrong; a value that may be missing or
null is reported where it is read first, and counts as there behind that.
"""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.expressions.checking.calls import call
from selinon_core.expressions.checking.findings import Finding, Fix, Kind
from selinon_core.expressions.checking.implications import facts_when
from selinon_core.expressions.checking.known_names import Names
from selinon_core.expressions.checking.narrowing import NOTHING, Facts, with_facts
from selinon_core.expressions.checking.operators import (
    arithmetic,
    boolean,
    comparison,
    junction,
    negation,
    negative,
)
from selinon_core.expressions.checking.parts import if_else, list_for, list_of_items, object_of_entries
from selinon_core.expressions.checking.paths import reach
from selinon_core.expressions.checking.signatures import items_of
from selinon_core.expressions.checking.state import State, TypeOf
from selinon_core.expressions.tree import (
    Arithmetic,
    Broken,
    Call,
    Comparison,
    Field,
    IfElse,
    Index,
    Junction,
    ListFor,
    ListOf,
    Literal,
    Name,
    Negation,
    Negative,
    ObjectOf,
    Tree,
)
from selinon_core.expressions.types import ANY, BOOL, BOOLEAN, LIST, NUMBER, OBJECT, TEXT, Type, constant


class Checked(NamedTuple):
    """The type of an expression and what is wrong with it, in the order of the text.

    ``certain``: nothing that was read is of an unknown type.
    """

    type: Type
    findings: tuple[Finding, ...]
    certain: bool


def check(tree: Tree, text: str, names: Names, facts: Facts = NOTHING) -> Checked:
    """Return the type of an expression and its findings. ``text`` is what ``tree`` was parsed from.

    ``facts`` are what is known where the expression stands; see ``facts_behind``.
    """
    state = State(text, names, _TYPES)
    type_ = state.type_of(tree, facts)
    return _checked(state, type_)


def check_condition(tree: Tree, text: str, names: Names, facts: Facts = NOTHING) -> Checked:
    """The same for an expression that has to give a boolean."""
    state = State(text, names, _TYPES)
    boolean(state, tree, facts, "a condition is a boolean")
    return _checked(state, BOOL)


def check_items(tree: Tree, text: str, names: Names, facts: Facts = NOTHING) -> Checked:
    """The same for an expression that has to give a list; the type is that of its items."""
    state = State(text, names, _TYPES)

    def help(type_: Type) -> tuple[str, tuple[Fix, ...]]:
        if type_.kinds() != {OBJECT}:
            return "", ()
        shown, written = state.shown(tree), state.written(tree)
        return f"write items({shown}), keys({shown}) or values({shown})", (
            Fix("go through keys and values", tree.start, tree.end, f"items({written})"),
        )

    wants = "foreach goes through a list"
    return _checked(state, items_of(state.wanted(tree, facts, (LIST,), wants, help, Kind.NOT_A_LIST)))


def check_part_of_text(tree: Tree, text: str, names: Names, facts: Facts = NOTHING) -> Checked:
    """The same for an expression whose value is written into a text."""
    state = State(text, names, _TYPES)
    wants = "texts, numbers and booleans can be written into a text"
    return _checked(state, state.wanted(tree, facts, (TEXT, NUMBER, BOOLEAN), wants))


def facts_behind(tree: Tree, text: str, names: Names, holds: bool, facts: Facts = NOTHING) -> Facts:
    """What is known of values once a condition was worked out and gave ``holds``."""
    return facts_when(State(text, names, _TYPES), tree, holds, facts)


def _checked(state: State, type_: Type) -> Checked:
    if not state.findings:
        return Checked(type_, (), state.certain)
    found = sorted(dict.fromkeys(state.findings), key=lambda finding: (finding.start, finding.end))
    return Checked(type_, tuple(found), state.certain)


def _literal(state: State, tree: Literal, facts: Facts) -> Type:
    return constant(tree.value)


def _path(state: State, tree: Name | Field | Index, facts: Facts) -> Type:
    type_ = reach(state, tree, facts).type
    path = state.path(tree) if facts.types or facts.present else None
    return type_ if path is None else with_facts(type_, path, facts)


def _broken(state: State, tree: Broken, facts: Facts) -> Type:
    return ANY


_TYPES: dict[type, TypeOf] = {
    Literal: _literal,
    Name: _path,
    Field: _path,
    Index: _path,
    Call: call,
    Negative: negative,
    Arithmetic: arithmetic,
    Comparison: comparison,
    Negation: negation,
    Junction: junction,
    IfElse: if_else,
    ListOf: list_of_items,
    ObjectOf: object_of_entries,
    ListFor: list_for,
    Broken: _broken,
}
