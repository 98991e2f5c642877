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

The parser is a Pratt parser: ``expression`` reads an operand, and then each operator that binds at least as
strongly as asked. Where something is missing it notes one fault and goes on; each token is passed once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from selinon_core.expressions.cursor import CLOSERS, Cursor
from selinon_core.expressions.faults import METHODS_MEANT, Fault, shown
from selinon_core.expressions.tokens import END, ITEM, NAME, NUMBER, TEXT, UNKNOWN, VALUE, VALUES, WORDS
from selinon_core.expressions.tree import (
    Arithmetic,
    Broken,
    Call,
    Comparison,
    Field,
    IfElse,
    Index,
    Junction,
    ListFor,
    ListOf,
    Literal,
    Name,
    Negation,
    Negative,
    ObjectOf,
    Tree,
    children,
)

#: Characters that the text of an expression may have.
MAX_CHARACTERS = 2000
#: Levels that a tree may have, and parentheses around each other.
MAX_DEPTH = 40
#: The functions that take a ``for`` without brackets.
TAKE_FOR = ("any", "all", "sum", "min", "max", "count")

#: How strongly operators bind: ``_expression(cursor, POWER)`` reads what binds at least that strongly.
_IF, _OR, _AND, _NOT, _COMPARE, _SUM, _TERM, _UNARY, _POSTFIX = range(1, 10)

_SMALLER = "let a task give the value, or give a part of it to a node as an argument"
_A_VALUE = "write a name, a number, a text in quotes, true, false or null"


class Parsed(NamedTuple):
    """The tree of a text, and its faults in the order of their places. Without faults nothing in it is
    ``Broken``.
    """

    tree: Tree
    faults: tuple[Fault, ...]


def parse(text: str) -> Parsed:
    """Return the tree and the faults of an expression; offsets count from the beginning of ``text``."""
    if len(text) > MAX_CHARACTERS:
        message = f"the expression has {len(text):,} characters, and may have {MAX_CHARACTERS:,}"
        return Parsed(Broken(0, len(text)), (Fault(MAX_CHARACTERS, len(text), message, _SMALLER),))
    cursor = Cursor(text)
    tree = _whole(cursor)
    tokens = cursor.tokens
    # Each level of a tree has a token of its own, so few tokens make no deep tree.
    if len(tokens.kinds) > MAX_DEPTH and (deep := _one_too_deep(tree)) is not None:
        _give_up(cursor, deep.start, deep.end)
        tree = Broken(0, len(text))
    if not (cursor.faults or tokens.faults or tokens.meant):
        return Parsed(tree, ())
    faults = [*tokens.faults, *tokens.meant.values()]
    known = {fault.start for fault in faults}
    faults.extend(fault for fault in cursor.faults if fault.start not in known)
    return Parsed(tree, tuple(sorted(faults, key=_place)))


def _place(fault: Fault) -> tuple[int, int]:
    return fault.start, fault.end


def _one_too_deep(tree: Tree) -> Tree | None:
    """A part that is one level deeper than allowed, if there is one."""
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in children(node)]
    return level[0] if level else None


def _give_up(cursor: Cursor, start: int, end: int) -> None:
    cursor.give_up(start, end, f"the expression is more than {MAX_DEPTH} levels deep", _SMALLER)


def _whole(cursor: Cursor) -> Tree:
    if cursor.kind == END:
        if not cursor.tokens.faults:
            cursor.fault(0, cursor.end, "the expression is empty", _A_VALUE)
        return Broken(0, cursor.end)
    tree = _expression(cursor, _IF)
    if cursor.kind != END:
        cursor.unexpected("the end")
    return tree


def _expression(cursor: Cursor, power: int) -> Tree:
    """The tree of the operand that is next, and of the operators behind it that bind as strongly as ``power``."""
    cursor.depth += 1
    # An expression in an expression is a level of the tree, or stands in parentheses.
    if cursor.depth > 2 * MAX_DEPTH:
        _give_up(cursor, cursor.start, cursor.end)
    start = cursor.start
    tree = _operand(cursor, power)
    while (operator := _OPERATORS.get(cursor.operator())) is not None and operator[0] >= power:
        tree = operator[1](cursor, tree, start)
    cursor.depth -= 1
    return tree


def _operand(cursor: Cursor, power: int) -> Tree:
    while cursor.kind == UNKNOWN:
        cursor.at += 1
    read = _OPERANDS.get(cursor.kind)
    return _missing(cursor) if read is None else read(cursor, power)


