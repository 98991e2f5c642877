"""Trees without their offsets, as nested tuples: from a tree of ours, and from one of Python's ``ast``."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import Any

from selinon_core.expressions import tree as t
from selinon_core.expressions.parser import TAKE_FOR
from selinon_core.expressions.parsing.tokens import VALUES

Shape = Any


class Outside(Exception):
    """Raised for what Python allows and the expression language does not."""


def shape(tree: t.Tree) -> Shape:
    """The shape of a tree of ours. Literals carry their type, for 1, 1.0 and true are equal in Python."""
    match tree:
        case t.Literal(value):
            return "literal", type(value).__name__, value
        case t.Name(name):
            return "name", name
        case t.Field(subject, name):
            return "field", shape(subject), name
        case t.Index(subject, key):
            return "index", shape(subject), shape(key)
        case t.Call(function, arguments):
            return "call", function, tuple(map(shape, arguments))
        case t.Negative(operand):
            return "-", shape(operand)
        case t.Arithmetic(operator, left, right):
            return operator, shape(left), shape(right)
        case t.Comparison(first, rest):
            return "compare", shape(first), tuple((operator, shape(operand)) for operator, _, operand in rest)
        case t.Negation(operand):
            return "not", shape(operand)
        case t.Junction(operator, operands):
            return operator, *map(shape, operands)
        case t.IfElse(then, condition, otherwise):
            return "if", shape(then), shape(condition), shape(otherwise)
        case t.ListOf(items):
            return "list", *map(shape, items)
        case t.ObjectOf(entries):
            return "object", *((key, shape(value)) for key, value in entries)
        case t.ListFor(element, variable, _, items, condition):
            return "for", shape(element), variable, shape(items), None if condition is None else shape(condition)
        case t.Broken():
            return ("broken",)
    raise AssertionError(tree)


def python_shape(text: str) -> Shape | None:
    """The shape of what Python reads, None where Python or the language rejects the text."""
    try:
        read = ast.parse(text.strip(), mode="eval")
        _check_tokens(text.strip())
        return _shape(read.body, text.strip())
    except (SyntaxError, Outside):
        return None


_JSON_NUMBER = re.compile(r"(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_OPERATORS: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.And: "and",
    ast.Or: "or",
}


def _check_tokens(text: str) -> None:
    """What Python's tree does not show: commas at the end, texts side by side, how numbers are written and end."""
    before = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NUMBER and not _JSON_NUMBER.fullmatch(token.string):
            raise Outside
        if token.type == tokenize.STRING and before is not None and before.type == tokenize.STRING:
            raise Outside
        touches = before is not None and before.type == tokenize.NUMBER and before.end == token.start
        if touches and (token.type == tokenize.NAME or token.string == "."):
            raise Outside
        if token.string in (")", "]", "}") and before is not None and before.string == ",":
            raise Outside
        before = token


def _operator(operator: ast.AST) -> str:
    if type(operator) not in _OPERATORS:
        raise Outside
    return _OPERATORS[type(operator)]


def _shape(node: ast.expr | None, text: str) -> Shape:
    def of(part: ast.expr | None) -> Shape:
        return _shape(part, text)

    match node:
        case ast.Constant(value) if value is None or type(value) in (bool, int, float, str):
            return "literal", type(value).__name__, value
        case ast.Name(name):
            return ("literal", type(VALUES[name]).__name__, VALUES[name]) if name in VALUES else ("name", name)
        case ast.Attribute(subject, name) if name not in VALUES:
            return "field", of(subject), name
        case ast.Subscript(subject, key):
            return "index", of(subject), of(key)
        case ast.Call(ast.Name(function) as called, arguments, []) if function not in VALUES:
            if called.col_offset != node.col_offset:  # parentheses around the name
                raise Outside
            if len(arguments) == 1 and isinstance(arguments[0], ast.GeneratorExp):
                # The parentheses of the call are those of the "for".
                between = text[called.end_col_offset : arguments[0].col_offset]
                if function not in TAKE_FOR or between.strip():
                    raise Outside
                return "call", function, (_for(arguments[0].elt, arguments[0].generators, text),)
            return "call", function, tuple(map(of, arguments))
        case ast.UnaryOp(ast.USub(), operand):
            return "-", of(operand)
        case ast.UnaryOp(ast.Not(), operand):
            return "not", of(operand)
        case ast.BinOp(left, operator, right):
            return _operator(operator), of(left), of(right)
        case ast.Compare(first, operators, operands):
            pairs = zip(operators, operands, strict=True)
            return "compare", of(first), tuple((_operator(sign), of(operand)) for sign, operand in pairs)
        case ast.BoolOp(operator, operands):
            return _operator(operator), *map(of, operands)
        case ast.IfExp(condition, then, otherwise):
            return "if", of(then), of(condition), of(otherwise)
        case ast.List(items):
            return "list", *map(of, items)
        case ast.Dict(keys, values):
            return "object", *((_key(key), of(value)) for key, value in zip(keys, values, strict=True))
        case ast.ListComp(element, generators):
            return _for(element, generators, text)
    raise Outside


def _key(key: ast.expr | None) -> str | None:
    if key is None:
        return None
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        return key.value
    raise Outside


def _for(element: ast.expr, generators: list[ast.comprehension], text: str) -> Shape:
    match generators:
        case [ast.comprehension(ast.Name(variable), items, [*conditions], 0)] if variable not in VALUES:
            if len(conditions) > 1:
                raise Outside
            condition = _shape(conditions[0], text) if conditions else None
            return "for", _shape(element, text), variable, _shape(items, text), condition
    raise Outside
