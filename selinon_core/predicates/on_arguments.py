"""The predicates of ``on_message``, asked of the flow's arguments, ``node_args``.

Spelled out so that every reader, human or not, sees names, signatures and documentation; what they mean is
written once, in ``on_message``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selinon_core.predicates import on_message

if TYPE_CHECKING:
    from typing import Any


def argsEmpty(node_args: Any) -> bool:
    """As ``empty``, on the flow's arguments."""
    return on_message.empty(node_args)


def argsIsNone(node_args: Any) -> bool:
    """As ``isNone``, on the flow's arguments."""
    return on_message.isNone(node_args)


def argsIsBool(node_args: Any) -> bool:
    """As ``isBool``, on the flow's arguments."""
    return on_message.isBool(node_args)


def argsIsInt(node_args: Any) -> bool:
    """As ``isInt``, on the flow's arguments."""
    return on_message.isInt(node_args)


def argsIsFloat(node_args: Any) -> bool:
    """As ``isFloat``, on the flow's arguments."""
    return on_message.isFloat(node_args)


def argsIsStr(node_args: Any) -> bool:
    """As ``isStr``, on the flow's arguments."""
    return on_message.isStr(node_args)


def argsIsList(node_args: Any) -> bool:
    """As ``isList``, on the flow's arguments."""
    return on_message.isList(node_args)


def argsIsDict(node_args: Any) -> bool:
    """As ``isDict``, on the flow's arguments."""
    return on_message.isDict(node_args)


def argsFieldExist(node_args: Any, key: Any) -> bool:
    """As ``fieldExist``, on the flow's arguments."""
    return on_message.fieldExist(node_args, key)


def argsFieldNone(node_args: Any, key: Any) -> bool:
    """As ``fieldNone``, on the flow's arguments."""
    return on_message.fieldNone(node_args, key)


def argsFieldBool(node_args: Any, key: Any) -> bool:
    """As ``fieldBool``, on the flow's arguments."""
    return on_message.fieldBool(node_args, key)


def argsFieldInt(node_args: Any, key: Any) -> bool:
    """As ``fieldInt``, on the flow's arguments."""
    return on_message.fieldInt(node_args, key)


def argsFieldFloat(node_args: Any, key: Any) -> bool:
    """As ``fieldFloat``, on the flow's arguments."""
    return on_message.fieldFloat(node_args, key)


def argsFieldStr(node_args: Any, key: Any) -> bool:
    """As ``fieldStr``, on the flow's arguments."""
    return on_message.fieldStr(node_args, key)


def argsFieldList(node_args: Any, key: Any) -> bool:
    """As ``fieldList``, on the flow's arguments."""
    return on_message.fieldList(node_args, key)


def argsFieldDict(node_args: Any, key: Any) -> bool:
    """As ``fieldDict``, on the flow's arguments."""
    return on_message.fieldDict(node_args, key)


def argsFieldEqual(node_args: Any, key: Any, value: Any) -> bool:
    """As ``fieldEqual``, on the flow's arguments."""
    return on_message.fieldEqual(node_args, key, value)


def argsFieldNotEqual(node_args: Any, key: Any, value: Any) -> bool:
    """As ``fieldNotEqual``, on the flow's arguments."""
    return on_message.fieldNotEqual(node_args, key, value)


def argsFieldGreater(node_args: Any, key: Any, value: Any) -> bool:
    """As ``fieldGreater``, on the flow's arguments."""
    return on_message.fieldGreater(node_args, key, value)


def argsFieldGreaterEqual(node_args: Any, key: Any, value: Any) -> bool:
    """As ``fieldGreaterEqual``, on the flow's arguments."""
    return on_message.fieldGreaterEqual(node_args, key, value)


def argsFieldLess(node_args: Any, key: Any, value: Any) -> bool:
    """As ``fieldLess``, on the flow's arguments."""
    return on_message.fieldLess(node_args, key, value)


def argsFieldLessEqual(node_args: Any, key: Any, value: Any) -> bool:
    """As ``fieldLessEqual``, on the flow's arguments."""
    return on_message.fieldLessEqual(node_args, key, value)


def argsFieldContain(node_args: Any, key: Any, value: Any) -> bool:
    """As ``fieldContain``, on the flow's arguments."""
    return on_message.fieldContain(node_args, key, value)


def argsFieldLenEqual(node_args: Any, key: Any, length: Any) -> bool:
    """As ``fieldLenEqual``, on the flow's arguments."""
    return on_message.fieldLenEqual(node_args, key, length)


def argsFieldLenNotEqual(node_args: Any, key: Any, length: Any) -> bool:
    """As ``fieldLenNotEqual``, on the flow's arguments."""
    return on_message.fieldLenNotEqual(node_args, key, length)


def argsFieldLenGreater(node_args: Any, key: Any, length: Any) -> bool:
    """As ``fieldLenGreater``, on the flow's arguments."""
    return on_message.fieldLenGreater(node_args, key, length)


def argsFieldLenGreaterEqual(node_args: Any, key: Any, length: Any) -> bool:
    """As ``fieldLenGreaterEqual``, on the flow's arguments."""
    return on_message.fieldLenGreaterEqual(node_args, key, length)


def argsFieldLenLess(node_args: Any, key: Any, length: Any) -> bool:
    """As ``fieldLenLess``, on the flow's arguments."""
    return on_message.fieldLenLess(node_args, key, length)


def argsFieldLenLessEqual(node_args: Any, key: Any, length: Any) -> bool:
    """As ``fieldLenLessEqual``, on the flow's arguments."""
    return on_message.fieldLenLessEqual(node_args, key, length)


def argsFieldUrlScheme(node_args: Any, key: Any, scheme: Any) -> bool:
    """As ``fieldUrlScheme``, on the flow's arguments."""
    return on_message.fieldUrlScheme(node_args, key, scheme)


def argsFieldUrlNetloc(node_args: Any, key: Any, netloc: Any) -> bool:
    """As ``fieldUrlNetloc``, on the flow's arguments."""
    return on_message.fieldUrlNetloc(node_args, key, netloc)


def argsFieldUrlPath(node_args: Any, key: Any, path: Any) -> bool:
    """As ``fieldUrlPath``, on the flow's arguments."""
    return on_message.fieldUrlPath(node_args, key, path)