def _missing(cursor: Cursor) -> Tree:
    return Broken(*cursor.missing("a value", _A_VALUE))


# --- what begins an expression
# -------------------------------------------------------------------------------------


def _literal(cursor: Cursor, power: int) -> Tree:
    tree = Literal(cursor.tokens.values[cursor.at], cursor.start, cursor.end)
    cursor.at += 1
    return tree


def _name(cursor: Cursor, power: int) -> Tree:
    at = cursor.at
    cursor.at += 1
    name, start, end = cursor.text[cursor.starts[at] : cursor.ends[at]], cursor.starts[at], cursor.ends[at]
    if cursor.kind != "(":
        return Name(name, start, end)
    arguments, alone = _arguments(cursor)
    if alone is not None and name not in TAKE_FOR:
        message = f'{shown(name)} takes no "for" without brackets'
        inside = cursor.text[alone.start : alone.end]
        cursor.fault(alone.start, alone.end, message, "write [ and ] around it", f"[{inside}]")
    return Call(name, arguments, end, start, cursor.last_end)


def _arguments(cursor: Cursor) -> tuple[tuple[Tree, ...], ListFor | None]:
    """The arguments of a call, and the one among them that is a ``for`` without brackets."""
    name = cursor.at + 1
    if cursor.kinds[name] == NAME and cursor.kinds[name + 1] == "==" and (name + 1) in cursor.tokens.meant:
        del cursor.tokens.meant[name + 1]
        place = cursor.starts[name], cursor.ends[name + 1]
        cursor.fault(*place, "functions have no arguments with names", "write the value alone", "")
    return _items(cursor)


def _items(cursor: Cursor) -> tuple[tuple[Tree, ...], ListFor | None]:
    """What stands between two brackets, with commas between it."""
    opened = cursor.at
    cursor.at += 1
    found: list[Tree] = []
    alone: ListFor | None = None
    while cursor.kind not in CLOSERS:
        start = cursor.start
        item = _expression(cursor, _IF)
        if cursor.kind == "for":
            item = alone = _list_for(cursor, item, start)
        found.append(item)
        _comma(cursor, cursor.kinds[opened])
    cursor.close(opened)
    if alone is not None and len(found) > 1:
        message = '"for" without brackets stands beside something else'
        inside = cursor.text[alone.start : alone.end]
        cursor.fault(alone.start, alone.end, message, "write [ and ] around it", f"[{inside}]")
        alone = None
    return tuple(found), alone


def _comma(cursor: Cursor, opener: str) -> None:
    """Pass the comma behind an item; the closing bracket is left."""
    closer = {"(": ")", "[": "]", "{": "}"}[opener]
    if cursor.kind not in CLOSERS and cursor.kind != ",":
        cursor.unexpected('","', f'"{closer}"')
        cursor.skip()
    if cursor.kind == ",":
        comma = cursor.at
        cursor.at += 1
        if cursor.kind in CLOSERS:
            place = cursor.starts[comma], cursor.ends[comma]
            cursor.fault(*place, f'nothing stands between "," and "{closer}"', "take the comma away", "")


def _list(cursor: Cursor, power: int) -> Tree:
    start = cursor.start
    items, alone = _items(cursor)
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
    items = _expression(cursor, _OR)
    condition = None
    if cursor.kind == "if":
        cursor.at += 1
        condition = _expression(cursor, _OR)
    tree = ListFor(element, variable, variable_start, items, condition, start, cursor.last_end)
    if cursor.kind == "if":
        cursor.fault(cursor.start, cursor.end, 'there is one "if" behind "for"', 'write "and"', "and")
        cursor.skip()
    elif cursor.kind == "for":
        help = "put a list into the other: flatten([[... for ... in ...] for ... in ...])"
        cursor.fault(cursor.start, cursor.end, 'there is one "for" in a list', help)
        cursor.skip()
    return tree


def _parentheses(cursor: Cursor, power: int) -> Tree:
    opened, start = cursor.at, cursor.start
    cursor.at += 1
    cursor.parentheses += 1
    if cursor.parentheses > MAX_DEPTH:
        _give_up(cursor, start, cursor.last_end)
    tree = _expression(cursor, _IF)
    cursor.parentheses -= 1
    if cursor.kind in (",", "for"):
        cursor.fault(cursor.start, cursor.end, "a list does not stand in parentheses", "write [ and ] around it")
        cursor.skip(commas=True)
    cursor.close(opened)
    return tree


