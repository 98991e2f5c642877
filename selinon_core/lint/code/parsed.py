"""A module read from its text: definitions, imports and classes, from its syntax tree. Nothing is executed.

This file is imported only when there is a module to read: ``ast`` is slow to import.
"""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Iterator

from selinon_core.diagnostics.location import Span
from selinon_core.lint.code.symbols import Signature

#: Texts larger than this are not looked at.
LARGEST = 4_000_000
#: Signs that a module makes names in ways that cannot be seen.
_DYNAMIC = ("globals(", "exec(", "sys.modules", "setattr(", "vars(", "locals(", "__path__")
_NESTED = ("body", "orelse", "finalbody", "handlers", "cases")

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Import:
    """A name that stands for a module (``name`` None) or for a name in it; the module is absolute."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str | None) -> None:
        self.module = module
        self.name = name


class Literal:
    """A value that is written out and certainly cannot be called: a list, a text, a number."""

    __slots__ = ("span",)

    def __init__(self, span: Span) -> None:
        self.span = span


_LITERALS = (
    ast.Constant,
    ast.Dict,
    ast.DictComp,
    ast.JoinedStr,
    ast.List,
    ast.ListComp,
    ast.Set,
    ast.SetComp,
    ast.Tuple,
)

#: What a name was bound to; None for anything that cannot be looked into.
Binding = ast.ClassDef | FunctionNode | Import | Literal | str | None


class ParsedModule:
    """The names of a module. ``stars`` are the modules of ``from m import *``; ``dynamic``: there may be
    names that the text does not show. ``public`` is ``__all__``, None without one.
    """

    def __init__(self, name: str, path: str, shown_path: str) -> None:
        """Read and parse; raises ``SyntaxError``, ``OSError`` or ``ValueError``."""
        self.name = name
        self.path = path
        self.shown_path = shown_path
        if not os.path.isfile(path):
            raise ValueError("no regular file")
        with open(path, "rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise ValueError("too large")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, path)
        self.bindings: dict[str, Binding] = {}
        self.stars: list[str] = []
        self.public: frozenset[str] | None = None
        self.dynamic = any(sign.encode() in text for sign in _DYNAMIC)
        self._collect(tree.body, conditional=False)
        self.dynamic = self.dynamic or "__getattr__" in self.bindings

    def imports(self) -> list[str]:
        """The modules that are imported; what is imported from a package may be one."""
        imported = [binding for binding in self.bindings.values() if isinstance(binding, Import)]
        inner = [f"{binding.module}.{binding.name}" for binding in imported if binding.name is not None]
        return [*(binding.module for binding in imported), *inner, *self.stars]

    def imported_as(self, path: str) -> tuple[str, str] | None:
        """The module and the name in it that a dotted path leads to through an import; None without one."""
        first, _, rest = path.partition(".")
        binding = self.bindings.get(first)
        if not isinstance(binding, Import):
            return None
        module = binding.module
        if binding.name is not None:
            return None if rest else (module, binding.name)
        while "." in rest:
            inner, _, rest = rest.partition(".")
            module = f"{module}.{inner}"
        return module, rest

    def span(self, node: ast.ClassDef | FunctionNode) -> Span:
        """Where the name of a definition stands."""
        keyword = "class " if isinstance(node, ast.ClassDef) else "def "
        if isinstance(node, ast.AsyncFunctionDef):
            keyword = "async def "
        column = node.col_offset + len(keyword) + 1
        return Span(self.shown_path, node.lineno, column, node.lineno, column + len(node.name))

    def _collect(self, body: list[ast.stmt], conditional: bool) -> None:
        for statement in body:
            for name, binding in self._bound(statement):
                if conditional and name in self.bindings:
                    binding = None  # which of them it is depends on the run
                self.bindings[name] = binding
            for inner in _nested(statement):
                self._collect(inner, conditional=True)

    def _bound(self, statement: ast.stmt) -> Iterator[tuple[str, Binding]]:
        if isinstance(statement, ast.ClassDef | FunctionNode):
            yield statement.name, statement
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.asname:
                    yield alias.asname, Import(alias.name, None)
                else:
                    top = alias.name.partition(".")[0]
                    yield top, Import(top, None)
        elif isinstance(statement, ast.ImportFrom):
            module = self._absolute(statement)
            for alias in statement.names:
                if alias.name == "*":
                    self.stars.append(module)
                else:
                    yield alias.asname or alias.name, Import(module, alias.name)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from self._assigned(target, statement.value)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            yield from self._assigned(statement.target, statement.value)
        else:
            # Loops, with, augmented assignment, del, match, := ... bind names to unknown values.
            for node in _shallow_walk(statement):
                if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                    yield node.id, None
                    if node.id == "__all__":
                        self.public = None
                        self.dynamic = True

    def _assigned(self, target: ast.expr, value: ast.expr) -> Iterator[tuple[str, Binding]]:
        if isinstance(target, ast.Name):
            if target.id == "__all__":
                self.public = _names_in(value)
                self.dynamic = self.dynamic or self.public is None
            yield target.id, self._value(target, value)
        else:
            for node in ast.walk(target):
                if isinstance(node, ast.Name):
                    yield node.id, None

    def _value(self, target: ast.Name, value: ast.expr) -> Literal | str | None:
        if isinstance(value, ast.Name | ast.Attribute):
            return dotted(value)
        # None may be there until something else is put in its place.
        if not isinstance(value, _LITERALS) or (isinstance(value, ast.Constant) and value.value is None):
            return None
        line, column = target.lineno, target.col_offset + 1
        return Literal(Span(self.shown_path, line, column, line, column + len(target.id)))

    def _absolute(self, statement: ast.ImportFrom) -> str:
        if not statement.level:
            return statement.module or ""
        package = self.name.split(".")
        drop = statement.level - (1 if self.path.endswith("__init__.py") else 0)
        base = package[: len(package) - drop] if drop else package
        return ".".join([*base, *([statement.module] if statement.module else [])])


def dotted(expression: ast.expr) -> str | None:
    """``a.b.c`` as text, ``a.b[...]`` as ``a.b``; None for anything else."""
    parts: list[str] = []
    while isinstance(expression, ast.Attribute | ast.Subscript):
        if isinstance(expression, ast.Attribute):
            parts.append(expression.attr)
        expression = expression.value
    if not isinstance(expression, ast.Name):
        return None
    return ".".join([expression.id, *reversed(parts)])


def is_decorated(function: FunctionNode, *, bound: bool) -> bool:
    """Return whether decorators may have put something else in a function's place; ``bound``: it is a method."""
    plain = ("staticmethod", "classmethod") if bound else ()
    return any(dotted(decorator) not in plain for decorator in function.decorator_list)


