"""YAML text to nodes with positions, whatever the text is: never an exception, never a hang, nothing
executed.

An own composer over the parser's events, because PyYAML's loses duplicate keys and the places where aliases
are used, and is several times slower. What it guards against:

* deep nesting: ``MAX_DEPTH`` bounds what everything behind it may recurse over (and libyaml's scanner is
  quadratic in the depth of flow collections);
* aliases: a node is shared, not copied, and a document whose expansion would be too large is refused;
* merge keys: the number of entries they copy is bounded;
* tags: only the plain YAML ones mean anything.

After a syntax error the document holds what was complete before it; ``Document.unread_from`` tells where the
rest begins.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from selinon_core.config import codes
from selinon_core.config.codes import Collector
from selinon_core.config.nodes import (
    AliasNode,
    BrokenNode,
    Entry,
    GivenScalar,
    MappingNode,
    Mark,
    Node,
    NodeSpot,
    SequenceNode,
)
from selinon_core.config.scalars import MAP_TAG, MERGE_TAG, SEQ_TAG, PlainScalars, tagged_value
from selinon_core.config.spots import FixedSpot, Spot
from selinon_core.diagnostics import Related
from selinon_core.source import Span

MAX_DEPTH = 200
#: How many nodes a document may have once aliases are expanded: this many and some per node that is written.
MAX_EXPANSION = 200_000
_EXPANSION_PER_NODE = 3
_MAX_REPORTED_CHARACTERS = 10
#: Looking for a similar name takes time; a file with so many mistakes needs no more of it.
_MAX_SUGGESTIONS = 100

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ScalarEvent = yaml.ScalarEvent
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

    def spot(self, node: Node) -> Spot:
        """Where a node stands."""
        return NodeSpot(self.file, node)


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
            codes.UNREADABLE,
            FixedSpot(Span(file, line, column, line, column + 1)),
            f"the file is not {name} text ({error.reason})",
            help="save the file as UTF-8",
        )
        return data.decode(encoding, "replace")


def read_document(text: str, file: str, collector: Collector) -> Document:
    """Compose the document in ``text``; mistakes go to ``collector``. Never raises."""
    document = Document(file, text.removeprefix("\ufeff"))
    for attempt in range(2):
        composer = _Composer(document, collector)
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
            collector.add(codes.SYNTAX, FixedSpot(Span(file, 1, 1, 1, 1)), "the file is not text")
        except yaml.YAMLError as error:
            _report_syntax(error, document, composer, collector)
        break
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
            collector.add(codes.TOO_DEEP, _start(file), "the data is nested too deeply or contains itself")
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
        collector.add(codes.UNKNOWN_TAG, _start(file), f"a value of type {type(value).__name__} is no plain data")
        return BrokenNode(Mark(), Mark())

    document.root = convert(data, 0)
    return document


def _start(file: str) -> Spot:
    return FixedSpot(Span(file, 1, 1, 1, 1))


class _GivenUp(Exception):
    """Raised inside the composer when the rest of the text is not worth reading."""


class _Composer:
    """Events to nodes, without recursion."""

    def __init__(self, document: Document, collector: Collector) -> None:
        self.document = document
        self.collector = collector
        self.plain = document.plain
        self.anchors: dict[str, Node | None] = {}
        self.aliases = 0
        self.count = 0
        self.merged = 0
        #: per open collection: its node (None: its tag is unknown), its items, its anchor, flow style
        self.stack: list[tuple[SequenceNode | MappingNode, list[Node], str | None, bool, bool]] = []
        self.items: list[Node] = []
        self.top: list[Node] = []

    def compose(self, get_event: Any) -> None:
        """Read one document; the parser's errors pass through."""
        try:
            self._compose(get_event)
        except _GivenUp:
            return
        if self.top:
            self.document.root = self.top[0]

    def _compose(self, get_event: Any) -> None:
        scalar, mapping_start, mapping_end = _ScalarEvent, yaml.MappingStartEvent, yaml.MappingEndEvent
        sequence_start, sequence_end = yaml.SequenceStartEvent, yaml.SequenceEndEvent
        items = self.top
        stack = self.stack
        documents = count = 0
        while True:
            event = get_event()
            kind = type(event)
            if kind is scalar:
                count += 1
                if event.anchor is not None or event.tag is not None:
                    items.append(self._marked_scalar(event))
                else:
                    items.append(event)
            elif kind is mapping_start or kind is sequence_start:
                count += 1
                start = event.start_mark
                node = MappingNode(start, {}) if kind is mapping_start else SequenceNode(start, [])
                known = self._collection_tag(event, kind is mapping_start)
                if event.anchor is not None:
                    self._define(event.anchor, None, event)
                stack.append((node, items, event.anchor, bool(event.flow_style), known))
                items = []
                self.items = items
                if len(stack) > MAX_DEPTH:
                    self._too_deep(event)
            elif kind is mapping_end or kind is sequence_end:
                node, outer, anchor, flow, known = stack.pop()
                if flow:
                    node.end_mark = event.end_mark
                elif items:
                    node.end_mark = items[-1].end_mark
                if type(node) is MappingNode:
                    self._fill(node, items)
                else:
                    node.items = items  # type: ignore[union-attr]
                finished: Node = node if known else BrokenNode(node.start_mark, node.end_mark)
                if anchor is not None:
                    self.anchors[anchor] = finished
                items = outer
                self.items = items
                items.append(finished)
            elif kind is yaml.AliasEvent:
                count += 1
                items.append(self._alias(event))
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self.collector.add(
                        codes.SEVERAL_DOCUMENTS,
                        self._at(event),
                        "a second YAML document begins here",
                        help="put it in a file of its own",
                    )
                    self.document.unread_from = event.start_mark.index
                    break
            elif event is None or kind is yaml.StreamEndEvent:
                break
            self.count = count

    def give_up(self, index: int) -> None:
        """Keep what is complete: the sections and, in them, the entries before ``index``."""
        self.document.unread_from = index
        if not self.stack:
            return
        root, outer, _, _, _ = self.stack[0]
        if len(self.stack) > 1:
            section = self.stack[1][0]
            started = self.stack[1][1]  # the items of the root
            inner = self.stack[2][1] if len(self.stack) > 2 else self.items
            if type(section) is SequenceNode:
                section.items = inner
                started.append(section)
            if len(self.stack) > 2:
                self.document.unread_from = min(index, self.stack[2][0].start_mark.index)
            content = started
        else:
            content = self.items
        if type(root) is MappingNode:
            if len(content) % 2:
                content.pop()
            self._fill(root, content)
        elif type(root) is SequenceNode:
            root.items = content
        outer.append(root)
        self.document.root = self.top[0] if self.top else None

    def _at(self, node: Any) -> Spot:
        return NodeSpot(self.document.file, node)

    def _define(self, anchor: str, node: Node | None, event: Any) -> None:
        if anchor in self.anchors:
            self.collector.add(
                codes.DUPLICATE_ANCHOR,
                FixedSpot(_head(self.document.file, event, len(anchor) + 1)),
                f'anchor "{anchor}" is defined again',
                note="aliases below mean this one",
            )
        self.anchors[anchor] = node

    def _too_deep(self, event: Any) -> None:
        self.collector.add(
            codes.TOO_DEEP,
            FixedSpot(_head(self.document.file, event, 1)),
            f"more than {MAX_DEPTH} levels of nesting",
            note="the rest of the file is not read",
        )
        self.give_up(event.start_mark.index)
        raise _GivenUp

    def _alias(self, event: Any) -> Node:
        self.aliases += 1
        anchor = event.anchor
        if anchor not in self.anchors:
            help_text = ""
            if len(self.collector.found) < _MAX_SUGGESTIONS:
                from selinon_core.suggestions import did_you_mean

                close = did_you_mean(anchor, self.anchors)
                help_text = f'did you mean "*{close}"?' if close else ""
            self.collector.add(
                codes.UNKNOWN_ALIAS,
                self._at(AliasNode(event, None)),
                f'unknown alias "*{anchor}"',
                note="no anchor of this name stands above",
                help=help_text,
            )
            return BrokenNode(event.start_mark, event.end_mark)
        target = self.anchors[anchor]
        if target is None:
            self.collector.add(
                codes.RECURSIVE_ALIAS,
                self._at(AliasNode(event, None)),
                f'alias "*{anchor}" stands inside what it refers to',
            )
            return BrokenNode(event.start_mark, event.end_mark)
        return AliasNode(event, target)

    def _marked_scalar(self, event: Any) -> Node:
        node: Node = event
        if event.tag is not None:
            try:
                tagged_value(event.tag, event.value)
            except LookupError:
                if event.tag != MERGE_TAG:
                    self._unknown_tag(event)
                    node = BrokenNode(event.start_mark, event.end_mark)
            except ValueError:
                self.collector.add(
                    codes.BAD_SCALAR, self._at(event), f'"{shorten(event.value)}" is no {short_tag(event.tag)}'
                )
                node = BrokenNode(event.start_mark, event.end_mark)
        if event.anchor is not None:
            self._define(event.anchor, node, event)
        return node

    def _collection_tag(self, event: Any, is_mapping: bool) -> bool:
        if event.tag is None or event.tag == "!" or event.tag == (MAP_TAG if is_mapping else SEQ_TAG):
            return True
        self._unknown_tag(event)
        return False

    def _unknown_tag(self, event: Any) -> None:
        tag = short_tag(event.tag)
        self.collector.add(
            codes.UNKNOWN_TAG,
            FixedSpot(_head(self.document.file, event, len(tag))),
            f'unknown tag "{shorten(tag)}"',
            note="tags are never executed",
            help="write plain values, lists and mappings",
        )

    def _fill(self, node: MappingNode, items: list[Node]) -> None:
        """Work out keys, duplicates and merge keys."""
        entries: dict[Any, Entry] = {}
        plain = self.plain
        merges: list[tuple[Any, Node]] | None = None
        for index in range(0, len(items), 2):
            key, value = items[index], items[index + 1]
            written = key
            if type(key) is AliasNode:
                key = key.target
            if type(key) is not _ScalarEvent:
                if type(key) is not BrokenNode:
                    self.collector.add(
                        codes.BAD_KEY, self._at(written), "a key has to be a single value, no list or mapping"
                    )
                continue
            if key.tag is not None and key.tag != "!":
                if key.tag == MERGE_TAG:
                    merges = [*(merges or ()), (written, value)]
                    continue
                name = tagged_value(key.tag, key.value)
            elif key.implicit[0]:
                name = plain[key.value]
                if name == "<<":
                    merges = [*(merges or ()), (written, value)]
                    continue
            else:
                name = key.value
            if name in entries:
                first = entries[name][0]
                self.collector.add(
                    codes.DUPLICATE_KEY,
                    self._at(written),
                    f'duplicate key "{shorten(key.value)}"',
                    note="the last one counts",
                    related=(Related(self._at(first).span, "first given here"),),
                )
            entries[name] = (written, value, ())
        if merges is not None:
            node.merges = True
            entries = self._merge(merges, entries)
        node.entries = entries

    def _merge(self, merges: list[tuple[Any, Node]], own: dict[Any, Entry]) -> dict[Any, Entry]:
        """Later merge keys win over earlier ones, in a list the first wins, own keys win (as in PyYAML 6.0.3)."""
        merged: dict[Any, Entry] = {}
        for key, value in merges:
            target = value.target if type(value) is AliasNode else value
            around = (value,) if type(value) is AliasNode else ()
            parts = list(reversed(target.items)) if type(target) is SequenceNode else [value]
            via = around if type(target) is SequenceNode else ()
            for part in parts:
                mapping = part.target if type(part) is AliasNode else part
                through = (*via, part) if type(part) is AliasNode else via
                if type(mapping) is BrokenNode:
                    continue
                if type(mapping) is not MappingNode:
                    self.collector.add(
                        codes.BAD_MERGE,
                        self._at(part),
                        "a merge key takes a mapping or a list of mappings",
                        note="this is neither",
                        related=(Related(self._at(key).span, "merged here"),),
                    )
                    continue
                self.merged += len(mapping.entries)
                if self.merged > MAX_EXPANSION + _EXPANSION_PER_NODE * self.count:
                    self.collector.add(codes.TOO_LARGE, self._at(key), "merge keys copy too many entries")
                    self.give_up(0)
                    self.document.root = None
                    raise _GivenUp
                if through:
                    for name, (at, item, inner) in mapping.entries.items():
                        merged[name] = (at, item, through + inner)
                else:
                    merged.update(mapping.entries)
        merged.update(own)
        return merged