def _object(cursor: Cursor, power: int) -> Tree:
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
        return None, _expression(cursor, _SUM)
    key = cursor.value if cursor.kind == TEXT else cursor.text[cursor.start : cursor.end]
    if cursor.kind == TEXT or cursor.kind == NAME:
        if cursor.kind == NAME:
            message = f"the key {shown(str(key))} has no quotes"
            cursor.fault(cursor.start, cursor.end, message, f'write "{key}"', f'"{key}"')
        cursor.at += 1
    else:
        cursor.missing("a key in quotes", 'an object is written: {"key": value, **other}')
        if cursor.kind != ":":
            _expression(cursor, _IF)
    if cursor.kind != ":":
        cursor.missing('":"', 'an object is written: {"key": value, **other}')
        return str(key), Broken(cursor.last_end, cursor.last_end)
    cursor.at += 1
    return str(key), _expression(cursor, _IF)


def _negation(cursor: Cursor, power: int) -> Tree:
    start, end = cursor.start, cursor.end
    if power > _NOT:
        cursor.fault(start, end, '"not" stands behind an operator that binds more strongly', "write (not ...)")
    cursor.at += 1
    return Negation(_expression(cursor, _NOT), start, cursor.last_end)


def _negative(cursor: Cursor, power: int) -> Tree:
    start = cursor.start
    cursor.at += 1
    return Negative(_expression(cursor, _UNARY), start, cursor.last_end)


def _positive(cursor: Cursor, power: int) -> Tree:
    cursor.fault(cursor.start, cursor.end, '"+" has a value on its left', "take it away", "")
    cursor.at += 1
    return _expression(cursor, _UNARY)


def _template(cursor: Cursor, power: int) -> Tree:
    opened, start = cursor.at, cursor.start
    cursor.at += 1
    tree = _expression(cursor, _IF)
    cursor.close(opened)
    inside = cursor.text[cursor.ends[opened] : cursor.starts[cursor.at - 1]].strip()
    cursor.fault(start, cursor.last_end, "an expression is written without ${ and }", "take them away", inside)
    return tree


_OPERANDS: dict[str, Callable[[Cursor, int], Tree]] = {
    NUMBER: _literal,
    TEXT: _literal,
    VALUE: _literal,
    NAME: _name,
    "(": _parentheses,
    "[": _list,
    "{": _object,
    "not": _negation,
    "-": _negative,
    "+": _positive,
    "${": _template,
}

# --- what goes on with an expression
# -------------------------------------------------------------------------------


def _if_else(cursor: Cursor, then: Tree, start: int) -> Tree:
    cursor.at += 1
    condition = _expression(cursor, _OR)
    if cursor.kind == "else":
        cursor.at += 1
        otherwise = _expression(cursor, _IF)
    else:
        otherwise = Broken(*cursor.missing('"else"', "a choice is written: a if condition else b"))
    return IfElse(then, condition, otherwise, start, cursor.last_end)


def _question(cursor: Cursor, condition: Tree, start: int) -> Tree:
    """``condition ? then : otherwise`` of other languages."""
    parts = [cursor.text[start : cursor.last_end]]
    found: list[Tree] = []
    for sign in ("?", ":"):
        if cursor.kind != sign:
            found.append(Broken(*cursor.missing(f'"{sign}"', "a choice is written: a if condition else b")))
            continue
        cursor.at += 1
        begin = cursor.start
        found.append(_expression(cursor, _IF))
        parts.append(cursor.text[begin : cursor.last_end])
    better = "{1} if {0} else {2}".format(*parts) if len(parts) == 3 else None
    help = f"write: {better}" if better else "a choice is written: a if condition else b"
    cursor.fault(start, cursor.last_end, 'there is no operator "?"', help, better)
    return IfElse(found[0], condition, found[1], start, cursor.last_end)


def _otherwise(cursor: Cursor, left: Tree, start: int) -> Tree:
    """``left ?? right`` of other languages."""
    value = cursor.text[start : cursor.last_end]
    cursor.at += 1
    begin = cursor.start
    right = _expression(cursor, _AND)
    better = f"default({value}, {cursor.text[begin : cursor.last_end]})"
    cursor.fault(start, cursor.last_end, 'there is no operator "??"', f"write {better}", better)
    return Call("default", (left, right), start, start, cursor.last_end)


