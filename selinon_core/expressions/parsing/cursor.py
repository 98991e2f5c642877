"""Where a parser is in the tokens of an expression, and the faults it has noted so far."""

from __future__ import annotations

from collections.abc import Callable

from selinon_core.expressions.faults import NOT_HERE, OPERATORS, WORDS_MEANT, Fault, shown
from selinon_core.expressions.parsing.tokens import END, NAME, TEXT, UNKNOWN, tokenize
from selinon_core.expressions.tree import Broken, Tree

#: Levels that a tree may have, and parentheses around each other.
MAX_DEPTH = 40
#: The functions that take a ``for`` without brackets.
TAKE_FOR = ("any", "all", "sum", "min", "max", "count")
#: How strongly operators bind: ``cursor.expression(POWER)`` reads what binds at least that strongly.
IF, OR, AND, NOT, COMPARE, SUM, TERM, UNARY, POSTFIX = range(1, 10)
CLOSERS = frozenset({")", "]", "}", END})
_CLOSES = {"(": ")", "[": "]", "{": "}", "${": "}"}


class Cursor:
    """The next token of a text: ``kind``, ``start``, ``end`` and ``value``; ``last_end`` of the token before
    it.
    """

    __slots__ = (
        "at",
        "certain_to",
        "depth",
        "ends",
        "faults",
        "kinds",
        "parentheses",
        "read",
        "starts",
        "text",
        "tokens",
    )

    def __init__(self, text: str, read: Callable[[Cursor, int], Tree]) -> None:
        self.text = text
        self.read = read
        self.tokens = tokenize(text)
        self.kinds, self.starts, self.ends = self.tokens.kinds, self.tokens.starts, self.tokens.ends
        self.at = 0
        self.depth = 0
        self.parentheses = 0
        self.faults: list[Fault] = []
        #: Where something was missing first, or a text begins that has no end. Faults behind that may be its
        #: doing.
        self.certain_to = self.tokens.unclosed

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

    def expression(self, power: int) -> Tree:
        """The tree of the expression that is next, with the operators that bind at least as strongly."""
        return self.read(self, power)

    def operator(self) -> str:
        """The kind of the next token; a word of another language becomes the operator that is meant."""
        kind = self.kinds[self.at]
        if kind != NAME or (meant := WORDS_MEANT.get(self.tokens.values[self.at])) is None:
            return kind
        start, end = self.start, self.end
        if self.kinds[self.at + 1] == "not" and self.value == "is":
            meant, end = "!=", self.ends[self.at + 1]
        self.kinds[self.at] = meant
        self.fault(start, end, f"there is no operator {shown(self.text[start:end])}", f'write "{meant}"', meant)
        return meant

    # --- faults ----------------------------------------------------------------------------------------------

    def fault(self, start: int, end: int, message: str, help: str, replacement: str | None = None) -> None:
        """Note a fault, unless one at or behind its place is noted already: that one is the cause."""
        if not self.faults or self.faults[-1].start < start:
            self.faults.append(Fault(start, end, message, help, replacement))

    def all_faults(self) -> tuple[Fault, ...]:
        """The faults of the tokens and those noted, in order, as far as they are certain; one at a place."""
        lexical = [*self.tokens.faults, *self.tokens.meant.values()]
        if not (lexical or self.faults):
            return ()
        found = {fault.start: fault for fault in (*reversed(self.faults), *reversed(lexical))}
        return tuple(found[start] for start in sorted(found) if start <= self.certain_to)

    def too_deep(self, start: int, end: int) -> None:
        """Note that the tree has too many levels, and go to the end of the text without another fault."""
        help = "let a task give the value, or give a part of it to a node as an argument"
        self.fault(start, end, f"the expression is more than {MAX_DEPTH} levels deep", help)
        self.certain_to = min(self.certain_to, start)
        self.at = len(self.kinds) - 1

    def missing_value(self) -> Tree:
        """Note that a value is missing."""
        return self.missing("a value", "write a name, a number, a text in quotes, true, false or null")

    def missing(self, what: str, help: str, *, after: bool = True) -> Broken:
        """Note that ``what`` is missing where the next token stands; return what stands for it in the tree."""
        if self.at and self.kinds[self.at - 1] == UNKNOWN:
            return Broken(self.last_end, self.last_end)
        start, end = self.start, self.end
        before = f" after {self._shown(self.at - 1)}" if self.at and after else ""
        if self.kind == END:
            start = end = self.last_end
            found = ""
        else:
            found = f", found {self._shown(self.at)}"
        self.fault(start, end, f"expected {what}{before}{found}", help)
        self.certain_to = min(self.certain_to, start)
        return Broken(self.last_end, self.last_end)

    def _shown(self, at: int) -> str:
        piece = shown(self.text[self.starts[at] : self.ends[at]])
        return piece[1:-1] if self.kinds[at] == TEXT else piece

    def unexpected(self, *expected: str) -> None:
        """Note that the next token is not an operator, nor one of what is ``expected`` instead."""
        what = " or ".join((", ".join(("an operator", *expected[:-1])), expected[-1]))
        self.missing(what, self._help())

    def _help(self) -> str:
        """What helps where the next token goes on with nothing."""
        before = self.kinds[self.at - 1] if self.at and self.start == self.last_end else ""
        if before == TEXT:
            return "write \\' for a ' inside of a text"
        if before and self.kind == TEXT:
            return "nothing stands before the quote of a text"
        return NOT_HERE.get(str(self.value) if self.kind == NAME else self.kind, OPERATORS)

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
            what = f'"{closer}" to close {shown(self.text[begin : self.last_end])}'
            self.missing(what, f'write "{closer}" where it ends', after=False)
