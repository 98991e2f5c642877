"""Conditions the way people write them: ``count > 3 and not archived``.

Shipped predicates become operators; every other predicate is shown as ``name(key=value)``. A predicate counts
as a shipped one by name and arguments, not by module, because projects re-export the shipped ones from their
own ``predicates_module``. Expressions are shown as they print.

The text is for reading. It is never parsed and never evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from selinon_core.plan.model import And, Condition, Leaf, Not, Or, Test
from selinon_core.plan.text_wrap import printable, truncate, wrap_text

_CHOICE, _OR, _AND, _NOT, _COMPARISON, _ATOM = range(6)

_COMPARE = {
    "Equal": "==",
    "NotEqual": "!=",
    "Greater": ">",
    "GreaterEqual": ">=",
    "Less": "<",
    "LessEqual": "<=",
}
_TYPES = {
    "None": "null",
    "Bool": "a bool",
    "Int": "an int",
    "Float": "a float",
    "Str": "a string",
    "List": "a list",
    "Dict": "a dict",
}
_URL_PARTS = {"UrlScheme": "scheme", "UrlNetloc": "netloc", "UrlPath": "path"}
_QUANTIFIERS = {"any": "any", "all": "every", "none": "no"}

#: A field of one of these names is written ``result.name``, so that it is not read as something else.
_TAKEN = frozenset(
    {"always", "and", "any", "args", "every", "in", "is", "len", "never", "no", "not", "or", "result"}
)


def condition_text(condition: Condition | None, sources: tuple[str, ...] = (), *, limit: int | None = None) -> str:
    """Return a condition as one line of text; None, the condition of an edge without one, is ``always``.

    ``sources`` are the sources of the edge: with one, its result's fields stand alone (``count > 3``); with
    several they carry the node's name (``Fetch.count > 3``). Values longer than ``limit`` are shortened.
    """
    return "always" if condition is None else _render(condition, sources, limit)[0]


def wrap_condition(
    condition: Condition | None, sources: tuple[str, ...] = (), *, width: int = 34, limit: int | None = 60
) -> tuple[str, ...]:
    """Return a condition as lines of at most ``width`` characters, broken before ``and`` and ``or`` if need be."""
    while isinstance(condition, And | Or) and len(condition.operands) == 1:
        condition = condition.operands[0]
    text = condition_text(condition, sources, limit=limit)
    if len(text) <= width or not isinstance(condition, And | Or):
        return wrap_text(text, width)
    word, level = ("and", _AND) if isinstance(condition, And) else ("or", _OR)
    lines: list[str] = []
    for operand in condition.operands:
        part, part_level = _render(operand, sources, limit)
        if part_level < level:
            part = f"({part})"
        lines.extend(wrap_text(f"{word} {part}" if lines else part, width))
    return tuple(lines)


def constant_truth(condition: Condition | None) -> bool | None:
    """Return what a condition always is as far as ``alwaysTrue``, ``alwaysFalse`` and the constants of expressions
    decide it, else None.
    """
    match condition:
        case None:
            return True
        case Not(operand):
            inner = constant_truth(operand)
            return None if inner is None else not inner
        case And(operands):
            values = [constant_truth(each) for each in operands]
            return False if False in values else True if set(values) <= {True} else None
        case Or(operands):
            values = [constant_truth(each) for each in operands]
            return True if True in values else False if set(values) <= {False} else None
        case Test():
            return {"true": True, "True": True, "false": False, "False": False}.get(condition.text)
        case Leaf(function, _, args):
            return {"alwaysTrue": True, "alwaysFalse": False}.get(function.name) if not args else None


def value_text(value: Any, limit: int | None = None) -> str:
    """Return a JSON value as JSON text on one line, nothing invisible in it, with at most ``limit`` characters."""
    text = printable(json.dumps(value, ensure_ascii=False, default=str))
    return text if limit is None else truncate(text, limit)


def _render(condition: Condition, sources: tuple[str, ...], limit: int | None) -> tuple[str, int]:
    match condition:
        case Leaf():
            return _leaf(condition, sources, limit, False)
        case Test():
            return _test(condition, limit)
        case Not(operand):
            if isinstance(operand, Not):
                return _render(operand.operand, sources, limit)
            if isinstance(operand, Leaf):
                return _leaf(operand, sources, limit, True)
            if isinstance(operand, Test):
                text, level = _test(operand, limit)
                return (f"not {text}" if level == _ATOM else f"not ({text})"), _NOT
            return f"not ({_render(operand, sources, limit)[0]})", _NOT
        case And(operands):
            return _joined(operands, " and ", _AND, sources, limit)
        case Or(operands):
            return _joined(operands, " or ", _OR, sources, limit)


def _joined(
    operands: tuple[Condition, ...], word: str, level: int, sources: tuple[str, ...], limit: int | None
) -> tuple[str, int]:
    if len(operands) == 1:
        return _render(operands[0], sources, limit)
    parts = [_render(each, sources, limit) for each in operands]
    return word.join(f"({text})" if inner < level else text for text, inner in parts), level


def _leaf(leaf: Leaf, sources: tuple[str, ...], limit: int | None, negated: bool) -> tuple[str, int]:
    shown = _shipped(leaf, sources, limit)
    if shown is None:
        text, level = _call(leaf, sources, limit), _ATOM
        return (f"not {text}", _NOT) if negated else (text, level)
    positive, negative = shown
    quantifier = _QUANTIFIERS.get(leaf.quantifier or "", "")
    if quantifier:
        text = f"{quantifier} {positive}"
        return (f"not ({text})", _NOT) if negated else (text, _COMPARISON)
    return (negative, _NOT) if negated else (positive, _COMPARISON)


def _test(test: Test, limit: int | None) -> tuple[str, int]:
    from selinon_core.expressions.printer import expression_text
    from selinon_core.expressions.tree import Comparison, IfElse
    from selinon_core.plan.expression_uses import tree_of

    tree = tree_of(test.text)
    level = _COMPARISON if isinstance(tree, Comparison) else _CHOICE if isinstance(tree, IfElse) else _ATOM
    text = printable(expression_text(tree))
    return (text if limit is None else truncate(text, 2 * limit)), level


def _call(leaf: Leaf, sources: tuple[str, ...], limit: int | None) -> str:
    shown = [f"{printable(str(key))}={value_text(value, limit)}" for key, value in leaf.args.items()]
    call = f"{printable(leaf.function.name)}({', '.join(shown)})"
    owner = _owner(leaf, sources)
    if not owner:
        return call
    quantifier = _QUANTIFIERS.get(leaf.quantifier or "", "")
    return f"{call} on {quantifier} {owner}" if quantifier else f"{call} on {owner}"


def _owner(leaf: Leaf, sources: tuple[str, ...]) -> str:
    """Whose result it is, when that has to be said."""
    if leaf.node is None or (len(leaf.node) == 1 and leaf.node == sources):
        return ""
    return printable("/".join(leaf.node))


def _shipped(leaf: Leaf, sources: tuple[str, ...], limit: int | None) -> tuple[str, str] | None:
    """Return a shipped predicate as (text, text of its opposite); None for any other."""
    name, args = leaf.function.name, leaf.args
    simple = _SIMPLE.get(name)
    if simple is not None:
        names, write = simple
        return write(args, limit) if _takes(args, *names) else None
    if name in {"argsEmpty", "empty"}:
        return _is(_whole(leaf, sources, name == "argsEmpty"), "empty") if not args else None
    on_args = name.startswith("args")
    rest = name[4:5].lower() + name[5:] if on_args else name
    if rest.startswith("is") and rest[2:] in _TYPES:
        return _is(_whole(leaf, sources, on_args), _TYPES[rest[2:]]) if not args else None
    if rest.startswith("field"):
        return _field(rest[5:], leaf, sources, limit, on_args)
    return None


def _field(
    test: str, leaf: Leaf, sources: tuple[str, ...], limit: int | None, on_args: bool
) -> tuple[str, str] | None:
    args = leaf.args
    if "key" not in args:
        return None
    field = _path(args["key"], leaf, sources, on_args)
    if test == "Exist":
        return (f"{field} exists", f"{field} does not exist") if _takes(args, "key") else None
    if test in _TYPES:
        return _is(field, _TYPES[test]) if _takes(args, "key") else None
    if test in _COMPARE and _takes(args, "key", "value"):
        value = args["value"]
        text = f"{field} {_COMPARE[test]} {value_text(value, limit)}"
        if test == "Equal" and value is True:
            return text, f"not {field}"
        return text, f"not ({text})"
    if test == "Contain" and _takes(args, "key", "value"):
        value = value_text(args["value"], limit)
        return f"{value} in {field}", f"{value} not in {field}"
    if test.startswith("Len") and test[3:] in _COMPARE and _takes(args, "key", "length"):
        text = f"len({field}) {_COMPARE[test[3:]]} {value_text(args['length'], limit)}"
        return text, f"not ({text})"
    if test in _URL_PARTS:
        part = _URL_PARTS[test]
        if _takes(args, "key", part):
            return _is(f"{part} of {field}", value_text(args[part], limit))
    return None


def _is(subject: str, what: str) -> tuple[str, str]:
    return f"{subject} is {what}", f"{subject} is not {what}"


def _takes(args: Mapping[str, Any], *names: str) -> bool:
    return set(args) == set(names)


def _whole(leaf: Leaf, sources: tuple[str, ...], on_args: bool) -> str:
    if on_args:
        return "args"
    owner = _owner(leaf, sources)
    return f"result of {owner}" if owner else "result"


def _path(key: Any, leaf: Leaf, sources: tuple[str, ...], on_args: bool) -> str:
    parts = key if isinstance(key, list | tuple) else [key]
    text = "args" if on_args else _owner(leaf, sources)
    for part in parts:
        plain = isinstance(part, str) and part.isidentifier() and part.isprintable()
        if plain and not text and part not in _TAKEN:
            text = str(part)
        else:
            text = text or "result"
            text += f".{part}" if plain else f"[{value_text(part, 60)}]"
    return text or "result"


def _variable(value: Any) -> str:
    return f"${value}" if isinstance(value, str) and value.isidentifier() else f"${{{printable(str(value))}}}"


def _http(args: Mapping[str, Any], limit: int | None) -> tuple[str, str]:
    host, path = printable(str(args["host"])), printable(str(args["path"]))
    url = f"{host.rstrip('/')}/{path.lstrip('/')}"
    return _is(f"HTTP HEAD {url if limit is None else truncate(url, limit)}", value_text(args["status"], limit))


def _environment(args: Mapping[str, Any], limit: int | None) -> tuple[str, str]:
    text = f"{_variable(args['env'])} == {value_text(args['value'], limit)}"
    return text, f"not ({text})"


_Writer = Callable[[Mapping[str, Any], int | None], tuple[str, str]]

_SIMPLE: dict[str, tuple[tuple[str, ...], _Writer]] = {
    "alwaysTrue": ((), lambda args, limit: ("always", "never")),
    "alwaysFalse": ((), lambda args, limit: ("never", "always")),
    "envExist": (("env",), lambda args, limit: _is(_variable(args["env"]), "set")),
    "envEqual": (("env", "value"), _environment),
    "httpStatus": (("host", "path", "status"), _http),
}