def _junction(cursor: Cursor, left: Tree, start: int) -> Tree:
    word = cursor.kind
    power = _NOT if word == "and" else _AND
    operands = [left]
    while cursor.operator() == word:
        cursor.at += 1
        operands.append(_expression(cursor, power))
    return Junction(word, tuple(operands), start, cursor.last_end)


def _comparison(cursor: Cursor, first: Tree, start: int) -> Tree:
    rest: list[tuple[str, int, Tree]] = []
    while (operator := cursor.operator()) in _COMPARISONS:
        begin = cursor.start
        cursor.at += 1
        if operator == "not":
            operator = "not in"
            if cursor.kind == "in":
                cursor.at += 1
            else:
                cursor.missing('"in"', 'operators are "and not" and "not in"')
        rest.append((operator, begin, _expression(cursor, _SUM)))
    return Comparison(first, tuple(rest), start, cursor.last_end)


def _arithmetic(cursor: Cursor, left: Tree, start: int) -> Tree:
    operator, begin = cursor.kind, cursor.start
    if operator == "**":
        cursor.fault(begin, cursor.end, 'there is no operator "**"', "write x * x")
    cursor.at += 1
    right = _expression(cursor, _TERM if operator in "+-" else _UNARY)
    return Arithmetic(operator, left, right, begin, start, cursor.last_end)


def _field(cursor: Cursor, subject: Tree, start: int) -> Tree:
    cursor.at += 1
    begin, end = cursor.start, cursor.end
    word = cursor.text[begin:end]
    if cursor.kind == NAME:
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


def _index(cursor: Cursor, subject: Tree, start: int) -> Tree:
    opened = cursor.at
    cursor.at += 1
    key = _expression(cursor, _IF) if cursor.kind != ":" else Broken(cursor.start, cursor.start)
    if cursor.kind in (":", ","):
        message = "there are no slices" if cursor.kind == ":" else "there is one index"
        help = "choose items by a condition: [one for one in items if condition]"
        cursor.fault(cursor.start, cursor.end, message, help)
        cursor.skip(commas=True)
    cursor.close(opened)
    return Index(subject, key, start, cursor.last_end)


def _index_behind_dot(cursor: Cursor, subject: Tree, start: int) -> Tree:
    """``lines.0``: the tokens have a fault for it."""
    key = Literal(0, cursor.start, cursor.end)
    cursor.at += 1
    return Index(subject, key, start, cursor.last_end)


def _call(cursor: Cursor, called: Tree, start: int) -> Tree:
    """A call of what is not a function: the method of a value, perhaps."""
    arguments, _ = _arguments(cursor)
    end = cursor.last_end
    if not isinstance(called, Field):
        cursor.fault(start, end, "only functions can be called", "a function has a name: len(lines)")
        return Broken(start, end)
    name, count = called.name, len(arguments)
    better = None
    if (meant := METHODS_MEANT.get((name, count))) is not None:
        given = [cursor.text[argument.start : argument.end] for argument in arguments]
        value = cursor.text[called.subject.start : called.subject.end]
        better = meant.format(*given, value=value)
    help = f"write {better}" if better else "functions take the value as an argument: len(lines)"
    cursor.fault(start, end, f"values have no methods: {shown(name)}", help, better)
    return Call(name, (called.subject, *arguments), called.end, start, end)


def _beside_unknown(cursor: Cursor, left: Tree, start: int) -> Tree:
    """What stands behind a sign that does not exist belongs to the same fault."""
    cursor.at += 1
    if cursor.kind not in _OPERANDS:
        return left
    _expression(cursor, _SUM)
    return Broken(start, cursor.last_end)


_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not"})
#: How strongly an operator binds to what stands before it, and what reads the rest.
_OPERATORS: dict[str, tuple[int, Callable[[Cursor, Tree, int], Tree]]] = {
    "if": (_IF, _if_else),
    "?": (_IF, _question),
    "or": (_OR, _junction),
    "??": (_OR, _otherwise),
    "and": (_AND, _junction),
    **dict.fromkeys(_COMPARISONS, (_COMPARE, _comparison)),
    **dict.fromkeys(("+", "-"), (_SUM, _arithmetic)),
    **dict.fromkeys(("*", "/", "//", "%", "**"), (_TERM, _arithmetic)),
    ".": (_POSTFIX, _field),
    "[": (_POSTFIX, _index),
    "(": (_POSTFIX, _call),
    ITEM: (_POSTFIX, _index_behind_dot),
    UNKNOWN: (_SUM, _beside_unknown),
}
