"""What goes on behind an expression: operators, keys and indexes. ``start`` is where the left side begins."""

from __future__ import annotations

from selinon_core.expressions.faults import shown
from selinon_core.expressions.parsing.cursor import AND, IF, NOT, OR, SUM, TERM, UNARY, Cursor
from selinon_core.expressions.parsing.tokens import NAME, VALUES, WORDS
from selinon_core.expressions.tree import Arithmetic, Broken, Comparison, Field, IfElse, Index, Junction, Tree

#: The first tokens of comparisons.
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not"})


def read_if_else(cursor: Cursor, then: Tree, start: int) -> Tree:
    cursor.at += 1
    condition = cursor.expression(OR)
    if cursor.kind == "else":
        cursor.at += 1
        otherwise = cursor.expression(IF)
    else:
        otherwise = cursor.missing('"else"', "a choice is written: a if condition else b")
    return IfElse(then, condition, otherwise, start, cursor.last_end)


def read_junction(cursor: Cursor, left: Tree, start: int) -> Tree:
    word = cursor.kind
    power = NOT if word == "and" else AND
    operands = [left]
    while cursor.operator() == word:
        cursor.at += 1
        operands.append(cursor.expression(power))
    return Junction(word, tuple(operands), start, cursor.last_end)


def read_comparison(cursor: Cursor, first: Tree, start: int) -> Tree:
    rest: list[tuple[str, int, Tree]] = []
    while (operator := cursor.operator()) in COMPARISONS:
        begin = cursor.start
        cursor.at += 1
        if cursor.text[begin : cursor.last_end] == "is" and cursor.kind == "not":
            cursor.at += 1
        elif operator == "not":
            operator = "not in"
            if cursor.kind == "in":
                cursor.at += 1
            else:
                cursor.missing('"in"', 'operators are "and not" and "not in"')
        rest.append((operator, begin, cursor.expression(SUM)))
    return Comparison(first, tuple(rest), start, cursor.last_end)


def read_arithmetic(cursor: Cursor, left: Tree, start: int) -> Tree:
    operator, begin = cursor.kind, cursor.start
    if operator == "**":
        cursor.fault(begin, cursor.end, 'there is no operator "**"', "write x * x")
        operator = "*"
    cursor.at += 1
    right = cursor.expression(TERM if operator in "+-" else UNARY)
    return Arithmetic(operator, left, right, begin, start, cursor.last_end)


def read_field(cursor: Cursor, subject: Tree, start: int) -> Tree:
    at = cursor.at = cursor.at + 1
    begin, end = cursor.starts[at], cursor.ends[at]
    word = cursor.text[begin:end]
    if cursor.kinds[at] == NAME:
        cursor.at += 1
        return Field(subject, word, begin, start, end)
    dot = cursor.last_end
    if begin == dot and (word in WORDS or word in VALUES):
        cursor.at += 1
        help = f'write ["{word}"] for a key of this name'
        cursor.fault(dot - 1, end, f"{shown(word)} is a word of the language", help, f'["{word}"]')
        return Field(subject, word, begin, start, end)
    cursor.missing("a name", 'write the name of a key; a key that is not a name is written ["like this"]')
    return Field(subject, "", dot, start, dot)


def read_index(cursor: Cursor, subject: Tree, start: int) -> Tree:
    opened = cursor.at
    cursor.at += 1
    key = cursor.expression(IF) if cursor.kind != ":" else Broken(cursor.start, cursor.start)
    if cursor.kind in (":", ","):
        message = "there are no slices" if cursor.kind == ":" else "there is one index"
        help = "choose items by a condition: [one for one in items if condition]"
        cursor.fault(cursor.start, cursor.end, message, help)
        cursor.skip(commas=True)
    cursor.close(opened)
    return Index(subject, key, start, cursor.last_end)
