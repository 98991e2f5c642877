"""``# selinon: ignore[SEL301] reason``: silencing a diagnostic where it is.

A comment speaks for its line and for the mapping or list that begins on it (an entry of a list, or what
stands under a key); a comment that has a line of its own speaks for the next line. Several codes are
separated by commas. A code that silences nothing is reported, so that comments do not outlive their reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from selinon_core.config import codes
from selinon_core.config.codes import Collector
from selinon_core.config.document import Document, children_of, position
from selinon_core.config.nodes import AliasNode, MappingNode, Node, SequenceNode
from selinon_core.config.spots import FixedSpot
from selinon_core.diagnostics import Diagnostic
from selinon_core.source import Span

MARKER = "selinon:"
_COMMENT = r"(?:(?<=\s)|(?<![^\n\r]))#[ \t]*selinon:[ \t]*ignore\b(?:[ \t]*\[([^\]\n\r]*)\])?([^\n\r]*)"


class Suppressed(NamedTuple):
    """A diagnostic that a comment silences, and the reason the comment gives."""

    diagnostic: Diagnostic
    reason: str


class _Ignore:
    """One code of one comment; it covers the lines ``first`` to ``last``, both included."""

    __slots__ = ("code", "covers", "reason", "span", "used")

    def __init__(self, code: str, reason: str, span: Span, covers: tuple[tuple[int, int], ...]) -> None:
        self.code = code
        self.reason = reason
        self.span = span
        self.covers = covers
        self.used = False


def suppress(
    found: Iterable[Diagnostic],
    documents: Iterable[Document],
    is_active: Callable[[str], bool] = lambda code: True,
) -> tuple[list[Diagnostic], list[Suppressed]]:
    """Split diagnostics into those that stay and those that comments silence.

    Warnings about comments of no use are among those that stay; a code for which ``is_active`` is false was
    not looked for, so nothing is said about it.
    """
    ignores: dict[tuple[str, str], list[_Ignore]] = {}
    collector = Collector()
    for document in documents:
        if MARKER in document.text:
            for ignore in _ignores(document, collector):
                ignores.setdefault((document.file, ignore.code), []).append(ignore)
    kept: list[Diagnostic] = []
    silenced: list[Suppressed] = []
    for diagnostic in found:
        match = None
        line = diagnostic.span.line
        for ignore in ignores.get((diagnostic.span.file, diagnostic.code), ()):
            if any(first <= line <= last for first, last in ignore.covers):
                ignore.used = True
                match = match or ignore
        if match is None:
            kept.append(diagnostic)
        else:
            silenced.append(Suppressed(diagnostic, match.reason))
    for group in ignores.values():
        for ignore in group:
            if not ignore.used and is_active(ignore.code):
                collector.add(
                    codes.UNUSED_IGNORE,
                    FixedSpot(ignore.span),
                    f"there is no {ignore.code} here to ignore",
                    note="silences nothing",
                    help="remove it",
                )
    return kept + collector.found, silenced


def _ignores(document: Document, collector: Collector) -> list[_Ignore]:
    found = []
    ranges: dict[int, int] | None = None
    for comment in re.finditer(_COMMENT, document.text):
        if _inside_scalar(document, comment.start()):
            continue
        if ranges is None:
            ranges = _ranges(document)
        line, column = position(document.text, comment.start())
        listed = comment.group(1)
        if listed is None or not listed.strip():
            collector.add(
                codes.BAD_IGNORE,
                FixedSpot(Span(document.file, line, column, line, column + len(comment.group().rstrip()))),
                "an ignore comment has to name codes",
                note="nothing is ignored",
                help="write # selinon: ignore[SELnnn] and why",
            )
            continue
        covered = line
        before = document.text[: comment.start()].rsplit("\n", 1)[-1]
        if not before.strip():
            covered = _next_line(document.text, comment.end(), line)
        covers = ((line, line), (covered, max(covered, ranges.get(covered, covered))))
        for code in re.finditer(r"[^,\s]+", listed):
            at = column + comment.start(1) - comment.start() + code.start()
            span = Span(document.file, line, at, line, at + len(code.group()))
            if not re.fullmatch(r"SEL\d{3}", code.group()):
                collector.add(
                    codes.BAD_IGNORE,
                    FixedSpot(span),
                    f'"{code.group()}" is no code',
                    note="codes are SEL and three digits",
                )
                continue
            found.append(_Ignore(code.group(), comment.group(2).strip(), span, covers))
    return found


def _next_line(text: str, index: int, line: int) -> int:
    """The number of the first line behind ``index`` that is neither empty nor a comment."""
    for offset, content in enumerate(text[index:].splitlines()):
        stripped = content.strip()
        if offset and stripped and not stripped.startswith("#"):
            return line + offset
    return line


def _nodes(document: Document) -> Iterable[Node]:
    stack = [document.root]
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if type(node) is MappingNode:
            stack.extend(key for key, _, _ in node.entries.values())
        if type(node) is not AliasNode:
            stack.extend(children_of(node))


def _inside_scalar(document: Document, index: int) -> bool:
    return any(
        node.start_mark.index <= index < node.end_mark.index
        for node in _nodes(document)
        if type(node) not in (MappingNode, SequenceNode, AliasNode)
    )


def _ranges(document: Document) -> dict[int, int]:
    """For each line on which something begins, the last line of the largest of what begins there."""
    ranges: dict[int, int] = {}

    def note(first: int, node: Node) -> None:
        last = node.end_mark.line + 1
        if node.end_mark.column == 0 and last > first:
            last -= 1
        ranges[first] = max(ranges.get(first, first), last)

    for node in _nodes(document):
        if type(node) is not MappingNode:
            continue
        if node is not document.root:
            note(node.start_mark.line + 1, node)
        for key, value, via in node.entries.values():
            if not via and type(value) in (MappingNode, SequenceNode):
                note(key.start_mark.line + 1, value)
    return ranges
