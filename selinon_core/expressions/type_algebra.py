"""What two types have in common, and whether they have anything in common."""

from __future__ import annotations

from selinon_core.expressions.type_limits import Limits, met
from selinon_core.expressions.types import (
    KINDS,
    NEVER,
    Constant,
    ListType,
    Member,
    ObjectType,
    Plain,
    Type,
    is_integral,
    union,
)


def intersection(a: Type, b: Type) -> Type:
    """The values that belong to both types. It may have a few more where objects contradict each other inside."""
    if a.is_any or a is b:
        return b
    if b.is_any:
        return a
    if len(a.members) == len(b.members) == 1 and not (a.loose or b.loose):  # nearly always
        (one,), (other,) = a.members, b.members
        common = _meet(one, other) if one.kind == other.kind else None
        return NEVER if common is None else Type((common,))
    members: list[Member] = []
    for kind in KINDS:
        left, right = a.of(kind), b.of(kind)
        if left and right:
            members.extend(both for x in left for y in right if (both := _meet(x, y)) is not None)
        elif left and b.loose:
            members.extend(left)
        elif right and a.loose:
            members.extend(right)
    return union([Type(tuple(members), a.loose and b.loose)])


def _meet(a: Member, b: Member) -> Member | None:
    if isinstance(a, ObjectType) and isinstance(b, ObjectType):
        return _object(a, b)
    if isinstance(a, ListType) and isinstance(b, ListType):
        return _list(a, b)
    if isinstance(a, Plain) and isinstance(b, Plain):
        limits = met(a.limits, b.limits)
        if limits is not None and limits.is_empty:
            return None
        return Plain(a.kind, a.is_integer or b.is_integer, limits)
    if isinstance(a, Plain):
        return b if _has_constant(a, b) else None
    if isinstance(b, Plain):
        return a if _has_constant(b, a) else None
    return a if a == b else None


def within(member: Member, limits: Limits | None) -> Member | None:
    """What limits leave of a member; None: nothing."""
    return member if limits is None else _meet(member, Plain(member.kind, False, limits))


def _has_constant(plain: Plain, member: Member) -> bool:
    if plain.limits is not None and isinstance(member, Constant) and not plain.limits.allow(member.value):
        return False
    return not plain.is_integer or is_integral(member)


def _object(a: ObjectType, b: ObjectType) -> ObjectType | None:
    names = [
        key
        for key in dict.fromkeys((*a.properties, *b.properties))
        if (a.names(key) or a.others is not None) and (b.names(key) or b.others is not None)
    ]
    required = a.required | b.required
    if any(_is_excluded(a, key) or _is_excluded(b, key) for key in required):
        return None
    others = None if a.others is None or b.others is None else both(a.others, b.others)
    properties = {key: both(a.value_of(key), b.value_of(key)) for key in names}
    tells_others = a.tells_others or b.tells_others
    return ObjectType(properties, required, others, tells_others, a.with_default | b.with_default)


def _is_excluded(member: ObjectType, key: str) -> bool:
    return member.others is None and not member.names(key)


def _list(a: ListType, b: ListType) -> ListType:
    length = max(len(a.first), len(b.first))
    most = min((one.most for one in (a, b) if one.most is not None), default=None)
    return ListType(both(a.item, b.item), tuple([both(a.at(i), b.at(i)) for i in range(length)]), most)


def both(a: Type, b: Type) -> Type:
    """The intersection, worked out when it is looked at."""
    return Type.later(lambda: intersection(a, b))


#: Levels of objects whose values are compared: objects may be endless.
_LEVELS = 4


def may_be_equal(a: Type, b: Type, levels: int = _LEVELS) -> bool:
    """Whether some value of one type equals some value of the other, as far as is known."""
    if a.is_never or b.is_never or a.loose or b.loose:
        return True
    if not a.members or not b.members:
        return False
    if len(a.members) == len(b.members) == 1:  # nearly always
        return _may_be_equal(a.members[0], b.members[0], levels)
    constants = {member for member in a.members if isinstance(member, Constant)}
    if not constants.isdisjoint(b.members):
        return True
    others = [member for member in b.members if not isinstance(member, Constant)]
    # Of two constants it is settled: enumerations may be long.
    return any(
        _may_be_equal(x, y, levels) for x in a.members for y in (others if isinstance(x, Constant) else b.members)
    )


def _may_be_equal(a: Member, b: Member, levels: int) -> bool:
    if a.kind != b.kind:
        return False
    if isinstance(a, ObjectType) and isinstance(b, ObjectType):
        return not any(_differs(a, b, key, levels) for key in a.required | b.required)
    return isinstance(a, ListType) or _meet(a, b) is not None


def _differs(a: ObjectType, b: ObjectType, key: str, levels: int) -> bool:
    """Whether one of them never has a key that the other always has, or always with other values."""
    if _is_excluded(a, key) or _is_excluded(b, key):
        return True
    if not levels or key not in a.required or key not in b.required:
        return False
    return not may_be_equal(a.value_of(key), b.value_of(key), levels - 1)


def constants_of(type_: Type) -> list[bool | int | float | str] | None:
    """The values of a type that has constants only; None for any other."""
    if type_.loose or not all(isinstance(member, Constant) for member in type_.members):
        return None
    return [member.value for member in type_.members if isinstance(member, Constant)]


def is_one_value(type_: Type) -> bool:
    """Whether exactly one value belongs to the type, and it has no parts."""
    if type_.loose or len(type_.members) != 1:
        return False
    (member,) = type_.members
    return isinstance(member, Constant) or member == Plain("null")
