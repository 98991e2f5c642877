"""Expressions that select cases: words with ``and``, ``or``, ``not`` and parentheses, as pytest's ``-k`` has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from selinon_core.errors import RequestError

#: Whether a text (lower case) is part of one of the words of a case.
_Holds = Callable[[str], bool]
_Expression = Callable[[_Holds], bool]

_PIECE = r"\s*(?:(?P<sign>[()])|(?P<quoted>\"[^\"]*\"|'[^']*')|(?P<word>[^\s()\"']+))"
_DEEPEST = 100


def keyword_expression(text: str) -> Callable[[Iterable[str]], bool]:
    """A function that says whether an expression holds for the words of a case: its name, its tags, its file.

    A word holds where it is part of one of them; upper and lower case do not differ. Text with blanks is quoted.
    Raises ``RequestError`` for what is not an expression.
    """
    parser = _Parser(text)
    expression = parser.whole()

    def holds(words: Iterable[str]) -> bool:
        lowered = [word.lower() for word in words]
        return expression(lambda wanted: any(wanted in word for word in lowered))

    return holds


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._next = 0
        self._depth = 0

    def whole(self) -> _Expression:
        """The expression of the whole text."""
        found = self._any()
        if self._next < len(self._tokens):
            raise self._error(f"unexpected {self._tokens[self._next][1]!r}")
        return found

    def _split(self) -> list[tuple[str, str]]:
        tokens, at = [], 0
        end = len(self._text.rstrip())
        token = re.compile(_PIECE)
        while at < end:
            match = token.match(self._text, at)
            if match is None:
                raise self._error(f"a quote is not closed: {self._text[at:].strip()}")
            kind = match.lastgroup or ""
            tokens.append((kind, match[kind]))
            at = match.end()
        return tokens

    def _error(self, what: str) -> RequestError:
        return RequestError(f"-k: {what} in {self._text!r}; expected words with and, or, not and parentheses")

    def _take(self, word: str) -> bool:
        if self._next < len(self._tokens):
            kind, text = self._tokens[self._next]
            if kind != "quoted" and text == word:
                self._next += 1
                return True
        return False

    def _any(self) -> _Expression:
        parts = [self._all()]
        while self._take("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda holds: any(part(holds) for part in parts)

    def _all(self) -> _Expression:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda holds: all(part(holds) for part in parts)

    def _one(self) -> _Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RequestError("-k: the expression is nested too deeply")
        try:
            return self._operand()
        finally:
            self._depth -= 1

    def _operand(self) -> _Expression:
        if self._take("not"):
            operand = self._one()
            return lambda holds: not operand(holds)
        if self._take("("):
            inner = self._any()
            if not self._take(")"):
                raise self._error("a parenthesis is not closed")
            return inner
        if self._next == len(self._tokens):
            raise self._error("a word is missing at the end")
        kind, text = self._tokens[self._next]
        if kind == "sign" or (kind == "word" and text in ("and", "or")):
            raise self._error(f"unexpected {text!r}")
        self._next += 1
        word = (text[1:-1] if kind == "quoted" else text).lower()
        return lambda holds: holds(word)
