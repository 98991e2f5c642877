"""From the text of an expression to its tree. Any text gives a tree, and faults with their places; nothing is
raised.

The grammar, version 1. It is frozen: what this version accepts, every later one accepts with the same meaning. The
tokens are described in ``tokens``. ::

    expression = or ["if" or "else" expression]
    or         = and {"or" and}
    and        = not {"and" not}
    not        = "not" not | comparison
    comparison = sum {("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not" "in") sum}
    sum        = term {("+" | "-") term}
    term       = unary {("*" | "/" | "//" | "%") unary}
    unary      = "-" unary | postfix
    postfix    = atom {"." name | "[" expression "]"}
    atom       = number | text | "true" | "false" | "null" | name | "(" expression ")"
               | name "(" [expression {"," expression} | for] ")"
               | "[" [expression {"," expression} | for] "]"
               | "{" [entry {"," entry}] "}"
    entry      = text ":" expression | "**" sum
    for        = expression "for" name "in" or ["if" or]

A ``for`` without brackets is an argument of ``any``, ``all``, ``sum``, ``min``, ``max`` and ``count`` only, and
the only one. Operators of one line of the grammar group to the left, ``if ... else`` to the right; comparisons
in a row are a chain as in Python. This is a subset of Python's grammar with Python's precedence.

A text has at most 2,000 characters, and a tree at most 40 levels; parentheses are at most 40 deep as well. So
whatever walks through a tree may call itself.

The parser is a Pratt parser: ``_expression`` reads an operand, and then each operator that binds at least as
strongly as asked. Where something is missing it notes one fault and goes on; each token is passed once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from selinon_core.expressions.faults import Fault
from selinon_core.expressions.parsing import foreign, operands, operators
from selinon_core.expressions.parsing.cursor import (
    AND,
    COMPARE,
    IF,
    MAX_DEPTH,
    OR,
    POSTFIX,
    SUM,
    TAKE_FOR,
    TERM,
    Cursor,
)
from selinon_core.expressions.parsing.tokens import END, ITEM, NAME, NUMBER, TEXT, UNKNOWN, VALUE
from selinon_core.expressions.tree import Broken, Tree, children

__all__ = ["MAX_CHARACTERS", "MAX_DEPTH", "TAKE_FOR", "Fault", "Parsed", "parse"]

#: Characters that the text of an expression may have.
MAX_CHARACTERS = 2000


class Parsed(NamedTuple):
    """The tree of a text, and its faults in the order of their places.

    Without faults nothing in the tree is ``Broken``.
    """

    tree: Tree
    faults: tuple[Fault, ...]


def parse(text: str) -> Parsed:
    """Return the tree and the faults of an expression; offsets count from the beginning of ``text``."""
    if len(text) > MAX_CHARACTERS:
        message = f"the expression has {len(text):,} characters, and may have {MAX_CHARACTERS:,}"
        help = "let a task give the value, or give a part of it to a node as an argument"
        return Parsed(Broken(0, len(text)), (Fault(MAX_CHARACTERS, len(text), message, help),))
    cursor = Cursor(text, _expression)
    tree = _whole(cursor)
    # Each level of a tree has a token of its own, so few tokens make no deep tree.
    if len(cursor.kinds) > MAX_DEPTH and (deep := _one_too_deep(tree)) is not None:
        if not cursor.faults:
            cursor.too_deep(deep.start, deep.end)
        tree = Broken(0, len(text))
    return Parsed(tree, cursor.all_faults())


def _one_too_deep(tree: Tree) -> Tree | None:
    """A part that is one level deeper than allowed, if there is one."""
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in children(node)]
    return level[0] if level else None


def _whole(cursor: Cursor) -> Tree:
    if cursor.kind == END and not cursor.tokens.faults:
        cursor.fault(0, cursor.end, "the expression is empty", "write true for a condition that always holds")
    if cursor.kind == END:
        return Broken(0, cursor.end)
    tree = cursor.expression(IF)
    if cursor.kind != END:
        cursor.unexpected("the end")
    return tree


def _expression(cursor: Cursor, power: int) -> Tree:
    """The tree of the operand that is next, and of the operators behind it that bind as strongly as ``power``."""
    cursor.depth += 1
    # An expression in an expression is a level of the tree, or stands in parentheses.
    if cursor.depth > 2 * MAX_DEPTH:
        cursor.too_deep(cursor.start, cursor.end)
    kinds = cursor.kinds
    while (kind := kinds[cursor.at]) == UNKNOWN:
        cursor.at += 1
    read = _OPERANDS.get(kind)
    start = cursor.start if read is not None else cursor.last_end
    tree = cursor.missing_value() if read is None else read(cursor, power)
    while True:
        kind = kinds[cursor.at]
        operator = _OPERATORS.get(cursor.operator() if kind == NAME else kind)
        if operator is None or operator[0] < power:
            break
        tree = operator[1](cursor, tree, start)
    cursor.depth -= 1
    return tree


def _braces(cursor: Cursor, power: int) -> Tree:
    """An object, or an expression between the braces of another language: ``{{expression}}``."""
    is_foreign = cursor.kinds[cursor.at + 1] == "{"
    return foreign.read_template(cursor, power) if is_foreign else operands.read_object(cursor, power)


#: What reads an operand, by the kind of its first token.
_OPERANDS: dict[str, Callable[[Cursor, int], Tree]] = {
    NUMBER: operands.read_literal,
    TEXT: operands.read_literal,
    VALUE: operands.read_literal,
    NAME: operands.read_name,
    "(": operands.read_parentheses,
    "[": operands.read_list,
    "{": _braces,
    "not": operands.read_negation,
    "-": operands.read_negative,
    "+": foreign.read_positive,
    "${": foreign.read_template,
}
#: How strongly an operator binds to what stands before it, and what reads the rest.
_OPERATORS: dict[str, tuple[int, Callable[[Cursor, Tree, int], Tree]]] = {
    "if": (IF, operators.read_if_else),
    "?": (IF, foreign.read_question),
    "or": (OR, operators.read_junction),
    "??": (OR, foreign.read_otherwise),
    "and": (AND, operators.read_junction),
    **dict.fromkeys(operators.COMPARISONS, (COMPARE, operators.read_comparison)),
    **dict.fromkeys(("+", "-"), (SUM, operators.read_arithmetic)),
    **dict.fromkeys(("*", "/", "//", "%", "**"), (TERM, operators.read_arithmetic)),
    ".": (POSTFIX, operators.read_field),
    "[": (POSTFIX, operators.read_index),
    "(": (POSTFIX, foreign.read_call),
    ITEM: (POSTFIX, foreign.read_index_behind_dot),
    UNKNOWN: (SUM, foreign.read_beside_unknown),
}
