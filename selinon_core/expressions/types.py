"""Types of expressions: sets of JSON values, with exactly what the checks of expressions need.

A type is a union of members. A *kind* is what JSON tells apart: null, boolean, number, text, list, object; each
member belongs to one kind. A type that is ``loose`` has, besides its members, every value of the kinds that none
of its members belongs to: a schema that describes properties and does not say ``type: object`` is such a type, and
``ANY`` is the loose type without members. ``NEVER`` has no value at all.

An integer is a number without fraction, so 1.0 is one too: JSON and JSON Schema do not tell them apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from selinon_core.expressions.type_limits import Limits

Json = Any

#: The kinds, in the order in which messages name them.
NULL, BOOLEAN, NUMBER, TEXT, LIST, OBJECT = "null", "boolean", "number", "text", "list", "object"
KINDS = (BOOLEAN, NUMBER, TEXT, LIST, OBJECT, NULL)

#: The set of each kind alone.
_ALONE = {kind: frozenset({kind}) for kind in KINDS}

#: Objects (or lists), and constants, of one kind that a union keeps apart. Codes of countries are some 250.
MOST_OF_A_KIND = 32
MOST_CONSTANTS = 320


class Plain(NamedTuple):
    """Every value of a kind without parts; ``is_integer`` for the integers among the numbers.

    ``limits``: only the numbers, or texts, within them.
    """

    kind: str
    is_integer: bool = False
    limits: Limits | None = None


class Constant(NamedTuple):
    """One boolean, number or text.

    The kind keeps 1 and true apart, which Python does not, and ``is_constant`` a constant and a plain member.
    """

    kind: str
    value: bool | int | float | str
    is_constant: bool = True


class ListType:
    """Lists: ``first`` has the types of the first items, ``item`` that of all behind them.

    ``most`` is how many items there are at most, as far as that is said; see ``longest``.
    """

    __slots__ = ("first", "item", "most")
    kind = LIST

    def __init__(self, item: Type, first: tuple[Type, ...] = (), most: int | None = None) -> None:
        self.item = item
        self.first = first
        self.most = most

    def any_item(self) -> Type:
        """The type of an item at an unknown position."""
        return union((self.item, *self.first)) if self.first else self.item

    def at(self, position: int) -> Type:
        """The type of the item at a position, which counts from the end when it is negative."""
        if position < 0:
            return self.any_item()
        return self.first[position] if position < len(self.first) else self.item

    def longest(self) -> int | None:
        """How many items there are at most; None where there may be any number."""
        if (self.most is None or self.most > len(self.first)) and self.item.is_never:
            return len(self.first)
        return self.most


class ObjectType:
    """Objects.

    ``others`` is the type of the values of keys that are neither in ``properties`` nor in ``required``; None when
    there are no such keys. ``tells_others``: the schema speaks of such keys, so one that it does not name is no
    mistake. ``with_default``: the required keys that are there because the schema has a
    default for them.
    """

    __slots__ = ("others", "properties", "required", "tells_others", "with_default")
    kind = OBJECT

    def __init__(
        self,
        properties: Mapping[str, Type],
        required: Iterable[str] = (),
        others: Type | None = None,
        tells_others: bool = False,
        with_default: Iterable[str] = (),
    ) -> None:
        self.properties = properties
        self.required = frozenset(required)
        self.others = others
        self.tells_others = tells_others
        self.with_default = frozenset(with_default)

    def value_of(self, key: str) -> Type:
        """The type of the value of a key; ``NEVER`` where the key cannot be."""
        if key in self.properties:
            return self.properties[key]
        if self.others is None:
            return ANY if key in self.required else NEVER
        return self.others

    def names(self, key: str) -> bool:
        """Whether the schema names a key."""
        return key in self.properties or key in self.required

    def any_value(self) -> Type:
        """The type of the value of an unknown key."""
        values = [self.value_of(key) for key in dict.fromkeys((*self.properties, *self.required))]
        return union(values if self.others is None else (*values, self.others))


Member = Plain | Constant | ListType | ObjectType


class Type:
    """A union of members; ``loose`` adds the kinds without a member.

    ``members`` are without those that others include. ``loose``: values of all other kinds belong to the type.

    A type is worked out when it is first looked at, so that a type may be a part of itself. Equal only to itself.
    """

    __slots__ = ("_make", "loose", "members")

    members: tuple[Member, ...]
    loose: bool
    _make: Callable[[], Type]

    def __init__(self, members: tuple[Member, ...] = (), loose: bool = False) -> None:
        self.members = members
        self.loose = loose

    @classmethod
    def later(cls, make: Callable[[], Type]) -> Type:
        """Return the type that ``make`` gives. While it is being made it counts as ``ANY``."""
        made = cls.__new__(cls)
        made._make = make
        return made

    def __getattr__(self, name: str) -> Any:
        # Called for what is not set yet. Properties would be asked a hundred times for each type that is made.
        if name not in ("members", "loose"):
            raise AttributeError(name)
        self.members, self.loose = (), True
        made = self._make()
        self.members, self.loose = made.members, made.loose
        return getattr(self, name)

    @property
    def is_any(self) -> bool:
        """Whether nothing at all is known."""
        return self.loose and not self.members

    @property
    def is_never(self) -> bool:
        """Whether no value belongs to the type."""
        return not self.loose and not self.members

    def kinds(self) -> frozenset[str]:
        """The kinds of the members."""
        members = self.members
        if len(members) == 1:  # most types
            return _ALONE[members[0].kind]
        return frozenset([member.kind for member in members])

    def of(self, kind: str) -> tuple[Member, ...]:
        """The members of a kind."""
        members = self.members
        if len(members) == 1:  # most types
            return members if members[0].kind == kind else ()
        return tuple([member for member in members if member.kind == kind])

    def without(self, *kinds: str) -> Type:
        """The type without the members of some kinds. What is loose stays so: it may be without them already."""
        members = self.members
        if len(members) == 1:  # most types
            return Type((), self.loose) if members[0].kind in kinds else self
        for member in members:
            if member.kind in kinds:
                return Type(tuple([member for member in members if member.kind not in kinds]), self.loose)
        return self

    def __repr__(self) -> str:
        kinds = [*dict.fromkeys(member.kind for member in self.members), *(["..."] if self.loose else [])]
        return f"<Type {' | '.join(kinds)}>"


ANY = Type((), True)
NEVER = Type()
NULL_TYPE = Type((Plain(NULL),))
BOOL = Type((Plain(BOOLEAN),))
INTEGER = Type((Plain(NUMBER, True),))
FLOAT = Type((Plain(NUMBER),))
STRING = Type((Plain(TEXT),))


#: All values of a kind.
_WHOLE: Mapping[str, Member] = {
    **{kind: Plain(kind) for kind in (NULL, BOOLEAN, NUMBER, TEXT)},
    LIST: ListType(ANY),
    OBJECT: ObjectType({}, (), ANY, True),
}


def list_of(item: Type) -> Type:
    """The lists of items of a type."""
    return Type((ListType(item),))


def object_of(properties: Mapping[str, Type], required: Iterable[str] | None = None) -> Type:
    """The objects with these keys and no others; all of them are there unless ``required`` says which."""
    return Type((ObjectType(properties, properties if required is None else required),))


def constant(value: bool | int | float | str | None) -> Type:
    """The type of one value without parts."""
    if value is None:
        return NULL_TYPE
    kind = BOOLEAN if isinstance(value, bool) else TEXT if isinstance(value, str) else NUMBER
    return Type((Constant(kind, value),))


def type_of_value(value: Json) -> Type:
    """The narrowest type of a JSON value."""
    if isinstance(value, Mapping):
        return object_of({str(key): type_of_value(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return Type((ListType(NEVER, tuple([type_of_value(item) for item in value])),))
    return constant(value) if value is None or isinstance(value, bool | int | float | str) else ANY


def union(types: Iterable[Type]) -> Type:
    """The values of any of some types. ``ANY`` makes it ``ANY``."""
    parts: list[Type] = []
    for part in types:
        if part.is_any:
            return ANY
        if not part.is_never and part not in parts:
            parts.append(part)
    if len(parts) < 2:
        return parts[0] if parts else NEVER
    found: dict[Member, None] = {}
    kinds = {member.kind for part in parts for member in part.members}
    for part in parts:
        found.update(dict.fromkeys(part.members))
        if part.loose:
            found.update(dict.fromkeys([_WHOLE[kind] for kind in kinds - part.kinds()]))
    return Type(tuple(_without_repetitions(found)), any(part.loose for part in parts))


def _without_repetitions(members: Iterable[Member]) -> list[Member]:
    kept = list(members)
    if len(kept) < 2:
        return kept
    alike = Counter([member.kind for member in kept if not _is_whole(member)])
    for kind, most in _MOST.items():
        if alike[kind] > most:
            kept = [*(member for member in kept if member.kind != kind), _WHOLE[kind]]
    plain = {member for member in kept if isinstance(member, Plain)}
    return [member for member in kept if not _is_within(member, plain)]


_MOST: Mapping[str, int] = {
    TEXT: MOST_CONSTANTS,
    NUMBER: MOST_CONSTANTS,
    BOOLEAN: 1,
    LIST: MOST_OF_A_KIND,
    OBJECT: MOST_OF_A_KIND,
}


def _is_whole(member: Member) -> bool:
    return isinstance(member, Plain) and member.limits is None


def _is_within(member: Member, plain: set[Plain]) -> bool:
    """Whether a larger plain member has all values of ``member``."""
    if isinstance(member, Plain):
        if member.limits is not None and member._replace(limits=None) in plain:
            return True
        return (
            (member.is_integer or member.limits is not None) and Plain(NUMBER) in plain and member.kind == NUMBER
        )
    if isinstance(member, Constant):
        return Plain(member.kind) in plain or (Plain(NUMBER, True) in plain and is_integer(member.value))
    return False


def is_integer(value: Json) -> bool:
    """Whether a value is a number without fraction."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def is_integral(member: Member) -> bool:
    """Whether all values of a member are integers."""
    if isinstance(member, Plain):
        return member.is_integer
    return isinstance(member, Constant) and is_integer(member.value)


def kind_of(value: Json) -> str:
    """The kind of a JSON value."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, str):
        return TEXT
    return OBJECT if isinstance(value, Mapping) else LIST


def contains(type_: Type, value: Json) -> bool:
    """Whether a JSON value belongs to a type."""
    members = type_.of(kind_of(value))
    return any(_has(member, value) for member in members) if members else type_.loose


def _has(member: Member, value: Json) -> bool:
    if isinstance(member, Plain):
        if member.limits is not None and not member.limits.allow(value):
            return False
        return not member.is_integer or is_integer(value)
    if isinstance(member, Constant):
        return bool(member.value == value)
    if isinstance(member, ListType):
        if member.most is not None and len(value) > member.most:
            return False
        return all(contains(member.at(position), item) for position, item in enumerate(value))
    return member.required <= value.keys() and all(
        contains(member.value_of(key), item) for key, item in value.items()
    )
