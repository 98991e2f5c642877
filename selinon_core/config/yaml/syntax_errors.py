"""What the YAML parser says, at the place where something is to be done, and with what is to be done.

The parsers (libyaml, and PyYAML's own) report where they could not go on, which for an unclosed quote is the end
of the file, and in words about their own states.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from selinon_core.config.yaml.nodes import Mark
from selinon_core.diagnostics import Related
from selinon_core.diagnostics.location import Span

_INDENTED = "indent what belongs together alike; each entry of a list begins with -"


class _Remedy(NamedTuple):
    """``at_begin``: the place is where the parser's context began. ``message`` None keeps the parser's words."""

    problem: str
    context: str
    message: str | None
    help: str
    at_begin: bool = False


_QUOTE = ("this quote is not closed", "write the closing quote")
_ENTRY = ("this is not an entry of the list that it stands in", _INDENTED)
_KEY = ("this is not a key of the mapping that it stands in", _INDENTED)
_ANCHOR = "the name of an anchor is missing"

_REMEDIES = (
    _Remedy("unexpected end of stream", "quoted scalar", *_QUOTE, at_begin=True),
    _Remedy("document indicator", "quoted scalar", *_QUOTE, at_begin=True),
    _Remedy("expected '-' indicator", "", *_ENTRY),
    _Remedy("expected <block end>", "collection", *_ENTRY),
    _Remedy("did not find expected key", "", *_KEY),
    _Remedy("expected <block end>", "mapping", *_KEY),
    _Remedy(
        "mapping values are not allowed",
        "",
        "a second colon in one line",
        "put a value that has a colon and a space in it in quotes, and a key of its own on the next line",
    ),
    _Remedy("expected ',' or '}'", "", "the { is not closed here", "write a comma or }"),
    _Remedy("expected ',' or ']'", "", "the [ is not closed here", "write a comma or ]"),
    _Remedy("find expected ':'", "key", "there is no colon behind this key", "write a colon and a space", True),
    _Remedy("unknown escape", "", None, "write two backslashes, or single quotes, which take it as it is"),
    _Remedy("alphabetic or numeric", "alias", _ANCHOR, "put a value that begins with * in quotes"),
    _Remedy("alphabetic or numeric", "anchor", _ANCHOR, "put a value that begins with & in quotes"),
)


#: Where an expression begins; a ``{`` there begins a predicate.
_EXPRESSION = re.compile(r"\b(?:condition|foreach|in):[ \t]+(?![{|>&*])\S|\$\{")
_QUOTED_WHOLE = "put the whole expression in quotes: YAML takes its quotes, brackets and colons for its own"
_OF_EXPRESSIONS = (_KEY[0], "a second colon in one line", "the { is not closed here")


class SyntaxFault(NamedTuple):
    """A mistake as it is reported; ``end`` is where reading ended."""

    message: str
    span: Span
    note: str
    help: str
    related: tuple[Related, ...]
    end: int


def syntax_fault(error: Any, file: str, text: str) -> SyntaxFault:
    """Describe a parser's error in the text of a file."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None) or Mark()
    problem = str(getattr(error, "problem", None) or "this cannot be read")
    context, begin = str(getattr(error, "context", None) or ""), getattr(error, "context_mark", None)
    remedy = next((r for r in _REMEDIES if r.problem in problem and r.context in context), None)
    if remedy is not None and remedy.at_begin and begin is not None:
        return SyntaxFault(f"YAML syntax: {remedy.message}", _span(file, begin), "", remedy.help, (), mark.index)
    message = problem if remedy is None or remedy.message is None else remedy.message
    help = _about_character(text[mark.index : mark.index + 1], problem) if remedy is None else remedy.help
    if message in _OF_EXPRESSIONS and _EXPRESSION.search(text, text.rfind("\n", 0, mark.index) + 1, mark.index):
        help = _QUOTED_WHOLE
    related: tuple[Related, ...] = ()
    if context and begin is not None and (begin.line, begin.column) != (mark.line, mark.column):
        related = (Related(_span(file, begin), context),)
    note = context if context and not related else ""
    return SyntaxFault(f"YAML syntax: {message}", _span(file, mark), note, help, related, mark.index)


def _about_character(character: str, problem: str) -> str:
    if character == "\t":
        return "write spaces: YAML takes no tab here"
    if "cannot start any token" in problem:
        return f"put a value that begins with {character} in quotes"
    return ""


def _span(file: str, mark: Any) -> Span:
    return Span(file, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
