"""A second opinion on what expressions give: Python's own tree, walked naively, without limits of steps.

It shares nothing with the evaluator but the rules: it reads the text with ``ast``, and has every function again.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

FAMILIES = {"failed", "all", "last", "vars", "env", "flow"}
CONSTANTS = {"true": True, "false": False, "null": None}
BOUND = 2**63


class Wrong(Exception):
    """There is no value."""


class Missing(Wrong):
    """What a path names does not exist."""


def evaluate(text: str, values: Mapping[str, Any]) -> Any:
    """The value of an expression without faults."""
    return _Reference(values).of(ast.parse(text.strip(), mode="eval").body, {})


def kind(value: Any) -> str:
    if value is None:
        return "null"
    for types, name in ((bool, "bool"), ((int, float), "number"), (str, "text"), (list, "list"), (dict, "object")):
        if isinstance(value, types):
            return name
    raise AssertionError(value)


def same(left: Any, right: Any) -> bool:
    if kind(left) != kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict):
        return set(left) == set(right) and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


def want(value: Any, *kinds: str) -> Any:
    if kind(value) not in kinds or (kind(value) == "number" and not abs(value) < BOUND):
        raise Wrong
    return value


def truth(value: Any) -> bool:
    return bool(want(value, "bool"))


def bounded(number: Any) -> Any:
    if not abs(number) < BOUND:
        raise Wrong
    return number


def alike(values: list[Any]) -> list[Any]:
    """Values that have an order: numbers only or texts only."""
    kinds = {kind(value) for value in values}
    if len(kinds) > 1 or not kinds <= {"number", "text"}:
        raise Wrong
    for value in values:
        want(value, "number", "text")
    return values


class _Reference:
    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def of(self, node: ast.AST, variables: dict[str, Any]) -> Any:
        method = getattr(self, type(node).__name__)
        return method(node, variables)

    def Constant(self, node: ast.Constant, variables: dict[str, Any]) -> Any:
        return node.value

    def Name(self, node: ast.Name, variables: dict[str, Any]) -> Any:
        if node.id in variables:
            return variables[node.id]
        if node.id in CONSTANTS:
            return CONSTANTS[node.id]
        if node.id not in self.values:
            raise Missing
        return self.values[node.id]

    def Attribute(self, node: ast.Attribute, variables: dict[str, Any]) -> Any:
        return self.key(node.value, ast.Constant(node.attr), variables)

    def Subscript(self, node: ast.Subscript, variables: dict[str, Any]) -> Any:
        return self.key(node.value, node.slice, variables)

    def key(self, subject: ast.AST, key: ast.AST, variables: dict[str, Any]) -> Any:
        if isinstance(subject, ast.Name) and subject.id in FAMILIES and subject.id not in variables:
            whole = self.values.get(subject.id, {})
        elif isinstance(subject, ast.Name) and subject.id == "results" and subject.id not in variables:
            whole = self.values
        else:
            whole = self.of(subject, variables)
        found = self.of(key, variables)
        if kind(whole) == "null" and (kind(found) == "text" or isinstance(key, ast.expr)):
            raise Missing
        if kind(whole) == "object" and kind(found) == "text":
            if found not in whole:
                raise Missing
            return whole[found]
        if kind(whole) == "list" and kind(found) == "number" and float(found).is_integer():
            position = int(found) if found >= 0 else len(whole) + int(found)
            if not 0 <= position < len(whole):
                raise Missing
            return whole[position]
        raise Wrong

    def UnaryOp(self, node: ast.UnaryOp, variables: dict[str, Any]) -> Any:
        value = self.of(node.operand, variables)
        return not truth(value) if isinstance(node.op, ast.Not) else -want(value, "number")

    def BoolOp(self, node: ast.BoolOp, variables: dict[str, Any]) -> Any:
        for part in node.values:
            if truth(self.of(part, variables)) is isinstance(node.op, ast.Or):
                return isinstance(node.op, ast.Or)
        return isinstance(node.op, ast.And)

    def IfExp(self, node: ast.IfExp, variables: dict[str, Any]) -> Any:
        return self.of(node.body if truth(self.of(node.test, variables)) else node.orelse, variables)

    def BinOp(self, node: ast.BinOp, variables: dict[str, Any]) -> Any:
        left, right = self.of(node.left, variables), self.of(node.right, variables)
        if isinstance(node.op, ast.Add) and kind(left) == kind(right) == "text":
            return left + right
        want(left, "number")
        want(right, "number")
        if isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod) and right == 0:
            raise Wrong
        return bounded(_ARITHMETIC[type(node.op)](left, right))

    def Compare(self, node: ast.Compare, variables: dict[str, Any]) -> Any:
        left = self.of(node.left, variables)
        for operator, part in zip(node.ops, node.comparators, strict=True):
            right = self.of(part, variables)
            if not self.holds(operator, left, right):
                return False
            left = right
        return True

    def holds(self, operator: ast.AST, left: Any, right: Any) -> bool:
        if isinstance(operator, ast.Eq | ast.NotEq):
            return same(left, right) is isinstance(operator, ast.Eq)
        if isinstance(operator, ast.In | ast.NotIn):
            if kind(right) == "list":
                found = any(same(left, item) for item in right)
            elif kind(right) in ("text", "object") and kind(left) == "text":
                found = left in right
            else:
                raise Wrong
            return found is isinstance(operator, ast.In)
        if kind(left) != kind(right) or kind(left) not in ("number", "text"):
            raise Wrong
        if isinstance(operator, ast.Gt | ast.GtE):
            left, right = right, left
        return bool(left < right or (left == right and isinstance(operator, ast.LtE | ast.GtE)))

    def List(self, node: ast.List, variables: dict[str, Any]) -> Any:
        return [self.of(part, variables) for part in node.elts]

    def Dict(self, node: ast.Dict, variables: dict[str, Any]) -> Any:
        made: dict[str, Any] = {}
        for key, part in zip(node.keys, node.values, strict=True):
            value = self.of(part, variables)
            if key is None:
                made = {**made, **want(value, "object")}
            else:
                made[self.of(key, variables)] = value
        return made

    def ListComp(self, node: ast.ListComp | ast.GeneratorExp, variables: dict[str, Any]) -> Any:
        return list(self.each(node, variables))

    def each(self, node: ast.ListComp | ast.GeneratorExp, variables: dict[str, Any]) -> Any:
        [one] = node.generators
        assert isinstance(one.target, ast.Name)
        for item in want(self.of(one.iter, variables), "list"):
            inside = {**variables, one.target.id: item}
            if all(truth(self.of(condition, inside)) for condition in one.ifs):
                yield self.of(node.elt, inside)

    GeneratorExp = ListComp

    def Call(self, node: ast.Call, variables: dict[str, Any]) -> Any:
        assert isinstance(node.func, ast.Name)
        name, parts = node.func.id, node.args
        if name in ("has", "default"):
            return self.ask(name, parts, variables)
        if name in ("any", "all") and isinstance(parts[0], ast.ListComp | ast.GeneratorExp):
            for value in self.each(parts[0], variables):
                if truth(value) is (name == "any"):
                    return name == "any"
            return name == "all"
        kinds = KINDS[name]
        values = []
        for position, part in enumerate(parts):
            value = self.of(part, variables)
            expected = kinds[min(position, len(kinds) - 1)]
            values.append(want(value, *expected.split()) if expected else value)
        return getattr(self, f"call_{name}")(*values)

    def ask(self, name: str, parts: list[ast.expr], variables: dict[str, Any]) -> Any:
        try:
            value = self.path(parts[0], variables)
        except Missing:
            return False if name == "has" else self.of(parts[1], variables)
        if name == "has":
            return True
        return self.of(parts[1], variables) if value is None else value

    def path(self, node: ast.expr, variables: dict[str, Any]) -> Any:
        """The value of a path; what is missing beside it is wrong."""
        if isinstance(node, ast.Name):
            return self.of(node, variables)
        if not isinstance(node, ast.Attribute | ast.Subscript):
            return self.strictly(node, variables)
        is_family = isinstance(node.value, ast.Name) and node.value.id in FAMILIES | {"results"} - set(variables)
        key = ast.Constant(node.attr) if isinstance(node, ast.Attribute) else node.slice
        if is_family:
            return self.key(node.value, key, variables)
        whole = self.path(node.value, variables)
        inside = {**variables, " whole": whole, " key": self.strictly(key, variables)}
        return self.key(ast.Name(" whole"), ast.Name(" key"), inside)

    def strictly(self, node: ast.AST, variables: dict[str, Any]) -> Any:
        try:
            return self.of(node, variables)
        except Missing:
            raise Wrong from None

    # --- functions -------------------------------------------------------------------------------------------

    def call_len(self, value: Any) -> Any:
        return len(value)

    def call_any(self, values: Any) -> Any:
        return True in [truth(value) for value in values]

    def call_all(self, values: Any) -> Any:
        return False not in [truth(value) for value in values]

    def call_count(self, values: Any) -> Any:
        return sum(1 for value in [truth(value) for value in values] if value)

    def call_sum(self, values: Any) -> Any:
        total: Any = 0
        for value in values:
            total = total + want(value, "number")
        return bounded(total)

    def extreme(self, values: tuple[Any, ...], last: bool) -> Any:
        several = want(values[0], "list") if len(values) == 1 else list(values)
        if not several:
            raise Wrong
        best = alike(several)[0]
        for value in several:
            if (value > best) if last else (value < best):
                best = value
        return best

    def call_min(self, *values: Any) -> Any:
        return self.extreme(values, last=False)

    def call_max(self, *values: Any) -> Any:
        return self.extreme(values, last=True)

    def call_abs(self, value: Any) -> Any:
        return -value if value < 0 else abs(value)

    def call_round(self, value: Any, *digits: Any) -> Any:
        if digits and not (float(digits[0]).is_integer() and -15 <= digits[0] <= 15):
            raise Wrong
        return bounded(round(value, *map(int, digits)))

    def call_floor(self, value: Any) -> Any:
        return bounded(value // 1 if isinstance(value, int) else int(value // 1))

    def call_int(self, value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(r"[-+]?[0-9]{1,400}", value):
            raise Wrong
        return bounded(int(value))

    def call_float(self, value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(r"[-+]?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?", value):
            raise Wrong
        return bounded(float(value))

    def call_text(self, value: Any) -> Any:
        return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)

    def call_lower(self, text: Any) -> Any:
        return "".join(text.lower())

    def call_upper(self, text: Any) -> Any:
        return "".join(character.upper() for character in text)

    def call_strip(self, text: Any) -> Any:
        while text[:1].isspace():
            text = text[1:]
        while text[-1:].isspace():
            text = text[:-1]
        return text

    def call_split(self, text: Any, separator: Any = None) -> Any:
        if separator == "":
            raise Wrong
        return text.split() if separator is None else text.split(separator)

    def call_join(self, texts: Any, separator: Any) -> Any:
        joined = ""
        for position, text in enumerate(texts):
            joined += (separator if position else "") + want(text, "text")
        return joined

    def call_replace(self, text: Any, old: Any, new: Any) -> Any:
        if not old:
            raise Wrong
        return new.join(text.split(old))

    def call_startswith(self, text: Any, beginning: Any) -> Any:
        return text[: len(beginning)] == beginning

    def call_endswith(self, text: Any, ending: Any) -> Any:
        return not ending or text[-len(ending) :] == ending

    def call_keys(self, value: Any) -> Any:
        return [*value]

    def call_values(self, value: Any) -> Any:
        return [value[key] for key in value]

    def call_items(self, value: Any) -> Any:
        return [{"key": key, "value": value[key]} for key in value]

    def call_flatten(self, lists: Any) -> Any:
        return [item for items in lists for item in want(items, "list")]

    def call_sorted(self, values: Any) -> Any:
        left, made = list(alike(values)), []
        while left:
            least = self.extreme((left,), last=False)
            position = next(at for at, value in enumerate(left) if value == least)
            made.append(left.pop(position))
        return made

    def call_unique(self, values: Any) -> Any:
        made: list[Any] = []
        for value in values:
            _within(value)
            if not any(same(value, one) for one in made):
                made.append(value)
        return made


def _within(value: Any) -> None:
    """Numbers have to be within the bound, wherever they are."""
    if isinstance(value, list | dict):
        for part in value if isinstance(value, list) else value.values():
            _within(part)
    else:
        want(value, kind(value))


_ARITHMETIC: dict[type, Any] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Mod: lambda left, right: left % right,
}
#: The types of the parameters; "" takes any.
KINDS = {
    "len": ("text list object",),
    "any": ("list",),
    "all": ("list",),
    "count": ("list",),
    "sum": ("list",),
    "min": ("",),
    "max": ("",),
    "abs": ("number",),
    "round": ("number", "number"),
    "floor": ("number",),
    "int": ("number text",),
    "float": ("number text",),
    "text": ("text number bool",),
    "lower": ("text",),
    "upper": ("text",),
    "strip": ("text",),
    "split": ("text", "text"),
    "join": ("list", "text"),
    "replace": ("text", "text", "text"),
    "startswith": ("text", "text"),
    "endswith": ("text", "text"),
    "keys": ("object",),
    "values": ("object",),
    "items": ("object",),
    "flatten": ("list",),
    "sorted": ("list",),
    "unique": ("list",),
}
