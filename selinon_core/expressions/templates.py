"""Texts with expressions in them: ``order ${args.number}``.

``${`` begins an expression, which goes to the ``}`` that closes it; braces and texts inside of the expression
are its own. ``$${`` is the text ``${``. Nothing else has a meaning.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from selinon_core.expressions.faults import Fault
from selinon_core.expressions.parsing.tokens import tokenize

_BEGIN = re.compile(r"\$\$\{|\$\{")
#: What is in an expression that has no texts and no braces, up to the brace behind it.
_SIMPLE = re.compile(r"[^{}\"']*+(?=\})")


class Embedded(NamedTuple):
    """An expression in a text: what stands between ``${`` and ``}``, and the offset where that begins."""

    text: str
    offset: int


class TemplateText(NamedTuple):
    """The parts of a text in their order, with at most one plain text between two expressions, and its faults.

    Faults inside of expressions are not among them: the parser finds those.
    """

    parts: tuple[str | Embedded, ...]
    faults: tuple[Fault, ...]

    @property
    def is_plain(self) -> bool:
        """Whether there is no expression in the text."""
        return all(isinstance(part, str) for part in self.parts)

    @property
    def only(self) -> Embedded | None:
        """The expression that is the whole text, whose value keeps its type; None for any other text."""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], Embedded) else None


def read_template_text(text: str) -> TemplateText:
    """Return the parts of a text. A text without ``${`` is one part, also when it is empty."""
    parts: list[str | Embedded] = []
    faults: list[Fault] = []
    plain: list[str] = []
    position = 0
    while (begin := _BEGIN.search(text, position)) is not None:
        plain.append(text[position : begin.start()])
        if begin[0] == "$${":
            plain.append("${")
            position = begin.end()
            continue
        simple = _SIMPLE.match(text, begin.end())
        if simple is not None:
            if joined := "".join(plain):
                parts.append(joined)
            plain.clear()
            parts.append(Embedded(simple[0], begin.end()))
            position = simple.end() + 1
            continue
        tokens = tokenize(text, begin.end(), until_brace=True)
        end, position = tokens.starts[-1], tokens.ends[-1]
        if end == position and tokens.unclosed > len(text):
            help = 'write "}" behind the expression; "$${" is the text "${"'
            faults.append(Fault(begin.start(), begin.end(), '"${" is not closed', help))
        if joined := "".join(plain):
            parts.append(joined)
        plain.clear()
        parts.append(Embedded(text[begin.end() : end], begin.end()))
    if (rest := "".join(plain) + text[position:]) or not parts:
        parts.append(rest)
    return TemplateText(tuple(parts), tuple(faults))
