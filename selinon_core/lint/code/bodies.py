"""What the body of a function does, as far as its text shows: what it returns, whom it asks for results.

Like ``parsed``, this file is imported only when there is a module to read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from selinon_core.diagnostics.location import Span
from selinon_core.lint.code.parsed import FunctionNode, dotted, is_decorated, members
from selinon_core.lint.code.symbols import ResultRead, Returns


def returns(function: FunctionNode, *, bound: bool) -> Returns:
    """What a call gives; ``VALUE`` too when decorators may have changed that."""
    if is_decorated(function, bound=bound):
        return Returns.VALUE
    yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own_nodes(function))
    if isinstance(function, ast.AsyncFunctionDef):
        return Returns.ASYNC_GENERATOR if yields else Returns.COROUTINE
    return Returns.GENERATOR if yields else Returns.VALUE


def _own_nodes(function: FunctionNode) -> Iterator[ast.AST]:
    """The nodes of a body, without those of functions and classes inside it."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, FunctionNode | ast.Lambda | ast.ClassDef):
            todo.extend(ast.iter_child_nodes(node))


class Call(NamedTuple):
    """``on.method("text", ...)``. ``guarded``: it may be left out where it would fail. Places are 1-based."""

    on: str
    method: str
    text: str
    line: int
    column: int
    guarded: bool


#: What code asks about itself to find out which of its parents there are.
_ASKED = frozenset({"parent", "flow_name", "task_name"})
_CHOICES = ast.If | ast.IfExp | ast.While | ast.Match | ast.BoolOp


def calls_with_name(node: ast.AST, methods: frozenset[str]) -> Iterator[Call]:
    """Yield the calls of some methods whose first argument is text, in the order of the text."""
    todo = [(node, False)]
    while todo:
        current, guarded = todo.pop()
        if isinstance(current, ast.Try) or (isinstance(current, _CHOICES) and _asks(current)):
            guarded = True
        todo.extend((child, guarded) for child in reversed(list(ast.iter_child_nodes(current))))
        if (
            isinstance(current, ast.Call)
            and isinstance(current.func, ast.Attribute)
            and current.func.attr in methods
            and current.args
            and isinstance(first := current.args[0], ast.Constant)
            and isinstance(first.value, str)
            and (on := dotted(current.func.value)) is not None
        ):
            yield Call(on, current.func.attr, first.value, first.lineno, first.col_offset + 1, guarded)


def _asks(choice: _CHOICES) -> bool:
    """Return whether the condition of a choice is about the parents, or about where the task runs."""
    if isinstance(choice, ast.BoolOp):
        tests: list[ast.expr] = choice.values[:-1]
    else:
        tests = [choice.subject if isinstance(choice, ast.Match) else choice.test]
    nodes = (node for test in tests for node in ast.walk(test))
    return any(isinstance(node, ast.Attribute) and node.attr in _ASKED for node in nodes)


def words(node: ast.AST) -> Iterator[tuple[str, int, int, int]]:
    """Yield (word, line, column, length in the text) of attributes (``a.word``) and texts; 1-based places."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and part.end_col_offset is not None:
            length = len(part.attr)
            yield part.attr, part.end_lineno or part.lineno, part.end_col_offset - length + 1, length
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value, part.lineno, part.col_offset + 1, len(part.value) + 2


def results_read(definition: object, file: str) -> tuple[ResultRead, ...]:
    """The results that the code of a task class, or of a function that gets a storage pool first, asks for."""
    if isinstance(definition, ast.ClassDef):
        methods, on = frozenset({"parent_task_result", "parent_flow_result"}), "self"
    elif isinstance(definition, FunctionNode) and definition.args.args:
        methods, on = frozenset({"get"}), definition.args.args[0].arg
    else:
        return ()
    return tuple(
        ResultRead(
            call.text,
            of_flow=call.method == "parent_flow_result",
            guarded=call.guarded,
            span=Span(file, call.line, call.column, call.line, call.column + len(call.text) + 2),
        )
        for call in calls_with_name(definition, methods)
        if call.on == on
    )


def words_of(definition: object, method: str | None, file: str) -> tuple[tuple[str, Span], ...]:
    """The attributes and texts in the code of a function, or of a method that a class itself defines."""
    if method is not None:
        definition = members(definition).get(method) if isinstance(definition, ast.ClassDef) else None
    if not isinstance(definition, FunctionNode):
        return ()
    return tuple(
        (word, Span(file, line, column, line, column + length)) for word, line, column, length in words(definition)
    )
