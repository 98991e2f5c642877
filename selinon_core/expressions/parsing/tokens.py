"""From text to tokens, with a fault for each character that no token begins with.

The tokens, version 1. White space is the space, the tab and the line break, and means nothing between tokens.

- A **number** is written as in JSON: ``0``, ``12``, ``0.5``, ``1e-6``. It has no sign (``-`` is an operator),
  no leading zero, no underscore, and a digit on both sides of its point. It is finite and below 2**63.
- A **text** stands between two ``"`` or two ``'`` on one line. Escapes are those that mean the same in Python
  and in JSON: ``\\\\ \\" \\b \\f \\n \\r \\t`` and ``\\uXXXX``, where two for one character are written as in
  JSON, and ``\\'``.
- A **name** is an identifier as in Python; words of the language are ``and or not in if else for`` and the values
  ``true false null``, also written ``True False None``.
- The **signs** are ``+ - * / // % == != < <= > >= ( ) [ ] { } , . : **``.

Signs of other languages (``&&``, ``!``, ``=``, ``≥``) become the token that was meant, with a fault that says
so. Each character is looked at a bounded number of times.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from selinon_core.expressions.faults import Fault, shown, written
from selinon_core.expressions.parsing.literals import is_closed, number_value, text_value

#: The kind of the last token of every text.
END = "end"
NUMBER, TEXT, NAME, VALUE, UNKNOWN = "number", "text", "name", "value", "unknown"
#: ``.0`` behind a value, as other languages write the item of a list.
ITEM = "item"

#: Words that are tokens of a kind of their own.
WORDS = frozenset({"and", "or", "not", "in", "if", "else", "for"})
#: Words that are values.
VALUES: dict[str, bool | None] = {
    "true": True,
    "false": False,
    "null": None,
    "True": True,
    "False": False,
    "None": None,
}
#: Word -> its kind, and what it stands for.
_WORDS: dict[str, tuple[str, bool | str | None]] = {
    **{word: (word, word) for word in WORDS},
    **{word: (VALUE, value) for word, value in VALUES.items()},
}

#: What is written in other languages -> the token that is meant.
MEANT = {
    "&&": "and",
    "||": "or",
    "&": "and",
    "|": "or",
    "!": "not",
    "=": "==",
    "===": "==",
    "!==": "!=",
    "<>": "!=",
    "=<": "<=",
    "=>": ">=",
    "?.": ".",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{NOT EQUAL TO}": "!=",
    "\N{MULTIPLICATION SIGN}": "*",
    "\N{DIVISION SIGN}": "/",
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "\N{LOGICAL AND}": "and",
    "\N{LOGICAL OR}": "or",
    "\N{NOT SIGN}": "not",
}
_QUOTES = frozenset("\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a`\u00b4")

_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:
      (?P<name>[A-Za-z_][A-Za-z0-9_]*+(?![^\x00-\x7F]))
    | (?P<number>\.?[0-9](?:[eE][+-][0-9]|[0-9A-Za-z_.])*+)
    | (?P<text>"(?:[^"\\\n\r]|\\[^\n\r])*+"? | '(?:[^'\\\n\r]|\\[^\n\r])*+'?)
    | (?P<sign>\*\*|//|===|!==|==|!=|<=|>=|<>|=<|=>|&&|\|\||\?\?|\?\.|\$\{|[-+*/%<>()\[\]{},.:&|!=?])
    | (?P<end>\Z)
    | (?P<other>.)
    )""",
    re.VERBOSE | re.DOTALL,
)


class Tokens:
    """The tokens of a text as columns; the last one has the kind ``END``.

    ``kinds``: a sign or a word is its own kind. ``values`` has what names, numbers and texts stand for. ``meant``
    has the faults of tokens of other languages by the number of the token. ``unclosed`` is where the first text
    begins that has no end; without one it is behind all tokens.
    """

    __slots__ = ("ends", "faults", "kinds", "meant", "starts", "unclosed", "values")

    def __init__(self, read: _Read) -> None:
        kinds, starts, ends, values = zip(*read.rows, strict=True)
        self.kinds: list[str] = list(kinds)  # words of other languages become operators
        self.starts: tuple[int, ...] = starts
        self.ends: tuple[int, ...] = ends
        self.values: tuple[Any, ...] = values
        self.faults = read.faults
        self.meant = read.meant
        self.unclosed = read.unclosed


class _Read:
    """What has been read of a text so far: its tokens as rows, each a kind, two ends and a value."""

    __slots__ = ("faults", "meant", "rows", "unclosed")

    def __init__(self, unclosed: int) -> None:
        self.rows: list[tuple[str, int, int, Any]] = []
        self.faults: list[Fault] = []
        self.meant: dict[int, Fault] = {}
        self.unclosed = unclosed