def _check_expansion(document: Document, count: int, collector: Collector) -> None:
    """Refuse a document that aliases make too large or too deep; sizes are worked out once per node."""
    limit = MAX_EXPANSION + _EXPANSION_PER_NODE * count
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
                ("more than a file may hold", codes.TOO_LARGE)
                if size > limit
                else (f"more than {MAX_DEPTH} levels", codes.TOO_DEEP)
            )
            collector.add(fault, document.spot(node), f"aliases expand to {what}", note="the file is not read")
            document.root = None
            document.unread_from = 0
            return
        sizes[id(node)] = (size, depth)


def children_of(node: Node) -> list[Node]:
    """The nodes directly below a node; keys of mappings are none."""
    kind = type(node)
    if kind is SequenceNode:
        return node.items  # type: ignore[no-any-return]
    if kind is MappingNode:
        return [value for _, value, _ in node.entries.values()]
    if kind is AliasNode:
        return [node.target]
    return []


def _without_unprintable(document: Document, collector: Collector) -> str:
    text = document.text
    for found, match in enumerate(re.finditer(_UNPRINTABLE, text)):
        if found == _MAX_REPORTED_CHARACTERS:
            break
        line, column = position(text, match.start())
        collector.add(
            codes.SYNTAX,
            FixedSpot(Span(document.file, line, column, line, column + 1)),
            f"control character U+{ord(match.group()):04X}",
            note="not allowed in YAML",
            help='write it as "\\xNN" or "\\uNNNN" in double quotes',
        )
    return re.sub(_UNPRINTABLE, "\ufffd", text)


