"""YAML text to nodes with positions, whatever the text is: never an exception, never a hang, nothing
executed.

After a syntax error the document holds the nodes that were complete before it; ``Document.unread_from`` is where
the rest begins. A document whose aliases would make it too large or too deep is refused; what else is guarded
against, see ``composer``.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from selinon_core.config.yaml.composer import EXPANSION_PER_NODE, MAX_DEPTH, MAX_EXPANSION, Composer
from selinon_core.config.yaml.nodes import (
    AliasNode,
    BrokenNode,
    Editor,
    GivenScalar,
    MappingNode,
    Mark,
    Node,
    NodeLocation,
    SequenceNode,
    children_of,
)
from selinon_core.config.yaml.scalars import PlainScalars
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import Collector
from selinon_core.diagnostics.location import FixedLocation, SourceLocation, Span

_MAX_REPORTED_CHARACTERS = 10

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"


class Document:
    """A file's text as nodes; ``root`` is None for an empty document.

    ``unread_from`` is the index in ``text`` from which on it could not be read, None when it could.
    """

    __slots__ = ("file", "plain", "root", "text", "unread_from")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.root: Node | None = None
        self.unread_from: int | None = None
        self.plain = PlainScalars()

    def location(self, node: Node) -> SourceLocation:
        """Where a node stands."""
        return NodeLocation(self, node)

    def editor(self) -> Editor:
        """What makes edits of the text."""
        from selinon_core.config.yaml.editing import TextEditor  # only messages offer edits

        return TextEditor(self.file, self.text)


def decode(data: bytes, file: str, collector: Collector) -> str:
    """Bytes of a file to text: UTF-8, or UTF-16 with a byte order mark; what does not fit is reported
    once.
    """
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, "replace")
        line, column = position(before, len(before))
        name = "UTF-16" if encoding == "utf-16" else "UTF-8"
        collector.add(
            kinds.UNREADABLE,
            FixedLocation(Span(file, line, column, line, column + 1)),
            f"the file is not {name} text ({error.reason})",
            help="save the file as UTF-8",
        )
        return data.decode(encoding, "replace")


def read_document(text: str, file: str, collector: Collector) -> Document:
    """Compose the document in ``text``; mistakes go to ``collector``. Never raises."""
    document = Document(file, text.removeprefix("\ufeff"))
    for attempt in range(2):
        composer = Composer(document, document.plain, collector)
        try:
            loader = _Loader(document.text)
            composer.compose(loader.get_event)
        except (yaml.reader.ReaderError, UnicodeEncodeError):
            if attempt == 0:
                collected = len(collector.found)
                document.text = _without_unprintable(document, collector)
                if len(collector.found) > collected:
                    continue
            composer.give_up(0)
            collector.add(kinds.SYNTAX, FixedLocation(Span(file, 1, 1, 1, 1)), "the file is not text")
        except yaml.YAMLError as error:
            _report_syntax(error, document, composer, collector)
        break
    document.root, document.unread_from = composer.root, composer.unread_from
    if composer.aliases and document.root is not None:
        _check_expansion(document, composer.count, collector)
    return document


def document_from_data(data: Any, file: str, collector: Collector) -> Document:
    """A document from Python data (mappings, lists, scalars); every place in it is the file's first
    character.
    """
    document = Document(file, "")
    count = [0]

    def convert(value: Any, depth: int) -> Node:
        count[0] += 1
        if depth > MAX_DEPTH:
            collector.add(kinds.TOO_DEEP, _start(file), "the data is nested too deeply or contains itself")
            return BrokenNode(Mark(), Mark())
        if isinstance(value, dict):
            mapping = MappingNode(Mark(), {})
            for key, item in value.items():
                mapping.entries[key] = (GivenScalar(key), convert(item, depth + 1), ())
            return mapping
        if isinstance(value, list | tuple):
            return SequenceNode(Mark(), [convert(item, depth + 1) for item in value])
        if value is None or isinstance(value, bool | int | float | str):
            return GivenScalar(value)
        collector.add(kinds.UNKNOWN_TAG, _start(file), f"a value of type {type(value).__name__} is not plain data")
        return BrokenNode(Mark(), Mark())

    document.root = convert(data, 0)
    return document


def _start(file: str) -> SourceLocation:
    return FixedLocation(Span(file, 1, 1, 1, 1))


def _check_expansion(document: Document, count: int, collector: Collector) -> None:
    """Refuse a document that aliases make too large or too deep; sizes are worked out once per node."""
    limit = MAX_EXPANSION + EXPANSION_PER_NODE * count
    sizes: dict[int, tuple[int, int]] = {}
    stack: list[tuple[Node, bool]] = [(document.root, False)]
    while stack:
        node, seen = stack.pop()
        if id(node) in sizes:
            continue
        children = children_of(node)
        if not seen:
            stack.append((node, True))
            stack.extend((child, False) for child in children if id(child) not in sizes)
            continue
        known = [sizes[id(child)] for child in children]
        size = 1 + sum(of for of, _ in known)
        depth = 1 + max((of for _, of in known), default=0)
        if type(node) is AliasNode:
            size, depth = known[0]
        if size > limit or depth > MAX_DEPTH + 1:
            what, fault = (
                ("more than a file may hold", kinds.TOO_LARGE)
                if size > limit
                else (f"more than {MAX_DEPTH} levels", kinds.TOO_DEEP)
            )
            collector.add(fault, document.location(node), f"aliases expand to {what}", note="the file is not read")
            document.root = None
            document.unread_from = 0
            return
        sizes[id(node)] = (size, depth)


def _without_unprintable(document: Document, collector: Collector) -> str:
    text = document.text
    for found, match in enumerate(re.finditer(_UNPRINTABLE, text)):
        if found == _MAX_REPORTED_CHARACTERS:
            break
        line, column = position(text, match.start())
        collector.add(
            kinds.SYNTAX,
            FixedLocation(Span(document.file, line, column, line, column + 1)),
            f"control character U+{ord(match.group()):04X}",
            note="not allowed in YAML",
            help='write it as "\\xNN" or "\\uNNNN" in double quotes',
        )
    return re.sub(_UNPRINTABLE, "\ufffd", text)


def _report_syntax(error: yaml.YAMLError, document: Document, composer: Composer, collector: Collector) -> None:
    from selinon_core.config.yaml.syntax_errors import syntax_fault  # few files have such an error

    fault = syntax_fault(error, document.file, document.text)
    kind, message = kinds.SYNTAX, fault.message
    if "nesting depth" in message:  # newer parsers have a limit too, and look ahead further than we have read
        kind, message = kinds.TOO_DEEP, f"more than {MAX_DEPTH} levels of nesting"
    collector.add(kind, FixedLocation(fault.span), message, fault.note, fault.help, fault.related)
    composer.give_up(fault.end)


def line_starts(text: str) -> list[int]:
    """Where each line begins; lines end where YAML 1.1 says."""
    return [0, *(found.end() for found in re.finditer("\r\n|[\n\r\x85\u2028\u2029]", text))]


def position(text: str, index: int) -> tuple[int, int]:
    """Line and column, from 1, of a character."""
    starts = line_starts(text[:index])
    return len(starts), index - starts[-1] + 1
