"""Types of names, keys and positions: where values come from, and where they may be missing.

``reach`` gives the type of what a path leads to. With ``asking`` (in ``has`` and ``default``) what may be missing
is expected; otherwise it is reported.
"""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.expressions.checking.findings import Finding, Fix, Kind
from selinon_core.expressions.checking.known_names import Entry, Family, Known, Refused
from selinon_core.expressions.checking.narrowing import Facts
from selinon_core.expressions.checking.state import State
from selinon_core.expressions.tree import Field, Index, Literal, Name, Tree
from selinon_core.expressions.type_algebra import constants_of
from selinon_core.expressions.types import (
    ANY,
    LIST,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    ListType,
    ObjectType,
    Type,
    union,
)


class Reached(NamedTuple):
    """The type of the value at a path, and whether there may be none.

    ``is_there``: that there is one is certain. ``what`` is how messages call the value where it has a name of its
    own; ``source`` the file of its type.
    """

    type: Type
    may_be_missing: bool = False
    is_there: bool = False
    what: str = ""
    source: str = ""


def reach(state: State, tree: Tree, facts: Facts, asking: bool = False) -> Reached:
    """What a tree leads to, which is a name, a key or a position of something, or any other tree."""
    if isinstance(tree, Field):
        found = _field(state, tree, facts, asking)
    elif isinstance(tree, Name):
        found = _name(state, tree, facts, asking)
    elif isinstance(tree, Index):
        found = _index(state, tree, facts, asking)
    else:
        return Reached(state.type_of(tree, facts))
    return _with_facts(state, tree, found, facts)


def _with_facts(state: State, tree: Tree, found: Reached, facts: Facts) -> Reached:
    if facts.types:
        path = state.path(tree)
        if path is not None and path in facts.types:
            found = found._replace(type=facts.types[path])
    if found.type.loose:
        state.certain = False
    return found


def has_value(state: State, tree: Tree, facts: Facts) -> bool:
    """Whether a tree is a path that is known to have a value."""
    return bool(facts.present) and state.path(tree) in facts.present


# --- names -------------------------------------------------------------------------------------------------------


def _name(state: State, tree: Name, facts: Facts, asking: bool) -> Reached:
    if tree.name in state.variables:
        return Reached(state.variables[tree.name][1], is_there=True)
    return _of_name(state, tree, state.names.find(tree.name), facts, asking)


def _of_name(state: State, tree: Name, entry: Entry | None, facts: Facts, asking: bool) -> Reached:
    if isinstance(entry, Family):
        example = next(iter(entry.names()), "...")
        message = f'"{tree.name}" is used with the name of {_article(entry.noun)}: {tree.name}.{example}'
        state.add(Kind.UNKNOWN_NAME, tree, message, f"write {tree.name}.{example}")
        return Reached(ANY)
    if entry is None:
        names = tuple(dict.fromkeys((*state.variables, *state.names.names())))
        message = f'there is no name "{tree.name}" here'
        found = Finding(Kind.UNKNOWN_NAME, tree.start, tree.end, message, _listed(names), candidates=names)
        state.findings.append(found._replace(certain=not asking))
        return Reached(ANY)
    return _entry(state, tree, tree.start, entry, facts, asking)


def _entry(state: State, tree: Tree, start: int, entry: Known | Refused, facts: Facts, asking: bool) -> Reached:
    if isinstance(entry, Refused):
        certain = entry.fails_always or not asking
        state.findings.append(_refusal(tree, start, entry)._replace(certain=certain))
        return Reached(ANY)
    if entry.remarks and not asking:
        state.findings.extend(_refusal(tree, start, remark) for remark in entry.remarks)
    missing = bool(entry.missing) and not has_value(state, tree, facts)
    if missing and not asking:
        state.missing(tree, state.path(tree), entry.type, start, "", entry.missing)
    return Reached(entry.type, missing, entry.is_there, entry.what, entry.source)


def _refusal(tree: Tree, start: int, entry: Refused) -> Finding:
    reason, message, note, help, instead, _ = entry
    fixes = tuple([Fix(f"write {name}", tree.start, tree.end, name, safe=len(instead) == 1) for name in instead])
    return Finding(Kind.REFUSED, start, tree.end, message, note, help, fixes, reason=reason)


