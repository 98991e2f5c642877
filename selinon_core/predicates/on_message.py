"""Predicates on a result, ``message``."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING

from selinon_core.predicates.values import (
    MISSING,
    compare,
    compare_length,
    compare_url_part,
    field,
    is_empty,
    is_int,
    is_list,
)

if TYPE_CHECKING:
    from typing import Any


def empty(message: Any) -> bool:
    """Return whether the result is None or has the length 0."""
    return is_empty(message)


def isNone(message: Any) -> bool:
    """Return whether the result is None."""
    return message is None


def isBool(message: Any) -> bool:
    """Return whether the result is a bool."""
    return isinstance(message, bool)


def isInt(message: Any) -> bool:
    """Return whether the result is an integer (a bool is not)."""
    return is_int(message)


def isFloat(message: Any) -> bool:
    """Return whether the result is a float (an integer is not)."""
    return isinstance(message, float)


def isStr(message: Any) -> bool:
    """Return whether the result is a string."""
    return isinstance(message, str)


def isList(message: Any) -> bool:
    """Return whether the result is a list."""
    return is_list(message)


def isDict(message: Any) -> bool:
    """Return whether the result is a mapping."""
    return isinstance(message, Mapping)


def fieldExist(message: Any, key: Any) -> bool:
    """Return whether the field is there, None or not."""
    return field(message, key) is not MISSING


def fieldNone(message: Any, key: Any) -> bool:
    """Return whether the field is there and None."""
    return field(message, key) is None


def fieldBool(message: Any, key: Any) -> bool:
    """Return whether the field is a bool."""
    return isinstance(field(message, key), bool)


def fieldInt(message: Any, key: Any) -> bool:
    """Return whether the field is an integer (a bool is not)."""
    return is_int(field(message, key))


def fieldFloat(message: Any, key: Any) -> bool:
    """Return whether the field is a float (an integer is not)."""
    return isinstance(field(message, key), float)


def fieldStr(message: Any, key: Any) -> bool:
    """Return whether the field is a string."""
    return isinstance(field(message, key), str)


def fieldList(message: Any, key: Any) -> bool:
    """Return whether the field is a list."""
    return is_list(field(message, key))


def fieldDict(message: Any, key: Any) -> bool:
    """Return whether the field is a mapping."""
    return isinstance(field(message, key), Mapping)


def fieldEqual(message: Any, key: Any, value: Any) -> bool:
    """Return whether the field equals ``value``."""
    return compare(operator.eq, field(message, key), value)


def fieldNotEqual(message: Any, key: Any, value: Any) -> bool:
    """Return whether the field is there and does not equal ``value``."""
    return compare(operator.ne, field(message, key), value)


def fieldGreater(message: Any, key: Any, value: Any) -> bool:
    """Return whether the field is greater than ``value``."""
    return compare(operator.gt, field(message, key), value)


def fieldGreaterEqual(message: Any, key: Any, value: Any) -> bool:
    """Return whether the field is greater than or equals ``value``."""
    return compare(operator.ge, field(message, key), value)


def fieldLess(message: Any, key: Any, value: Any) -> bool:
    """Return whether the field is less than ``value``."""
    return compare(operator.lt, field(message, key), value)


def fieldLessEqual(message: Any, key: Any, value: Any) -> bool:
    """Return whether the field is less than or equals ``value``."""
    return compare(operator.le, field(message, key), value)


def fieldContain(message: Any, key: Any, value: Any) -> bool:
    """Return whether the list has the item, the mapping the key or the string the substring ``value``."""
    return compare(operator.contains, field(message, key), value)


def fieldLenEqual(message: Any, key: Any, length: Any) -> bool:
    """Return whether the field has the length ``length``."""
    return compare_length(operator.eq, field(message, key), length)


def fieldLenNotEqual(message: Any, key: Any, length: Any) -> bool:
    """Return whether the field has a length other than ``length``."""
    return compare_length(operator.ne, field(message, key), length)


def fieldLenGreater(message: Any, key: Any, length: Any) -> bool:
    """Return whether the field is longer than ``length``."""
    return compare_length(operator.gt, field(message, key), length)


def fieldLenGreaterEqual(message: Any, key: Any, length: Any) -> bool:
    """Return whether the field is at least as long as ``length``."""
    return compare_length(operator.ge, field(message, key), length)


def fieldLenLess(message: Any, key: Any, length: Any) -> bool:
    """Return whether the field is shorter than ``length``."""
    return compare_length(operator.lt, field(message, key), length)


def fieldLenLessEqual(message: Any, key: Any, length: Any) -> bool:
    """Return whether the field is at most as long as ``length``."""
    return compare_length(operator.le, field(message, key), length)


def fieldUrlScheme(message: Any, key: Any, scheme: Any) -> bool:
    """Return whether the field is a URL with the scheme ``scheme``."""
    return compare_url_part("scheme", field(message, key), scheme)


def fieldUrlNetloc(message: Any, key: Any, netloc: Any) -> bool:
    """Return whether the field is a URL with the netloc ``netloc``."""
    return compare_url_part("netloc", field(message, key), netloc)


def fieldUrlPath(message: Any, key: Any, path: Any) -> bool:
    """Return whether the field is a URL with the path ``path``."""
    return compare_url_part("path", field(message, key), path)
