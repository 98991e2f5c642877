"""``# selinon: ignore[SEL301] reason``: silencing a diagnostic where it is.

A comment speaks for its line and for the mapping or list that begins on it (an entry of a list, or what
stands under a key); a comment that has a line of its own speaks for the next line. Several codes are
separated by commas. A code that silences nothing is reported, so that comments do not outlive their reason.

Names such as ``cover-foreach-none`` silence what another command finds. That command reports those without effect.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from selinon_core.config.yaml.document import Document, line_starts
from selinon_core.config.yaml.nodes import AliasNode, MappingNode, Node, SequenceNode, children_of
from selinon_core.diagnostics import Diagnostic, fixes_of, has_errors, kinds
from selinon_core.diagnostics.kinds import Collector
from selinon_core.diagnostics.location import Edit, FixedLocation, Place, Span

MARKER = "selinon:"
#: The first words of names, each with the command that knows the names and reports those without effect.
OWNERS = {"cover": "selinon cover", "check": "selinon check", "mutate": "selinon mutate"}
_NAME = rf"(?:{'|'.join(OWNERS)})-[a-z]+(?:-[a-z]+)*"
_COMMENT = r"(?:(?<=\s)|(?<![^\n\r]))#[ \t]*selinon:[ \t]*ignore\b(?:[ \t]*\[([^\]\n\r]*)\])?([^\n\r]*)"


class Suppressed(NamedTuple):
    """A diagnostic that a comment silences, and the reason the comment gives."""

    diagnostic: Diagnostic
    reason: str


class NamedIgnore(NamedTuple):
    """A name in a comment, where it is written, and the lines it speaks for (first and last, both included)."""

    name: str
    reason: str
    span: Span
    covers: tuple[tuple[int, int], ...]

    def speaks_for(self, place: Place) -> bool:
        """Whether the comment speaks for a place of its file."""
        return self.span.file == place.file and any(first <= place.line <= last for first, last in self.covers)


class _Ignore:
    """One code of one comment; it covers the lines ``first`` to ``last``, both included."""

    __slots__ = ("code", "covers", "reason", "removal", "span", "used")

    def __init__(
        self, code: str, reason: str, span: Span, covers: tuple[tuple[int, int], ...], removal: Edit
    ) -> None:
        self.code = code
        self.removal = removal
        self.reason = reason
        self.span = span
        self.covers = covers
        self.used = False


def suppress(
    found: Iterable[Diagnostic],
    documents: Iterable[Document],
    is_active: Callable[[str], bool] = lambda code: True,
    is_known: Callable[[str], bool] = lambda code: True,
) -> tuple[list[Diagnostic], list[Suppressed]]:
    """Split diagnostics into those that stay and those that comments silence.

    Warnings about comments without effect are among those that stay. A code for which ``is_active`` is false was
    not checked, so its comments get no warning. ``is_known`` returns whether a rule has the code at all.
    """
    ignores: dict[tuple[str, str], list[_Ignore]] = {}
    collector = Collector()
    for document in documents:
        if MARKER in document.text:
            for ignore in _ignores(document, collector):
                if _is_code(ignore.code):
                    ignores.setdefault((document.file, ignore.code), []).append(ignore)
    kept: list[Diagnostic] = []
    silenced: list[Suppressed] = []
    found = tuple(found)
    matches = _matches(found, ignores)
    is_complete = not has_errors(found)  # rules are silent about what an error leaves open
    for diagnostic in found:
        match = matches.get((diagnostic.span.file, diagnostic.code, diagnostic.span.line))
        if match is None:
            kept.append(diagnostic)
        else:
            silenced.append(Suppressed(diagnostic, match.reason))
    for group in ignores.values():
        for ignore in group:
            if not is_known(ignore.code):
                collector.add(
                    kinds.BAD_IGNORE,
                    FixedLocation(ignore.span),
                    f"no rule has the code {ignore.code}",
                    note="silences nothing",
                    help="selinon lint --list-rules shows all codes",
                )
            elif not ignore.used and is_active(ignore.code):
                collector.add(
                    kinds.UNUSED_IGNORE,
                    FixedLocation(ignore.span),
                    f"there is no {ignore.code} here to ignore",
                    note="silences nothing",
                    help="remove it",
                    fixes=fixes_of(("remove it", is_complete, (ignore.removal,))),
                )
    return kept + collector.found, silenced


def named_ignores(documents: Iterable[Document]) -> tuple[NamedIgnore, ...]:
    """The names in the comments of documents, for the commands that own them; in the order of the text."""
    return tuple(
        NamedIgnore(ignore.code, ignore.reason, ignore.span, ignore.covers)
        for document in documents
        if MARKER in document.text
        for ignore in _ignores(document, Collector())
        if not _is_code(ignore.code)
    )


def silenced_places(
    ignores: Iterable[NamedIgnore], found: Iterable[tuple[str, str, Place]]
) -> tuple[dict[str, str], list[NamedIgnore]]:
    """Match comments with what a command found: (id, name, place) each.

    Returns the reason for each id that is silenced, and the comments that silence nothing.
    """
    by_name: dict[str, list[NamedIgnore]] = {}
    unused: dict[Span, NamedIgnore] = {}
    for ignore in ignores:
        by_name.setdefault(ignore.name, []).append(ignore)
        unused[ignore.span] = ignore
    reasons: dict[str, str] = {}
    for id, name, place in found:
        for ignore in by_name.get(name, ()):
            if ignore.speaks_for(place):
                unused.pop(ignore.span, None)
                reasons.setdefault(id, ignore.reason)
    return reasons, list(unused.values())


def _is_code(text: str) -> bool:
    return text.startswith("SEL")


def _matches(
    found: Sequence[Diagnostic], ignores: Mapping[tuple[str, str], Sequence[_Ignore]]
) -> dict[tuple[str, str, int], _Ignore]:
    """The first comment that covers what was found of a code in a line of a file; every one that does is used."""
    lines: dict[tuple[str, str], set[int]] = {}
    for diagnostic in found:
        key = (diagnostic.span.file, diagnostic.code)
        if key in ignores:
            lines.setdefault(key, set()).add(diagnostic.span.line)
    matches: dict[tuple[str, str, int], _Ignore] = {}
    for key, numbers in lines.items():
        ordered = sorted(numbers)
        for ignore in ignores[key]:
            for first, last in ignore.covers:
                for line in ordered[bisect_left(ordered, first) : bisect_right(ordered, last)]:
                    ignore.used = True
                    matches.setdefault((*key, line), ignore)
    return matches


def _ignores(document: Document, collector: Collector) -> list[_Ignore]:
    found: list[_Ignore] = []
    text = document.text
    layout: _Layout | None = None
    for comment in re.finditer(_COMMENT, text):
        layout = layout or _Layout(document)
        if layout.is_inside_scalar(comment.start()):
            continue
        line, column = layout.position(comment.start())
        listed = comment.group(1)
        if listed is None or not listed.strip():
            collector.add(
                kinds.BAD_IGNORE,
                FixedLocation(Span(document.file, line, column, line, column + len(comment.group().rstrip()))),
                "an ignore comment has to name codes",
                note="nothing is ignored",
                help="write # selinon: ignore[SELnnn] and why",
            )
            continue
        alone = not text[comment.start() - column + 1 : comment.start()].strip()
        covered = layout.next_content(line) if alone else line
        covers = ((line, line), (covered, layout.last_line(covered)))
        for code in re.finditer(r"[^,\s]+", listed):
            at = column + comment.start(1) - comment.start() + code.start()
            span = Span(document.file, line, at, line, at + len(code.group()))
            if re.fullmatch(rf"SEL\d{{3}}|{_NAME}", code.group()):
                removal = _without_code(layout, text, comment, code)
                found.append(_Ignore(code.group(), comment.group(2).strip(), span, covers, removal))
            else:
                collector.add(
                    kinds.BAD_IGNORE,
                    FixedLocation(span),
                    f'"{code.group()}" is not a code',
                    note="codes are SEL and three digits",
                    help=_name_help(code.group()),
                )
    return found


def _without_code(layout: _Layout, text: str, comment: re.Match[str], code: re.Match[str]) -> Edit:
    """The removal of a code from its comment, and of the whole comment with its last code."""
    listed = comment.group(1)
    if listed.strip() != code.group():
        start, end = comment.start(1) + code.start(), comment.start(1) + code.end()
        behind = re.compile(r"\s*,\s*").match(text, end)
        if behind is not None:
            end = behind.end()
        else:
            start = len(text[:start].rstrip(" \t,"))
        return Edit(layout.span(start, end), "")
    line, _ = layout.position(comment.start())
    start, end = len(text[: comment.start()].rstrip(" \t")), comment.end()
    if layout.position(start)[1] == 1:  # the comment has the line for itself
        start, end = layout.line(line)
    return Edit(layout.span(start, end), "")


def _name_help(written: str) -> str:
    """What to write where a comment seems to mean a name."""
    if "-" not in written:
        return ""
    beginnings = ", ".join(f"{word}-" for word in OWNERS)
    return f"names of what other commands find begin with {beginnings}"


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


class _Layout:
    """Where lines, scalars and collections of a document are; worked out once, then looked up."""

    def __init__(self, document: Document) -> None:
        self._lines = line_starts(document.text)
        self._file = document.file
        self._text = document.text
        self._next: dict[int, int] = {}
        scalars = []
        self._last_lines: dict[int, int] = {}
        for node in _nodes(document):
            if type(node) is MappingNode:
                if node is not document.root:
                    self._note(node.start_mark.line + 1, node)
                for key, value, via in node.entries.values():
                    if not via and type(value) in (MappingNode, SequenceNode):
                        self._note(key.start_mark.line + 1, value)
            elif type(node) not in (SequenceNode, AliasNode):
                scalars.append((node.start_mark.index, node.end_mark.index))
        scalars.sort()
        self._begins = [begin for begin, _ in scalars]
        self._ends = [end for _, end in scalars]

    def next_content(self, line: int) -> int:
        """The first line behind ``line`` that is neither empty nor a comment; ``line`` itself if there is none."""
        if not self._next:
            following, ends = 0, [*self._lines, len(self._text)]
            for number in range(len(self._lines), 0, -1):
                self._next[number] = following or number
                begin, end = ends[number - 1], ends[number]
                content = self._text[begin:end].strip()
                if content and not content.startswith("#"):
                    following = number
        return self._next[line]

    def _note(self, first: int, node: Node) -> None:
        last = node.end_mark.line + 1
        if node.end_mark.column == 0 and last > first:
            last -= 1
        self._last_lines[first] = max(self._last_lines.get(first, first), last)

    def position(self, index: int) -> tuple[int, int]:
        """Line and column of a character, from 1."""
        line = bisect_right(self._lines, index)
        return line, index - self._lines[line - 1] + 1

    def line(self, number: int) -> tuple[int, int]:
        """Where a line begins, and where the next one does."""
        return self._lines[number - 1], self._lines[number] if number < len(self._lines) else len(self._text)

    def span(self, start: int, end: int) -> Span:
        """The stretch between two characters."""
        return Span(self._file, *self.position(start), *self.position(end))

    def is_inside_scalar(self, index: int) -> bool:
        """Whether a character belongs to a value; values do not overlap."""
        at = bisect_right(self._begins, index) - 1
        return at >= 0 and index < self._ends[at]

    def last_line(self, first: int) -> int:
        """The last line of the largest of what begins on a line; the line itself when nothing does."""
        return self._last_lines.get(first, first)
