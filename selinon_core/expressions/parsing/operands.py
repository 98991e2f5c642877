"""What an expression begins with: values, names, calls, brackets, ``not`` and ``-``."""

from __future__ import annotations

from selinon_core.expressions.faults import shown, written
from selinon_core.expressions.parsing.cursor import CLOSERS, IF, MAX_DEPTH, NOT, OR, SUM, TAKE_FOR, UNARY, Cursor
from selinon_core.expressions.parsing.tokens import END, NAME, TEXT
from selinon_core.expressions.tree import (
    Call,
    ListFor,
    ListOf,
    Literal,
    Name,
    Negation,
    Negative,
    ObjectOf,
    Tree,
)


def read_literal(cursor: Cursor, power: int) -> Tree:
    at = cursor.at
    cursor.at += 1
    return Literal(cursor.tokens.values[at], cursor.starts[at], cursor.ends[at])


def read_name(cursor: Cursor, power: int) -> Tree:
    at = cursor.at
    cursor.at += 1
    start, end = cursor.starts[at], cursor.ends[at]
    name = cursor.text[start:end]
    if cursor.kinds[cursor.at] != "(":
        return Name(name, start, end)
    arguments, alone = read_items(cursor)
    if alone is not None and name not in TAKE_FOR:
        message = f'{shown(name)} takes no "for" without brackets'
        inside = cursor.text[alone.start : alone.end]
        cursor.fault(alone.start, alone.end, message, "write [ and ] around it", f"[{inside}]")
    return Call(name, arguments, end, start, cursor.last_end)


def read_items(cursor: Cursor) -> tuple[tuple[Tree, ...], ListFor | None]:
    """What stands between two brackets with commas between it, and what of that is a ``for`` without brackets."""
    opened = cursor.at
    cursor.at += 1
    found: list[Tree] = []
    alone: ListFor | None = None
    while cursor.kind not in CLOSERS:
        start = cursor.start
        if cursor.kinds[opened] == "(":
            _refuse_name_of_argument(cursor)
        item = cursor.expression(IF)
        if cursor.kind == "for":
            item = alone = _list_for(cursor, item, min(start, item.start))
        found.append(item)
        _comma(cursor, cursor.kinds[opened])
    cursor.close(opened)
    if alone is not None and len(found) > 1:
        message = '"for" without brackets stands beside something else'
        inside = cursor.text[alone.start : alone.end]
        cursor.fault(alone.start, alone.end, message, "write [ and ] around it", f"[{inside}]")
        alone = None
    return tuple(found), alone


def _refuse_name_of_argument(cursor: Cursor) -> None:
    """Note that ``name=`` stands before an argument."""
    sign = cursor.at + 1
    if (
        cursor.kind == NAME
        and cursor.kinds[sign] == "=="
        and cursor.text[cursor.starts[sign] : cursor.ends[sign]] == "="
    ):
        del cursor.tokens.meant[sign]
        place = cursor.start, cursor.ends[sign]
        cursor.fault(*place, "functions have no arguments with names", "write the value alone", "")


def _comma(cursor: Cursor, opener: str) -> None:
    """Pass the comma behind an item; the closing bracket is left."""
    closer = {"(": ")", "[": "]", "{": "}"}[opener]
    if cursor.kind not in CLOSERS and cursor.kind != ",":
        cursor.unexpected('","', f'"{closer}"')
        cursor.skip()
    if cursor.kind == ",":
        comma = cursor.at
        cursor.at += 1
        if cursor.kind in CLOSERS and cursor.kind != END:
            place = cursor.starts[comma], cursor.ends[comma]
            cursor.fault(*place, f'nothing stands between "," and "{closer}"', "take the comma away", "")


def read_list(cursor: Cursor, power: int) -> Tree:
    start = cursor.start
    items, alone = read_items(cursor)
    if alone is not None:
        return alone._replace(start=start, end=cursor.last_end)
    return ListOf(items, start, cursor.last_end)