def _member(
    state: State, tree: Field | Index, start: int, name: str, family: Family, asking: bool
) -> Known | Refused | None:
    entry = family.find(name)
    if entry is None:
        names = tuple(family.names())
        message = f'there is no {family.noun} "{name}"'
        note = _listed(names) if names else "there are none"
        found = Finding(Kind.UNKNOWN_NAME, start, _end(tree), message, note, candidates=names)
        state.findings.append(found._replace(certain=not asking))
    return entry


# --- keys --------------------------------------------------------------------------------------------------------


def _subject(state: State, tree: Field | Index, facts: Facts, asking: bool) -> Reached | Family:
    """What a key or a position is read from: the names of a family, or a value."""
    subject = tree.subject
    if not isinstance(subject, Name) or subject.name in state.variables:
        return reach(state, subject, facts, asking)
    entry = state.names.find(subject.name)
    if isinstance(entry, Family):
        return entry
    return _with_facts(state, subject, _of_name(state, subject, entry, facts, asking), facts)


def _field(state: State, tree: Field, facts: Facts, asking: bool) -> Reached:
    subject = _subject(state, tree, facts, asking)
    if isinstance(subject, Family):
        entry = _member(state, tree, tree.name_start, tree.name, subject, asking)
        return Reached(ANY) if entry is None else _entry(state, tree, tree.name_start, entry, facts, asking)
    if not tree.name:
        return Reached(ANY)
    return _key(state, tree, tree.name, tree.name_start, subject, facts, asking)


def _key(
    state: State, tree: Field | Index, key: str, start: int, subject: Reached, facts: Facts, asking: bool
) -> Reached:
    shapes = subject.type.members
    if len(shapes) == 1 and not facts.present and isinstance(shapes[0], ObjectType) and key in shapes[0].required:
        value = shapes[0].properties.get(key)
        if value is not None and (value.members or value.loose):  # nearly always: there is nothing to report
            is_there = subject.is_there and not subject.type.loose
            return Reached(value, subject.may_be_missing, is_there, source=subject.source)
    found = _parts_of(state, tree, subject.type, (OBJECT,), "only objects have keys", facts, asking)
    members = [member for member in found.members if isinstance(member, ObjectType)]
    if not members:
        return Reached(found, asking)
    if len(members) == 1:  # nearly always
        [member] = members
        type_ = member.value_of(key)
        named = member.names(key) and not type_.is_never
        always = key in member.required
    else:
        values = [member.value_of(key) for member in members]
        type_ = union(values)
        named = any(m.names(key) and not value.is_never for m, value in zip(members, values, strict=True))
        always = all(key in member.required for member in members)
    if has_value(state, tree, facts):
        return Reached(ANY if type_.is_never else type_, source=subject.source)
    if not named and not any(member.tells_others for member in members):
        return _unknown_key(state, tree, key, start, subject, members, asking)
    if not always and not asking:
        state.missing(tree, state.path(tree), type_, start, _why(key, members))
    nullable = asking and NULL in subject.type.kinds()
    missing = subject.may_be_missing or not always or nullable
    return Reached(type_, missing, subject.is_there and not subject.type.loose, source=subject.source)


def _why(key: str, members: list[ObjectType]) -> str:
    if not any(member.names(key) for member in members):
        return "its schema says that there may be other keys, not that there is this one"
    return "its schema does not require it"


def _unknown_key(
    state: State,
    tree: Field | Index,
    key: str,
    start: int,
    subject: Reached,
    members: list[ObjectType],
    asking: bool,
) -> Reached:
    """A key that no schema names."""
    closed = all(member.others is None for member in members)
    names = tuple(dict.fromkeys(name for m in members for name in (*m.properties, *sorted(m.required))))
    names = tuple([name for name in names if not all(member.value_of(name).is_never for member in members)])
    if not closed and (asking or not names):
        state.certain = False
        return Reached(ANY, True)
    what = subject.what or state.shown(tree.subject)
    note = f"it has {_listed(names)}" if names else "it has no keys"
    note += f" ({subject.source})" if subject.source else ""
    message = f'"{key}" is not in the schema of {what}'
    certain = closed and not asking
    found = Finding(Kind.UNKNOWN_FIELD, start, _end(tree), message, note, candidates=names, certain=certain)
    state.findings.append(found)
    return Reached(ANY, True)


def _parts_of(
    state: State, tree: Field | Index, type_: Type, kinds: tuple[str, ...], wants: str, facts: Facts, asking: bool
) -> Type:
    """The type of something whose parts are read. Of null every part is missing, which is not a mistake in
    ``has``."""
    if asking:
        type_ = type_.without(NULL)
    return state.fitting(tree.subject, type_, facts, kinds, wants, _how_to_reach)


