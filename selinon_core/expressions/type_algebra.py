"""What two types have in common, and whether they have anything in common."""

from __future__ import annotations

from selinon_core.expressions.types import (
    KINDS,
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
    if isinstance(a, Plain):
        return b if not a.is_integer or is_integral(b) else a if isinstance(b, Plain) else None
    if isinstance(b, Plain):
        return a if not b.is_integer or is_integral(a) else None
    return a if a == b else None


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


def may_be_equal(a: Type, b: Type) -> bool:
    """Whether some value of one type equals some value of the other, as far as is known."""
    if a.is_never or b.is_never or a.loose or b.loose:
        return True
    return any(_may_be_equal(x, y) for x in a.members for y in b.members)


def _may_be_equal(a: Member, b: Member) -> bool:
    if a.kind != b.kind:
        return False
    if isinstance(a, ObjectType) and isinstance(b, ObjectType):
        return not any(_differs(a, b, key) or _differs(b, a, key) for key in a.required | b.required)
    return isinstance(a, ListType) or _meet(a, b) is not None


def _differs(a: ObjectType, b: ObjectType, key: str) -> bool:
    """Whether ``b`` never has a key that ``a`` always has. Values are not compared: objects may be endless."""
    return key in a.required and _is_excluded(b, key)


def is_one_value(type_: Type) -> bool:
    """Whether exactly one value belongs to the type, and it has no parts."""
    if type_.loose or len(type_.members) != 1:
        return False
    (member,) = type_.members
    return isinstance(member, Constant) or member == Plain("null")
