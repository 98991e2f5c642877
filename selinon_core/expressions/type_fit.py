"""Whether values of one type are taken where another type is wanted, and if not, why not and where inside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from selinon_core.expressions.type_algebra import may_be_equal
from selinon_core.expressions.type_words import describe
from selinon_core.expressions.types import (
    BOOLEAN,
    LIST,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Constant,
    ListType,
    Member,
    ObjectType,
    Plain,
    Type,
    is_integral,
)

#: All values of a kind that has constants.
_ALL = {kind: Plain(kind) for kind in (BOOLEAN, NUMBER, TEXT)}
#: Levels of lists and objects that are compared.
_DEEPEST = 8


class Misfit(NamedTuple):
    """Why a value does not fit: ``kind`` is missing, unknown, type, may be missing or may be null.

    ``path`` leads to the place inside of the value; of a missing or unknown key it ends with that key. ``names``
    are the keys that there are. ``certain``: no value with this place fits; otherwise that depends on the value.
    ``may_be_absent``: a key on the way to the place may be missing, and a value without it may fit.
    """

    kind: str
    path: tuple[str | int, ...]
    given: str
    wanted: str
    names: tuple[str, ...] = ()
    certain: bool = True
    may_be_absent: bool = False


MISSING, UNKNOWN, WRONG, MAY_BE_MISSING, MAY_BE_NULL = (
    "missing",
    "unknown",
    "type",
    "may be missing",
    "may be null",
)


def misfits(given: Type, wanted: Type, path: tuple[str | int, ...] = ()) -> Iterator[Misfit]:
    """Yield what keeps values of ``given`` from being values of ``wanted``, as far as is known.

    Values of one kind are not compared closely: a text may be one of those that are wanted. Keys that ``wanted``
    has a default for need not be given.
    """
    if given.is_any or wanted.is_any or given.is_never or len(path) > _DEEPEST:
        return
    wrong = tuple([member for member in given.members if not _is_taken(member, wanted)])
    if wrong and len(wrong) < len(given.members) and {member.kind for member in wrong} == {NULL}:
        yield Misfit(MAY_BE_NULL, path, describe(given), describe(wanted), certain=False)
    elif wrong:
        certain = not given.loose and not any(may_be_equal(Type((member,)), wanted) for member in given.members)
        yield Misfit(WRONG, path, describe(Type(wrong)), describe(wanted), certain=certain)
    else:
        yield from _inside(given, wanted, path)


def _is_taken(member: Member, wanted: Type) -> bool:
    members = wanted.of(member.kind)
    if not members:
        return wanted.loose
    if member.kind in (LIST, OBJECT):
        return True
    if isinstance(member, Constant) and _ALL[member.kind] in members:
        return True
    if isinstance(member, Plain) and member.kind == NUMBER and not member.is_integer:
        return not all(is_integral(other) for other in members)
    return may_be_equal(Type((member,)), wanted)


def _inside(given: Type, wanted: Type, path: tuple[str | int, ...]) -> Iterator[Misfit]:
    """Compare the parts of each shape that is given, where one shape is wanted."""
    if len(given.members) == 1 and given.members[0].kind in _ALL:
        return  # most values have no parts
    for kind in (OBJECT, LIST):
        ours, theirs = given.of(kind), wanted.of(kind)
        if ours and len(theirs) == 1:
            is_all = len(ours) == len(given.members) and not given.loose
            yield from _of_any([list(_parts(one, theirs[0], path)) for one in ours], is_all)


def _of_any(found: list[list[Misfit]], is_all: bool) -> Iterator[Misfit]:
    """What keeps one of several shapes from fitting, once; ``is_all``: no value is of another shape."""
    told = set()
    certain = [{(misfit.kind, misfit.path) for misfit in of_one if misfit.certain} for of_one in found]
    for misfit in (misfit for of_one in found for misfit in of_one):
        if not (is_all and all((misfit.kind, misfit.path) in of_one for of_one in certain)):
            kind = MAY_BE_MISSING if misfit.kind == MISSING else misfit.kind
            misfit = misfit._replace(kind=kind, certain=False)
        if (misfit.kind, misfit.path, misfit.given) not in told:
            told.add((misfit.kind, misfit.path, misfit.given))
            yield misfit


def _parts(one: Member, other: Member, path: tuple[str | int, ...]) -> Iterator[Misfit]:
    if isinstance(one, ObjectType) and isinstance(other, ObjectType):
        yield from _objects(one, other, path)
    elif isinstance(one, ListType) and isinstance(other, ListType):
        for position in range(max(len(one.first), len(other.first)) + 1):
            yield from misfits(one.at(position), other.at(position), (*path, position))


def _objects(given: ObjectType, wanted: ObjectType, path: tuple[str | int, ...]) -> Iterator[Misfit]:
    names = tuple(dict.fromkeys((*wanted.properties, *sorted(wanted.required))))
    for key in sorted(wanted.required - wanted.with_default):
        if key in given.required:
            continue
        is_certain = not given.names(key) and given.others is None
        kind = MISSING if is_certain else MAY_BE_MISSING
        yield Misfit(kind, (*path, key), "", describe(wanted.value_of(key)), names, is_certain)
    for key in dict.fromkeys((*given.properties, *sorted(given.required))):
        value = given.value_of(key)
        if value.is_never:
            continue
        if wanted.others is None and not wanted.names(key):
            found = iter((Misfit(UNKNOWN, (*path, key), describe(value), "", names),))
        else:
            found = misfits(value, wanted.value_of(key), (*path, key))
        is_there = key in given.required
        yield from found if is_there else (misfit._replace(may_be_absent=True) for misfit in found)