def _report_syntax(error: yaml.YAMLError, document: Document, composer: _Composer, collector: Collector) -> None:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None) or Mark()
    context, around = getattr(error, "context", None), getattr(error, "context_mark", None)
    related: tuple[Related, ...] = ()
    if context and around is not None and (around.line, around.column) != (mark.line, mark.column):
        place = Span(document.file, around.line + 1, around.column + 1, around.line + 1, around.column + 2)
        related = (Related(place, str(context)),)
    place = Span(document.file, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
    fault, message = codes.SYNTAX, f"YAML syntax: {getattr(error, 'problem', None) or 'this cannot be read'}"
    if "nesting depth" in message:  # newer parsers have a limit too, and look ahead further than we have read
        fault, message = codes.TOO_DEEP, f"more than {MAX_DEPTH} levels of nesting"
    collector.add(
        fault,
        FixedSpot(place),
        message,
        note=str(context) if context and not related else "",
        related=related,
    )
    composer.give_up(mark.index)


def line_starts(text: str) -> list[int]:
    """Where each line begins; lines end where YAML 1.1 says."""
    return [0, *(found.end() for found in re.finditer("\r\n|[\n\r\x85\u2028\u2029]", text))]


def position(text: str, index: int) -> tuple[int, int]:
    """Line and column, from 1, of a character."""
    starts = line_starts(text[:index])
    return len(starts), index - starts[-1] + 1


def _head(file: str, event: Any, length: int) -> Span:
    mark = event.start_mark
    return Span(file, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 1 + length)


def short_tag(tag: str) -> str:
    """A tag as people write it."""
    return "!!" + tag[18:] if tag.startswith("tag:yaml.org,2002:") else tag


def shorten(text: str) -> str:
    """Text for a message: one line of at most 60 characters."""
    line = " ".join(text.split()) if len(text) < 10_000 else " ".join(text[:200].split())
    return line if len(line) <= 60 else line[:57] + "..."
