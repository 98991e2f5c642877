"""What other languages have and this one has not: each is read as what is meant, with a fault that says so."""

from __future__ import annotations

from selinon_core.expressions.faults import METHODS_MEANT, shown, written
from selinon_core.expressions.parsing.cursor import AND, CLOSERS, IF, SUM, UNARY, Cursor
from selinon_core.expressions.parsing.operands import read_items
from selinon_core.expressions.tree import Broken, Call, Field, IfElse, Index, Literal, Tree


def read_positive(cursor: Cursor, power: int) -> Tree:
    cursor.fault(cursor.start, cursor.end, '"+" stands between two values', "take it away", "")
    cursor.at += 1
    return cursor.expression(UNARY)


def read_template(cursor: Cursor, power: int) -> Tree:
    """``${expression}``, and ``{{expression}}``."""
    opened, start = cursor.at, cursor.start
    braces = 2 if cursor.kind == "{" else 1
    begin = cursor.ends[opened + braces - 1]
    cursor.at += braces
    tree = cursor.expression(IF)
    end = cursor.last_end
    for _ in range(braces):
        cursor.close(opened)
    inside = cursor.text[begin:end].strip()
    message = f"an expression is written without {cursor.text[start:begin]} and {'}' * braces}"
    cursor.fault(start, cursor.last_end, message, "take them away", inside)
    return tree


def read_question(cursor: Cursor, condition: Tree, start: int) -> Tree:
    """``condition ? then : otherwise`` of other languages."""
    parts = [_closed(cursor, condition, start)]
    found: list[Tree] = []
    for sign in ("?", ":"):
        if cursor.kind != sign:
            found.append(cursor.missing(f'"{sign}"', "a choice is written: a if condition else b"))
            continue
        cursor.at += 1
        begin = cursor.start
        found.append(cursor.expression(IF))
        parts.append(_closed(cursor, found[-1], begin))
    better = None
    if len(parts) == 3:
        better = "{1} if {0} else {2}".format(*parts)
    help = f"write: {written(better)}" if better else "a choice is written: a if condition else b"
    cursor.fault(start, cursor.last_end, 'there is no operator "?"', help, better)
    return IfElse(found[0], condition, found[1], start, cursor.last_end)


def _closed(cursor: Cursor, tree: Tree, begin: int) -> str:
    """The text of a tree that was just read; in parentheses where it is a choice without them."""
    text = cursor.text[begin : cursor.last_end]
    return f"({text})" if isinstance(tree, IfElse) and tree.start == begin else text


def read_otherwise(cursor: Cursor, left: Tree, start: int) -> Tree:
    """``left ?? right`` of other languages."""
    value = cursor.text[start : cursor.last_end]
    cursor.at += 1
    begin = cursor.start
    right = cursor.expression(AND)
    better = f"default({value}, {cursor.text[begin : cursor.last_end]})"
    cursor.fault(start, cursor.last_end, 'there is no operator "??"', f"write {written(better)}", better)
    return Call("default", (left, right), start, start, cursor.last_end)


def read_call(cursor: Cursor, called: Tree, start: int) -> Tree:
    """A call of what is not a function: the method of a value, perhaps."""
    arguments, _ = read_items(cursor)
    end = cursor.last_end
    if not isinstance(called, Field):
        cursor.fault(start, end, "only functions can be called", "a function has a name: len(lines)")
        return Broken(start, end)
    name, count = called.name, len(arguments)
    better = None
    if (meant := METHODS_MEANT.get((name, count))) is not None:
        given = [cursor.text[argument.start : argument.end] for argument in arguments]
        value = cursor.text[start : called.name_start].rstrip().removesuffix(".").removesuffix("?").rstrip()
        better = meant.format(*given, value=value)
    help = f"write {written(better)}" if better else "functions take the value as an argument: len(lines)"
    cursor.fault(start, end, f"values have no methods: {shown(name)}", help, better)
    return Call(name, (called.subject, *arguments), called.end, start, end)


def read_beside_unknown(cursor: Cursor, left: Tree, start: int) -> Tree:
    """What stands behind a sign that does not exist belongs to the same fault."""
    cursor.at += 1
    if cursor.kind in CLOSERS or cursor.kind == ",":
        return left
    cursor.expression(SUM)
    return Broken(start, cursor.last_end)


def read_index_behind_dot(cursor: Cursor, subject: Tree, start: int) -> Tree:
    """``lines.0``: the tokens have a fault for it."""
    key = Literal(0, cursor.start, cursor.end)
    cursor.at += 1
    return Index(subject, key, start, cursor.last_end)