def _list_for(cursor: Cursor, element: Tree, start: int) -> ListFor:
    cursor.at += 1
    variable, variable_start = "", cursor.start
    if cursor.kind == NAME:
        variable = cursor.text[cursor.start : cursor.end]
        cursor.at += 1
    else:
        cursor.missing("a name", "write: [one.price for one in lines]")
    if cursor.kind == ",":
        help = "give the pair one name: [pair[0] for pair in pairs]"
        cursor.fault(cursor.start, cursor.end, 'there is one name behind "for"', help)
    if cursor.kind != "in":
        cursor.missing('"in"', "write: [one.price for one in lines]")
        while cursor.kind != "in" and cursor.kind not in CLOSERS:
            cursor.at += 1
    cursor.at += cursor.kind == "in"
    items = cursor.expression(OR)
    condition = None
    if cursor.kind == "if":
        cursor.at += 1
        condition = cursor.expression(OR)
    tree = ListFor(element, variable, variable_start, items, condition, start, cursor.last_end)
    if cursor.kind == "if":
        cursor.fault(cursor.start, cursor.end, 'there is one "if" behind "for"', 'write "and"', "and")
        cursor.skip()
    elif cursor.kind == "for":
        help = "put a list into the other: flatten([[... for ... in ...] for ... in ...])"
        cursor.fault(cursor.start, cursor.end, 'there is one "for" in a list', help)
        cursor.skip()
    return tree


def read_parentheses(cursor: Cursor, power: int) -> Tree:
    opened, start = cursor.at, cursor.start
    cursor.at += 1
    cursor.parentheses += 1
    if cursor.parentheses > MAX_DEPTH:
        cursor.too_deep(start, cursor.last_end)
    tree = cursor.expression(IF)
    cursor.parentheses -= 1
    if cursor.kind in (",", "for"):
        cursor.fault(cursor.start, cursor.end, "a list does not stand in parentheses", "write [ and ] around it")
        cursor.skip(commas=True)
    cursor.close(opened)
    return tree


def read_object(cursor: Cursor, power: int) -> Tree:
    opened, start = cursor.at, cursor.start
    cursor.at += 1
    entries: list[tuple[str | None, Tree]] = []
    while cursor.kind not in CLOSERS:
        entries.append(_entry(cursor))
        if cursor.kind == "for":
            cursor.fault(cursor.start, cursor.end, '"for" makes lists only', "let a task make the object")
            cursor.skip()
        _comma(cursor, "{")
    cursor.close(opened)
    return ObjectOf(tuple(entries), start, cursor.last_end)


def _entry(cursor: Cursor) -> tuple[str | None, Tree]:
    if cursor.kind == "**":
        cursor.at += 1
        return None, cursor.expression(SUM)
    help = 'an object is written: {"key": value, **other}'
    start, end = cursor.start, cursor.end
    key = str(cursor.value) if cursor.kind == TEXT else cursor.text[start:end]
    if cursor.kind not in (TEXT, NAME):
        cursor.missing("a key in quotes", help)
        if cursor.kind != ":":
            cursor.expression(IF)
    elif cursor.kinds[cursor.at + 1] != ":":
        cursor.at += 1
    else:
        if cursor.kind == NAME:
            cursor.fault(start, end, f"the key {shown(key)} has no quotes", f'write "{written(key)}"', f'"{key}"')
        cursor.at += 1
    if cursor.kind != ":":
        return key, cursor.missing('":"', help)
    cursor.at += 1
    return key, cursor.expression(IF)


def read_negation(cursor: Cursor, power: int) -> Tree:
    start, end = cursor.start, cursor.end
    if power > NOT:
        cursor.fault(start, end, '"not" stands behind an operator that binds more strongly', "write (not ...)")
    cursor.at += 1
    return Negation(cursor.expression(NOT), start, cursor.last_end)


def read_negative(cursor: Cursor, power: int) -> Tree:
    start = cursor.start
    cursor.at += 1
    return Negative(cursor.expression(UNARY), start, cursor.last_end)