def signature(function: FunctionNode, *, bound: bool) -> Signature | None:
    """How a function is called; None when decorators may have changed that. ``bound`` leaves out ``self``."""
    if is_decorated(function, bound=bound):
        return None
    if any(dotted(decorator) == "staticmethod" for decorator in function.decorator_list):
        bound = False
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    optional = {argument.arg for argument in positional[len(positional) - len(arguments.defaults) :]}
    if not arguments.defaults:
        optional = set()
    by_name = {argument.arg for argument in (*arguments.args, *arguments.kwonlyargs)}
    optional |= {a.arg for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None}
    names = [argument.arg for argument in positional]
    if bound:
        if not names and arguments.vararg is None:
            return Signature((), frozenset(), frozenset({"self"}))  # cannot even be called on an object
        by_name.discard(names[0] if names else "")
        names = names[1:]
    required = (set(names) | {argument.arg for argument in arguments.kwonlyargs}) - optional
    return Signature(
        tuple(names),
        frozenset(by_name),
        frozenset(required),
        arguments.vararg is not None,
        arguments.kwarg is not None,
        _types(arguments),
    )


def _types(arguments: ast.arguments) -> dict[str, str]:
    """The annotations of the parameters as text."""
    positional = [*arguments.posonlyargs, *arguments.args]
    without = [None] * (len(positional) - len(arguments.defaults))
    defaults = [*without, *arguments.defaults, *arguments.kw_defaults]
    found = {}
    for argument, default in zip([*positional, *arguments.kwonlyargs], defaults, strict=True):
        annotation = argument.annotation
        if annotation is not None:
            text = ast.unparse(annotation)
            if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
                text = annotation.value
            none = isinstance(default, ast.Constant) and default.value is None
            found[argument.arg] = f"{text} | None" if none else text
    return found


def members(definition: ast.ClassDef) -> dict[str, FunctionNode | None]:
    """The attributes a class body defines; None for those that are not plain functions."""
    found: dict[str, FunctionNode | None] = {}

    def collect(body: list[ast.stmt], conditional: bool) -> None:
        for statement in body:
            if isinstance(statement, FunctionNode):
                found[statement.name] = None if conditional and statement.name in found else statement
            elif isinstance(statement, ast.ClassDef):
                found[statement.name] = None
            else:
                for node in _shallow_walk(statement):
                    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                        found[node.id] = None
                    elif isinstance(node, ast.alias):
                        found[(node.asname or node.name).partition(".")[0]] = None
                for inner in _nested(statement):
                    collect(inner, True)

    collect(definition.body, False)
    return found


def _nested(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    if isinstance(statement, ast.ClassDef | FunctionNode):
        return
    for field in _NESTED:
        for item in getattr(statement, field, None) or ():
            if isinstance(item, ast.stmt):
                yield [item]
            else:  # a handler of try, a case of match
                yield item.body


def _shallow_walk(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a statement without those of the statements in it."""
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(
            child
            for child in ast.iter_child_nodes(node)
            if not isinstance(child, ast.stmt | ast.Lambda | ast.ExceptHandler | ast.match_case)
        )


def _names_in(value: ast.expr) -> frozenset[str] | None:
    if not isinstance(value, ast.List | ast.Tuple):
        return None
    names = [item.value for item in value.elts if isinstance(item, ast.Constant)]
    if len(names) != len(value.elts):
        return None
    return frozenset(name for name in names if isinstance(name, str))
