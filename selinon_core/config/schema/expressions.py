"""From scalars to expressions: the text is parsed, and what is wrong in it is reported at its characters.

Only files that have expressions need this module and the language behind it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from selinon_core.config.model import AndDef, ConditionDef, ExpressionDef, NotDef, OrDef, TestDef
from selinon_core.config.read_context import ReadContext, Via
from selinon_core.config.yaml.nodes import GivenScalar, Node
from selinon_core.config.yaml.scalar_places import ScalarPlaces
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.diagnostic import Fix
from selinon_core.diagnostics.location import AliasedLocation, Edit, SourceLocation, Span
from selinon_core.expressions.parser import Parsed, parse
from selinon_core.expressions.tree import Junction, Literal, Negation, Tree

#: What an unquoted scalar does not begin with, and what it does not have inside of brackets.
_NO_BEGIN = re.compile(r"[-?:,\[\]{}#&*!|>'\"%@`\s]")
_NOT_INSIDE = re.compile(r"[,\[\]{}\n]|:(?:\s|$)|(?:^|\s)#")


#: Texts whose trees are kept: many expressions of a project are alike, such as ``args.number``.
_KEPT = 1000


@lru_cache(_KEPT)
def _parsed(text: str) -> Parsed:
    return parse(text)


class ScalarPart(SourceLocation):
    """Some characters of a scalar's value; where they stand is worked out on demand."""

    __slots__ = ("_end", "_node", "_places", "_start", "_whole")

    def __init__(self, places: ScalarPlaces, node: Node, whole: SourceLocation, start: int, end: int) -> None:
        self._places = places
        self._node = node
        self._whole = whole
        self._start = start
        self._end = end

    @property
    def span(self) -> Span:
        return self._places.span(self._start, self._end)

    @property
    def is_shared(self) -> bool:
        return self._whole.is_shared

    def respelled(self, old: str, new: str) -> tuple[Edit, ...]:
        return self.rewritten(new) if self._node.value[self._start : self._end] == old else ()

    def rewritten(self, written: str) -> tuple[Edit, ...]:
        """Edits that put other characters in their place, in the quotes of the scalar.

        There are none where they would need other quotes.
        """
        style = getattr(self._node, "style", "")
        if "\n" in written or type(self._node) is GivenScalar:
            return ()
        if style == "'":
            written = written.replace("'", "''")
        elif style == '"':
            written = json.dumps(written, ensure_ascii=False)[1:-1]
        elif not style:
            begins = self._start == 0 and (not written or _NO_BEGIN.match(written) is not None)
            if begins or _NOT_INSIDE.search(written):
                return ()
        return (Edit(self.span, written),)


def parts_of(reading: ReadContext, node: Node, via: Via) -> Callable[[int, int], SourceLocation]:
    """The places of the characters of a scalar."""
    places = ScalarPlaces(reading.file, reading.document.text, node)
    whole = reading.location(node, ())
    uses = tuple(reading.location(use, ()) for use in via)

    def at(start: int, end: int) -> SourceLocation:
        part = ScalarPart(places, node, whole, start, end)
        return AliasedLocation(part, uses) if uses else part

    return at


def read_expression(reading: ReadContext, node: Node, via: Via, label: str) -> ExpressionDef | None:
    """The expression that a scalar is; None after its faults have been reported."""
    text: str = reading.scalar(node)
    reading.has_expressions = True
    at = parts_of(reading, node, via)
    if text.startswith("${") and text.endswith("}") and not _parsed(text[2:-1]).faults:
        inner = text[2:-1].strip()
        reading.collector.add(
            kinds.DELIMITERS,
            at(0, len(text)),
            f"{label} is always an expression: it is written without ${{ }}",
            note="only templates (args, output) have ${ }",
            help=f"write {inner}",
            fixes=_unwrapped(at(0, len(text)), inner),
        )
        return None
    is_cut = _is_cut(reading, node, text)
    help = 'a comment begins with " #": put the whole expression in quotes' if is_cut else ""
    return parsed(reading, text, reading.location(node, via), at, help)


def _unwrapped(place: SourceLocation, inner: str) -> tuple[Fix, ...]:
    edits = place.rewritten(inner)
    return (Fix("remove ${ }", True, edits),) if edits else ()


def parsed(
    reading: ReadContext,
    text: str,
    location: SourceLocation,
    at: Callable[[int, int], SourceLocation],
    help: str = "",
) -> ExpressionDef | None:
    """An expression; None after its faults have been reported.

    ``at`` leads to the characters of ``text``. ``help`` takes the place of that of its faults.
    """
    found = _parsed(text)
    if not found.faults:
        return ExpressionDef(text, found.tree, location, at)
    for fault in found.faults:
        place = at(fault.start, fault.end)
        edits = () if help or fault.replacement is None else place.rewritten(fault.replacement)
        fixes = (Fix(f"write {fault.replacement.strip()}", True, edits),) if edits and fault.replacement else ()
        reading.collector.add(kinds.EXPRESSION, place, fault.message, help=help or fault.help, fixes=fixes)
    return None


def _is_cut(reading: ReadContext, node: Node, text: str) -> bool:
    """Whether an expression goes on in what YAML takes for a comment."""
    file, begin = reading.document.text, node.end_mark.index
    end = file.find("\n", begin)
    rest = file[begin:] if end < 0 else file[begin:end]  # not the rest of the file: there may be many expressions
    is_comment = rest.lstrip(" \t").startswith("#")
    return is_comment and bool(_parsed(text).faults) and not _parsed(text + rest.rstrip()).faults


def read_test(reading: ReadContext, node: Node, via: Via, label: str) -> ConditionDef | None:
    """The condition that a text or a boolean is; None after its faults have been reported.

    ``and``, ``or`` and ``not`` at the top become a tree of conditions.
    """
    value: Any = reading.scalar(node)
    reading.has_expressions = True
    if isinstance(value, bool):
        location = reading.location(node, via)
        text = "true" if value else "false"
        constant = Literal(value, 0, len(text))
        return _condition(ExpressionDef(text, constant, location, lambda start, end: location), constant)
    expression = read_expression(reading, node, via, label)
    return None if expression is None else _condition(expression, expression.tree)


def _condition(expression: ExpressionDef, tree: Tree) -> ConditionDef:
    location = expression.at(tree.start, tree.end)
    if isinstance(tree, Negation):
        negation = NotDef(location)
        negation.operand = _condition(expression, tree.operand)
        return negation
    if isinstance(tree, Junction):
        both: AndDef | OrDef = AndDef(location) if tree.operator == "and" else OrDef(location)
        both.operands = tuple(_condition(expression, operand) for operand in tree.operands)
        return both
    test = TestDef(location)
    test.expression = expression
    test.tree = tree
    return test