def tokenize(text: str, begin: int = 0, *, until_brace: bool = False) -> Tokens:
    """Return the tokens of ``text`` from ``begin`` on.

    ``until_brace``: the last token is the ``}`` without a ``{`` before it, of the kind ``END``. Where there is
    none, it is at the end of the text.
    """
    tokens = _Read(len(text) + 1)
    add, words = tokens.rows.append, _WORDS
    position, braces = begin, 0
    while True:
        # The pattern has an alternative for every character, and for the end: each match is of a group.
        for found in _TOKEN.finditer(text, position):
            group = found.lastgroup or "end"
            start, end = found.span(group)
            # Words and signs are most of the tokens: a call for each would take longer than the rest.
            if group == "name":
                word = found[group]
                kind, value = words.get(word) or (NAME, word)
                add((kind, start, end, value))
            elif group == "sign":
                kind = found[group]
                if until_brace:
                    braces += (kind in _OPENING) - (kind == "}")
                    if braces < 0:
                        add((END, start, end, None))
                        return Tokens(tokens)
                if kind in MEANT:
                    tokens.meant[len(tokens.rows)] = _foreign(text, start, end)
                    kind = MEANT[kind]
                add((kind, start, end, None))
            elif group == "end":
                add((END, end, end, None))
                return Tokens(tokens)
            elif (position := _READ[group](tokens, text, start, end)) != end:
                break  # the token ends elsewhere


def _word(tokens: _Read, text: str, start: int, end: int) -> int:
    """Add the name or the word that begins at ``start``; return where it ends, which is not before ``end``."""
    while end < len(text) and text[end] > "\x7f" and ("a" + text[end]).isidentifier():
        end = _after_ascii(text, end + 1)
    word = text[start:end]
    kind, value = _WORDS.get(word, (NAME, word))
    tokens.rows.append((kind, start, end, value))
    return end


def _after_ascii(text: str, position: int) -> int:
    while position < len(text) and text[position] <= "\x7f" and ("a" + text[position]).isidentifier():
        position += 1
    return position


def _digits(tokens: _Read, text: str, start: int, end: int) -> int:
    """Add a number, or the ``.0`` behind a value."""
    if text[start] != "." or not tokens.rows or start != tokens.rows[-1][2]:
        tokens.rows.append((NUMBER, start, end, number_value(text, start, end, tokens.faults)))
        return end
    end = start + 1
    while end < len(text) and text[end] in "0123456789":
        end += 1
    index = text[start + 1 : end]
    message = "an item of a list stands in brackets"
    tokens.faults.append(Fault(start, end, message, f"write [{written(index)}]", f"[{index}]"))
    tokens.rows.append((ITEM, start, end, None))
    return end


def _quoted(tokens: _Read, text: str, start: int, end: int) -> int:
    closed = is_closed(text, start, end)
    if not closed:
        tokens.unclosed = min(tokens.unclosed, start)
    tokens.rows.append((TEXT, start, end, text_value(text, start, end, closed, tokens.faults)))
    return end


def _other(tokens: _Read, text: str, start: int, end: int) -> int:
    """Add a name or an operator beyond ASCII, or note that there is no such sign."""
    if text[start].isidentifier():
        return _word(tokens, text, start, _after_ascii(text, end))
    if text[start] in MEANT:
        tokens.meant[len(tokens.rows)] = _foreign(text, start, end)
        tokens.rows.append((MEANT[text[start]], start, end, None))
        return end
    end = _end_of_unknown(text, end)
    tokens.faults.append(_unknown(text, start, end))
    if not text[start:end].isspace():
        tokens.rows.append((UNKNOWN, start, end, None))
    return end


_OPENING = frozenset({"{", "${"})
_READ: dict[str, Callable[[_Read, str, int, int], int]] = {
    "number": _digits,
    "text": _quoted,
    "other": _other,
}


def _end_of_unknown(text: str, position: int) -> int:
    """The end of a stretch of characters beyond ASCII that mean nothing here, or of the one character."""
    while (
        position < len(text)
        and text[position - 1] > "\x7f"
        and text[position] > "\x7f"
        and text[position] not in MEANT
        and text[position].isspace() == text[position - 1].isspace()
        and not text[position].isidentifier()
    ):
        position += 1
    return position


def _foreign(text: str, start: int, end: int) -> Fault:
    sign = text[start:end]
    meant = MEANT[sign]
    if sign == "?.":
        help = 'write ".", and has(...) or default(..., ...) where it may be missing'
        return Fault(start, end, '"?." is not a sign of expressions', help, meant)
    replacement = meant
    if meant.isalpha():
        before = " " if start and not text[start - 1].isspace() and text[start - 1] != "(" else ""
        replacement = before + meant + ("" if text[end : end + 1].isspace() else " ")
    return Fault(start, end, f'"{sign}" is not an operator of expressions', f'write "{meant}"', replacement)


def _unknown(text: str, start: int, end: int) -> Fault:
    character = text[start]
    if character.isspace():
        return Fault(start, end, f"{shown(character)} is not a plain space", "write a space", " ")
    if character in _QUOTES:
        return Fault(start, end, f"{shown(character)} does not begin or end a text", "write \" or '", None)
    if character == "#":
        return Fault(
            start, end, "expressions have no comments", 'write the comment behind " #" outside of the text'
        )
    if character == "$":
        return Fault(start, end, '"$" is not a sign of expressions', "write the name alone, as in args.number")
    if character == "\\":
        return Fault(start, end, "a backslash stands inside of a text only", "take it away")
    return Fault(start, end, f"{shown(character)} is not a sign of expressions", "take it away")
