"""The functions of expressions: one literal table. There are no others, and no value has methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from selinon_core.expressions import implementations
from selinon_core.expressions.values import Json


class Function(NamedTuple):
    """A function: its parameters with the types that they take, how many of them are needed, and what it gives.

    Types are those of JSON values, several with " or " between them; ``any`` takes all, ``path`` is read by
    ``has`` and ``default`` alone, which have no implementation here. ``repeats``: the last parameter is given
    any number of times.
    """

    parameters: dict[str, str]
    needed: int
    implementation: Callable[..., Json] | None
    gives: str
    repeats: bool = False


FUNCTIONS: dict[str, Function] = {
    "len": Function(
        {"value": "text or list or object"}, 1, implementations.length, "the number of characters, items or keys"
    ),
    "any": Function(
        {"list": "list"}, 1, implementations.any_true, "whether one of the booleans of a list is true"
    ),
    "all": Function(
        {"list": "list"},
        1,
        implementations.all_true,
        "whether all booleans of a list are true; true for an empty one",
    ),
    "count": Function(
        {"list": "list"}, 1, implementations.count_true, "how many of the booleans of a list are true"
    ),
    "sum": Function(
        {"list": "list"},
        1,
        implementations.total,
        "the sum of the numbers of a list, from the left; 0 for an empty one",
    ),
    "min": Function(
        {"value": "any"},
        1,
        implementations.least,
        "the smallest of the numbers or texts of a list, or of several values",
        repeats=True,
    ),
    "max": Function(
        {"value": "any"},
        1,
        implementations.greatest,
        "the greatest of the numbers or texts of a list, or of several values",
        repeats=True,
    ),
    "abs": Function({"number": "number"}, 1, implementations.magnitude, "the number without its sign"),
    "round": Function(
        {"number": "number", "digits": "number"},
        1,
        implementations.rounded,
        "the nearest number with so many digits behind the point, an integer without them; a half goes to even",
    ),
    "floor": Function(
        {"number": "number"}, 1, implementations.rounded_down, "the greatest integer that is not above the number"
    ),
    "int": Function(
        {"value": "number or text"},
        1,
        implementations.integer,
        "the number without its fraction, or the integer in a text",
    ),
    "float": Function(
        {"value": "number or text"}, 1, implementations.fraction, "the number, also in a text, with a fraction"
    ),
    "text": Function(
        {"value": "text or number or boolean"}, 1, implementations.as_text, "the value as it is written"
    ),
    "lower": Function({"text": "text"}, 1, implementations.lower, "the text in small letters"),
    "upper": Function({"text": "text"}, 1, implementations.upper, "the text in capital letters"),
    "strip": Function({"text": "text"}, 1, implementations.strip, "the text without white space at both ends"),
    "split": Function(
        {"text": "text", "separator": "text"},
        1,
        implementations.split,
        "the list of the parts between the separators, or between white space",
    ),
    "join": Function(
        {"list": "list", "separator": "text"},
        2,
        implementations.join,
        "the texts of a list with the separator between",
    ),
    "replace": Function(
        {"text": "text", "old": "text", "new": "text"},
        3,
        implementations.replace,
        "the text with each old part replaced",
    ),
    "startswith": Function(
        {"text": "text", "beginning": "text"}, 2, implementations.startswith, "whether a text begins like that"
    ),
    "endswith": Function(
        {"text": "text", "ending": "text"}, 2, implementations.endswith, "whether a text ends like that"
    ),
    "keys": Function({"object": "object"}, 1, implementations.keys, "the list of the keys"),
    "values": Function({"object": "object"}, 1, implementations.values, "the list of the values"),
    "items": Function(
        {"object": "object"}, 1, implementations.items, 'a list with `{"key": ..., "value": ...}` for each key'
    ),
    "flatten": Function(
        {"lists": "list"}, 1, implementations.flatten, "the items of the lists of a list, as one list"
    ),
    "sorted": Function(
        {"list": "list"}, 1, implementations.in_order, "the numbers or the texts of a list, the smallest first"
    ),
    "unique": Function(
        {"list": "list"}, 1, implementations.unique, "the list without items that are equal to an earlier one"
    ),
    "has": Function({"path": "path"}, 1, None, "whether the value exists; null exists"),
    "default": Function(
        {"path": "path", "value": "any"},
        2,
        None,
        "the value of the path, or the other where it is missing or null",
    ),
}
