"""Where a parser is in the tokens of an expression, and the faults it has noted so far."""

from __future__ import annotations

from selinon_core.expressions.faults import NOT_HERE, OPERATORS, WORDS_MEANT, Fault, shown
from selinon_core.expressions.tokens import END, NAME, TEXT, tokenize

CLOSERS = frozenset({")", "]", "}", END})
_CLOSES = {"(": ")", "[": "]", "{": "}", "${": "}"}


class Cursor:
    """The next token of a text: ``kind``, ``start``, ``end`` and ``value``; ``last_end`` of the token before
    it.
    """

    __slots__ = (
        "at",
        "depth",
        "ends",
        "faults",
        "kinds",
        "parentheses",
        "silent_from",
        "starts",
        "text",
        "tokens",
    )

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.kinds, self.starts, self.ends = self.tokens.kinds, self.tokens.starts, self.tokens.ends
        self.at = 0
        self.depth = 0
        self.parentheses = 0
        self.faults: list[Fault] = []
        #: Behind a text without an end nothing is said: its tokens are parts of that text.
        self.silent_from = self.tokens.unclosed

    @property
    def kind(self) -> str:
        return self.kinds[self.at]

    @property
    def start(self) -> int:
        return self.starts[self.at]

    @property
    def end(self) -> int:
        return self.ends[self.at]

    @property
    def value(self) -> object:
        return self.tokens.values[self.at]

    @property
    def last_end(self) -> int:
        return self.ends[self.at - 1] if self.at else 0

    def operator(self) -> str:
        """The kind of the next token; a word of another language becomes the operator that is meant."""
        kind = self.kinds[self.at]
        if kind != NAME or (meant := WORDS_MEANT.get(self.tokens.values[self.at])) is None:
            return kind
        start, end = self.start, self.end
        if self.kinds[self.at + 1] == "not" and self.value == "is":
            self.at += 1
            meant, end = "!=", self.end
        self.kinds[self.at] = meant
        self.fault(start, end, f"there is no operator {shown(self.text[start:end])}", f'write "{meant}"', meant)
        return meant

    # --- faults ----------------------------------------------------------------------------------------------

    def fault(self, start: int, end: int, message: str, help: str, replacement: str | None = None) -> None:
        """Note a fault, unless one at or behind its place is noted already: that one is the cause."""
        if start < self.silent_from and (not self.faults or self.faults[-1].start < start):
            self.faults.append(Fault(start, end, message, help, replacement))

    def give_up(self, start: int, end: int, message: str, help: str) -> None:
        """Note a fault, and go to the end of the text without another one."""
        self.fault(start, end, message, help)
        self.silent_from = -1
        self.at = len(self.kinds) - 1

    def missing(self, what: str, help: str, *, after: bool = True) -> tuple[int, int]:
        """Note that ``what`` is missing where the next token stands; return the place."""
        start, end = self.start, self.end
        before = f" after {self._shown(self.at - 1)}" if self.at and after else ""
        if self.kind == END:
            start = end = self.last_end
            found = ""
        else:
            found = f", found {self._shown(self.at)}"
        self.fault(start, end, f"expected {what}{before}{found}", help)
        return start, end

    def _shown(self, at: int) -> str:
        piece = shown(self.text[self.starts[at] : self.ends[at]])
        return piece[1:-1] if self.kinds[at] == TEXT else piece

    def unexpected(self, *expected: str) -> None:
        """Note that the next token is not an operator, nor one of what is ``expected`` instead."""
        what = " or ".join((", ".join(("an operator", *expected[:-1])), expected[-1]))
        self.missing(what, NOT_HERE.get(self.kind, OPERATORS))

    # --- moving ----------------------------------------------------------------------------------------------

    def skip(self, *, commas: bool = False) -> None:
        """Pass the tokens up to the closing bracket of this level, or up to its next comma unless ``commas``."""
        level = 0
        while (kind := self.kinds[self.at]) != END:
            if not level and (kind in CLOSERS or (kind == "," and not commas)):
                return
            level += (kind in _CLOSES) - (kind in CLOSERS)
            self.at += 1

    def close(self, opened: int) -> None:
        """Pass the bracket that closes the one at the token ``opened``; note a fault where something else
        stands.
        """
        closer = _CLOSES[self.kinds[opened]]
        if self.kind not in CLOSERS:
            self.unexpected(f'"{closer}"')
            self.skip(commas=True)
        if self.kind == closer:
            self.at += 1
        else:
            begin = self.starts[opened]
            what = f'"{closer}" to close {shown(self.text[begin : begin + 100])}'
            self.missing(what, f'write "{closer}" where it ends', after=False)
