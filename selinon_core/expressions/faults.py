"""Faults of expressions as values, and how their messages show pieces of the text."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """A mistake in the text of an expression: where it is, what is wrong, and what helps.

    Offsets count code points from 0; ``end`` is behind the last character, and is ``start`` where something is
    missing. ``replacement`` is the text to put there, where one is known that repairs the fault.
    """

    start: int
    end: int
    message: str
    help: str
    replacement: str | None = None


def shown(text: str) -> str:
    """A piece of an expression in a message: in quotes, on one line, at most 40 characters, all printable."""
    if len(text) == 1 and not text.isprintable():
        return f"the character U+{ord(text):04X}"
    return f'"{written(text, 40)}"'


def written(text: str, most: int = 100) -> str:
    """What a message says to write: on one line, at most so many characters, all printable."""
    line = " ".join(text[: 5 * most].split()) or text[:most]
    if len(line) > most:
        line = line[: most - 3] + "..."
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line)


#: What helps where a token stands that cannot stand there, by its kind.
NOT_HERE = {
    ",": "a list is written in brackets: [a, b]",
    ":": "a choice is written: a if condition else b",
    "else": "a choice is written: a if condition else b",
    "for": "a list is made in brackets: [one.price for one in lines]",
    "text": 'texts are put together with "+"',
    "**": 'there is no operator "**": write x * x',
    ")": "take it away, or write the ( that is missing",
    "]": "take it away, or write the [ that is missing",
    "}": "take it away, or write the { that is missing",
    "contains": "write: item in list",
    "matches": "there are no regular expressions, but in, startswith(...) and endswith(...)",
    "like": "there are no patterns, but in, startswith(...) and endswith(...)",
    "between": "write: low <= value <= high",
    "then": "a choice is written: a if condition else b",
}
OPERATORS = "operators are + - * / // % == != < <= > >= in not and or"

#: Words of other languages where an operator stands -> the operator that is meant.
WORDS_MEANT = {"is": "==", "AND": "and", "OR": "or", "eq": "==", "ne": "!=", "IN": "in", "mod": "%", "div": "//"}

#: Methods of other languages with their number of arguments -> the expression that is meant.
METHODS_MEANT = {
    ("get", 1): "default({value}[{0}], null)",
    ("get", 2): "default({value}[{0}], {1})",
    ("join", 1): "join({0}, {value})",
    ("contains", 1): "({0} in {value})",
    ("includes", 1): "({0} in {value})",
    ("toLowerCase", 0): "lower({value})",
    ("toUpperCase", 0): "upper({value})",
    ("trim", 0): "strip({value})",
    ("startsWith", 1): "startswith({value}, {0})",
    ("endsWith", 1): "endswith({value}, {0})",
    ("size", 0): "len({value})",
    ("length", 0): "len({value})",
    ("lower", 0): "lower({value})",
    ("upper", 0): "upper({value})",
    ("strip", 0): "strip({value})",
    ("split", 0): "split({value})",
    ("split", 1): "split({value}, {0})",
    ("replace", 2): "replace({value}, {0}, {1})",
    ("startswith", 1): "startswith({value}, {0})",
    ("endswith", 1): "endswith({value}, {0})",
    ("keys", 0): "keys({value})",
    ("values", 0): "values({value})",
    ("items", 0): "items({value})",
}
