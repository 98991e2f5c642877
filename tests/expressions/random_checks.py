"""Random expressions over a few names, the schemas of these names, and values for them. All comes from a seed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from selinon_core.expressions.checking.known_names import Entry, Known
from selinon_core.expressions.schema_types import type_of_schema
from selinon_core.expressions.types import (
    BOOLEAN,
    KINDS,
    LIST,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    ListType,
    ObjectType,
    Type,
)
from selinon_core.expressions.values import MissingValue
from tests.expressions.random_schemas import KEYS

NAMES = ("X", "Y", "Z")
_LITERALS = ("null", "true", "false", "0", "1", "-1", "2.5", '""', '"a"', '"b"', "[]", "{}", "0.5", "[1, 2]")
_STEPS = (*(f".{key}" for key in KEYS), *(f".{key}" for key in KEYS), "[0]", "[1]", '["a"]', "[-1]")


class RandomTexts:
    """Makes expressions of a wanted kind. One part in ten is of another kind; paths are those of the schemas."""

    def __init__(self, random: Random, given: dict[str, Any]) -> None:
        self.random = random
        self.pick = random.choice
        self.paths: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self.variables: tuple[str, ...] = ()
        for name, schema in given.items():
            self._add(name, type_of_schema(schema), 3)

    def _add(self, path: str, type_: Type, depth: int) -> None:
        """Take down which values can be read from a path."""
        for member in type_.members:
            self.paths[member.kind].append(path)
            if isinstance(member, ObjectType) and depth:
                for key, value in member.properties.items():
                    self._add(f"{path}.{key}", value, depth - 1)
            elif isinstance(member, ListType) and depth:
                self._add(f"{path}[0]", member.any_item(), depth - 1)

    def path(self, kind: str = "") -> str:
        """A name with keys and positions behind it."""
        if self.paths.get(kind) and self.random.random() < 0.85:
            return self.pick(self.paths[kind])
        roots = self.variables if self.variables and self.random.random() < 0.6 else NAMES
        return self.pick(roots) + "".join(self.pick(_STEPS) for _ in range(self.pick((0, 1, 1, 1, 2))))

    def any_path(self) -> str:
        """A path to a value of any kind."""
        return self.path(self.pick(KINDS))

    def test(self, depth: int = 1) -> str:
        """What a condition asks, which narrows types."""
        path, kind = self.any_path(), self.pick((NUMBER, TEXT))
        forms = (
            lambda: f"has({path})",
            lambda: f"not has({path})",
            lambda: f"{path} {self.pick(('==', '!='))} {self.pick(_LITERALS)}",
            lambda: f"{path} {self.pick(('==', '!='))} {self.any_path()}",
            lambda: f"{self.operand(depth, kind)} {self.pick(('<', '<=', '>', '>='))} {self.operand(depth, kind)}",
            lambda: f"{path} {self.pick(('in', 'not in'))} {self.operand(depth, LIST)}",
            lambda: f"{self.operand(depth, TEXT)} {self.pick(('in', 'not in'))} {self.operand(depth, OBJECT)}",
            lambda: f"default({self.path(BOOLEAN)}, {self.pick(('true', 'false'))})",
            lambda: f"default({path}, {self.pick(_LITERALS)}) == {self.pick(_LITERALS)}",
            lambda: self.path(BOOLEAN),
        )
        return self.pick(forms)()

    def operand(self, depth: int, kind: str) -> str:
        """A part between operators."""
        text = self.text(depth, kind)
        return text if text.isalnum() else f"({text})"

    def loop(self, depth: int, kind: str) -> str:
        """A ``for`` without brackets."""
        items = self.path(LIST)
        outer, variable = self.variables, f"v{depth}"
        self.variables = (*outer, variable)
        element = self.text(depth - 1, kind)
        condition = f" if {self.test(depth - 1)}" if self.random.random() < 0.5 else ""
        self.variables = outer
        return f"{element} for {variable} in {items}{condition}"

    def text(self, depth: int = 3, kind: str = "") -> str:
        """An expression."""
        if not kind or self.random.random() < 0.1:
            kind = self.pick(KINDS)
        pick = self.random.random()
        if depth <= 0 or pick < 0.25:
            literal = self.pick(_BY_KIND[kind])
            return self.path(kind) if self.random.random() < 0.75 else literal
        below = depth - 1
        if pick < 0.35:
            return f"{self.operand(below, kind)} if {self.test(below)} else {self.operand(below, kind)}"
        if pick < 0.45:
            return f"default({self.path(kind)}, {self.text(below, kind)})"
        return str(self.pick(self._forms(below, kind))())

    def _forms(self, depth: int, kind: str) -> tuple[Callable[[], str], ...]:
        def call(names: str, *kinds: str) -> Callable[[], str]:
            return lambda: f"{self.pick(names.split())}({', '.join(self.text(depth, one) for one in kinds)})"

        def binary(operators: str, one: str) -> Callable[[], str]:
            left, right = self.operand(depth, one), self.operand(depth, one)
            return lambda: f"{left} {self.pick(operators.split())} {right}"

        def loop(names: str, one: str) -> Callable[[], str]:
            return lambda: f"{self.pick(names.split())}({self.loop(depth + 1, one)})"

        def part() -> str:
            which = (f"({self.operand(depth, LIST)})[0]", f"{{**{self.operand(depth, OBJECT)}}}.{self.pick(KEYS)}")
            return self.pick(which)

        if kind == NUMBER:
            return (
                binary("+ - * / // %", NUMBER),
                lambda: f"-{self.operand(depth, NUMBER)}",
                call("len", self.pick((LIST, TEXT, OBJECT))),
                call("abs round floor int float", NUMBER),
                call("min max round", NUMBER, NUMBER),
                loop("sum min max", NUMBER),
                loop("count", BOOLEAN),
                part,
            )
        if kind == TEXT:
            return (
                binary("+", TEXT),
                call("lower upper strip", TEXT),
                call("text", self.pick((NUMBER, TEXT, BOOLEAN))),
                call("join", LIST, TEXT),
                call("replace", TEXT, TEXT, TEXT),
                loop("min max", TEXT),
                part,
            )
        if kind == BOOLEAN:
            return (
                lambda: f"{self.test(depth)} {self.pick(('and', 'or'))} ({self.test(depth)})",
                lambda: f"{self.test(depth)} {self.pick(('and', 'or'))} {self.operand(depth, BOOLEAN)}",
                lambda: f"not ({self.test(depth)})",
                lambda: self.test(depth),
                call("startswith endswith", TEXT, TEXT),
                loop("any all", BOOLEAN),
            )
        if kind == LIST:
            return (
                lambda: f"[{self.loop(depth + 1, self.pick(KINDS))}]",
                lambda: f"[{self.text(depth)}, {self.text(depth)}]",
                call("keys values items", OBJECT),
                call("split", TEXT),
                call("sorted unique flatten", LIST),
            )
        return (
            lambda: f'{{"a": {self.text(depth)}, **{self.operand(depth, OBJECT)}}}',
            lambda: f'{{**{self.operand(depth, OBJECT)}, "b": {self.text(depth)}}}',
            part,
        )


_BY_KIND = {
    NULL: ("null",),
    BOOLEAN: ("true", "false"),
    NUMBER: ("0", "1", "2.5", "-1"),
    TEXT: ('""', '"a"', '"b"'),
    LIST: ("[]", "[1, 2]", '["a"]'),
    OBJECT: ("{}", '{"a": 1}'),
}


class KnownSchemas:
    """Names whose types come from schemas; those of ``missing`` may have no value."""

    def __init__(self, given: dict[str, Any], missing: frozenset[str] = frozenset()) -> None:
        self._known = {
            name: Known(
                type_of_schema(schema),
                missing=f"{name} may be missing" if name in missing else "",
                is_there=name not in missing,
            )
            for name, schema in given.items()
        }

    def find(self, name: str) -> Entry | None:
        return self._known.get(name)

    def names(self) -> list[str]:
        return list(self._known)


class Values:
    """The values of names."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def value(self, kind: str, name: str) -> Any:
        if name not in self._values:
            raise MissingValue(f"{name} is missing")
        return self._values[name]
