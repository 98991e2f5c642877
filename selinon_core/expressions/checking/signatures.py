"""What the functions of expressions take and give, by type: one literal table beside that of ``functions``.

The kinds of arguments stand there; here is what the items of a list have to be, and the type of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from selinon_core.expressions.types import (
    ANY,
    BOOL,
    BOOLEAN,
    FLOAT,
    INTEGER,
    LIST,
    NUMBER,
    STRING,
    TEXT,
    ListType,
    ObjectType,
    Type,
    is_integral,
    list_of,
    object_of,
    union,
)


class Signature(NamedTuple):
    """The type that a function gives for the types of its arguments.

    ``items``: kinds that the items of its first argument, a list, may be of; ``one_kind``: all of the same.
    ``integer``: the position of an argument that has to be an integer.
    """

    gives: Callable[[tuple[Type, ...]], Type]
    items: tuple[str, ...] = ()
    one_kind: bool = False
    integer: int | None = None


def items_of(type_: Type) -> Type:
    """The type of the items of a list."""
    if type_.is_any:
        return ANY
    return union([member.any_item() for member in type_.members if isinstance(member, ListType)])


def numeric(*types: Type) -> Type:
    """The type of what arithmetic makes of numbers: integers make an integer."""
    integral = all(not type_.loose and all(is_integral(m) for m in type_.of(NUMBER)) for type_ in types)
    return INTEGER if integral else FLOAT


def _always(type_: Type) -> Callable[[tuple[Type, ...]], Type]:
    return lambda arguments: type_


def _values(arguments: tuple[Type, ...]) -> Type:
    if arguments[0].is_any:
        return ANY
    return union([member.any_value() for member in arguments[0].members if isinstance(member, ObjectType)])


def _items(arguments: tuple[Type, ...]) -> Type:
    return list_of(object_of({"key": STRING, "value": _values(arguments)}))


def _rounded(arguments: tuple[Type, ...]) -> Type:
    return INTEGER if len(arguments) == 1 else numeric(arguments[0])


def _one_of(arguments: tuple[Type, ...]) -> Type:
    return items_of(arguments[0]) if len(arguments) == 1 else union(arguments)


_TEXT = Signature(_always(STRING))
_TRUTH = Signature(_always(BOOL))
_INTEGER = Signature(_always(INTEGER))

SIGNATURES: Mapping[str, Signature] = {
    "len": _INTEGER,
    "any": Signature(_always(BOOL), (BOOLEAN,)),
    "all": Signature(_always(BOOL), (BOOLEAN,)),
    "count": Signature(_always(INTEGER), (BOOLEAN,)),
    "sum": Signature(lambda arguments: numeric(items_of(arguments[0])), (NUMBER,)),
    "min": Signature(_one_of, (NUMBER, TEXT), one_kind=True),
    "max": Signature(_one_of, (NUMBER, TEXT), one_kind=True),
    "abs": Signature(lambda arguments: numeric(arguments[0])),
    "round": Signature(_rounded, integer=1),
    "floor": _INTEGER,
    "int": _INTEGER,
    "float": Signature(_always(FLOAT)),
    "text": _TEXT,
    "lower": _TEXT,
    "upper": _TEXT,
    "strip": _TEXT,
    "split": Signature(_always(list_of(STRING))),
    "join": Signature(_always(STRING), (TEXT,)),
    "replace": _TEXT,
    "startswith": _TRUTH,
    "endswith": _TRUTH,
    "keys": Signature(_always(list_of(STRING))),
    "values": Signature(lambda arguments: list_of(_values(arguments))),
    "items": Signature(_items),
    "flatten": Signature(lambda arguments: list_of(items_of(items_of(arguments[0]))), (LIST,)),
    "sorted": Signature(lambda arguments: list_of(items_of(arguments[0])), (NUMBER, TEXT), one_kind=True),
    "unique": Signature(lambda arguments: list_of(items_of(arguments[0]))),
}