def _how_to_reach(type_: Type) -> tuple[str, tuple[Fix, ...]]:
    if type_.kinds() == {LIST}:
        return "a list has positions, [0], and its items can be read one by one: [one.x for one in ...]", ()
    return "", ()


# --- positions ---------------------------------------------------------------------------------------------------


def _index(state: State, tree: Index, facts: Facts, asking: bool) -> Reached:
    key = tree.key.value if isinstance(tree.key, Literal) else None
    subject = _subject(state, tree, facts, asking)
    if isinstance(subject, Family):
        if isinstance(key, str):
            entry = _member(state, tree, tree.key.start, key, subject, asking)
            return Reached(ANY) if entry is None else _entry(state, tree, tree.key.start, entry, facts, asking)
        subject = reach(state, tree.subject, facts, asking)  # reports that a name is needed
    if isinstance(key, str):
        return _key(state, tree, key, tree.key.start, subject, facts, asking)
    key_type = state.wanted(tree.key, facts, (NUMBER, TEXT), "positions are integers and keys are texts")
    kinds, wants = _PARTS.get(key_type.kinds(), ((LIST, OBJECT), "only lists and objects have parts"))
    found = _parts_of(state, tree, subject.type, kinds, wants, facts, asking)
    if not found.members:
        return Reached(found, True)
    if LIST in found.kinds():
        key_type = state.integer(tree.key, key_type, "positions of a list are integers")
    return _part(state, tree, subject._replace(type=found), key_type, facts, asking)


#: What has parts, by the kinds of what stands in the brackets.
_PARTS = {
    frozenset({NUMBER}): ((LIST,), "only lists have positions"),
    frozenset({TEXT}): ((OBJECT,), "only objects have keys"),
}


def _part(state: State, tree: Index, subject: Reached, key: Type, facts: Facts, asking: bool) -> Reached:
    types: list[Type] = []
    missing = False
    values = constants_of(key)
    for member in subject.type.members:
        if isinstance(member, ListType):
            types.append(_item(member, values))
        elif isinstance(member, ObjectType):
            names = [value for value in values or () if isinstance(value, str)]
            types.append(union([member.value_of(name) for name in names]) if names else member.any_value())
            missing = missing or not names or not member.required.issuperset(names)
    type_ = union(types)
    if not has_value(state, tree, facts):
        if _is_behind_the_end(subject.type, values):
            return _no_such_item(state, tree, subject, asking)
        if missing and not asking:
            state.missing(tree, state.path(tree), type_, tree.start, "no schema says that the key is there")
    return Reached(type_, True, source=subject.source)


def _is_behind_the_end(type_: Type, positions: list[bool | int | float | str] | None) -> bool:
    """Whether no list of a type is so long that it has an item at one of some positions."""
    if not positions or not all(isinstance(position, int | float) for position in positions):
        return False
    needed = min(-int(position) if position < 0 else int(position) + 1 for position in positions)  # type: ignore[operator]
    bounds = [member.longest() if isinstance(member, ListType) else None for member in type_.members]
    return bool(bounds) and all(bound is not None and bound < needed for bound in bounds)


def _no_such_item(state: State, tree: Index, subject: Reached, asking: bool) -> Reached:
    bounds = [member.longest() or 0 for member in subject.type.members if isinstance(member, ListType)]
    most = max(bounds)
    has = f"has at most {most} {'item' if most == 1 else 'items'}" if most else "has no items"
    message = f"{subject.what or state.shown(tree.subject)} {has}, and none at {state.shown(tree.key)}"
    note = f"positions are 0 to {most - 1}" if most > 1 else "the only position is 0" if most else "it is empty"
    note += f" ({subject.source})" if subject.source else ""
    found = Finding(Kind.UNKNOWN_FIELD, tree.key.start, tree.key.end, message, note, certain=not asking)
    state.findings.append(found)
    return Reached(ANY, True)


def _item(member: ListType, positions: list[bool | int | float | str] | None) -> Type:
    if positions is None:
        return member.any_item()
    return union([member.at(int(position)) for position in positions if isinstance(position, int | float)])


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:8])
    return f"{shown}, ..." if len(names) > 8 else shown


def _end(tree: Field | Index) -> int:
    """Where the last key of a path ends."""
    return tree.end if isinstance(tree, Field) else tree.key.end
