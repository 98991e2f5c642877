"""The parser's events to nodes; positions stay with them.

An own composer, because PyYAML's loses duplicate keys and the places where aliases are used, and is several times
slower. Nothing is executed, and nothing is read that would be too much:

* deep nesting: ``MAX_DEPTH`` bounds what everything behind it may recurse over (and libyaml's scanner is
  quadratic in the depth of flow collections);
* aliases: a node is shared, not copied (``document`` refuses what would expand too far);
* merge keys: the number of entries they copy is bounded;
* tags: only the plain YAML ones mean anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from selinon_core.config.yaml.nodes import (
    AliasNode,
    BrokenNode,
    Entry,
    MappingNode,
    Node,
    NodeLocation,
    SequenceNode,
    Source,
)
from selinon_core.config.yaml.scalars import MAP_TAG, MERGE_TAG, SEQ_TAG, PlainScalars, short_tag, tagged_value
from selinon_core.diagnostics import Fix, Related, fixes_of, kinds
from selinon_core.diagnostics.kinds import Collector, shorten
from selinon_core.diagnostics.location import Edit, FixedLocation, SourceLocation, Span

MAX_DEPTH = 200
#: How many nodes a document may have once aliases are expanded: this many and some per node that is written.
MAX_EXPANSION = 200_000
EXPANSION_PER_NODE = 3
#: Looking for a similar name takes time; a file with so many mistakes needs no more of it.
_MAX_SUGGESTIONS = 100
_ScalarEvent = yaml.ScalarEvent


class _GivenUp(Exception):
    """Raised inside the composer when the rest of the text is not worth reading."""


class Composer:
    """Events to nodes, without recursion.

    ``root`` and ``unread_from`` are those of the document. ``count`` says how many nodes are written, ``aliases``
    how many of them are such.
    """

    def __init__(self, source: Source, plain: PlainScalars, collector: Collector) -> None:
        self.source = source
        self.file = source.file
        self.plain = plain
        self.collector = collector
        self.root: Node | None = None
        self.unread_from: int | None = None
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
            self.root = self.top[0]

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
                    is_key = bool(stack) and type(stack[-1][0]) is MappingNode and len(items) % 2 == 0
                    items.append(self._marked_scalar(event, is_key))
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
                    self._second_document(event)
                    break
            elif event is None or kind is yaml.StreamEndEvent:
                break
            self.count = count

    def give_up(self, index: int) -> None:
        """Keep what is complete: the sections and, in them, the entries before ``index``."""
        self.unread_from = index
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
                self.unread_from = min(index, self.stack[2][0].start_mark.index)
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
        self.root = self.top[0] if self.top else None

    def _at(self, node: Any) -> SourceLocation:
        return NodeLocation(self.source, node)

    def _define(self, anchor: str, node: Node | None, event: Any) -> None:
        if anchor in self.anchors:
            self.collector.add(
                kinds.DUPLICATE_ANCHOR,
                FixedLocation(_head(self.file, event, len(anchor) + 1)),
                f'anchor "{anchor}" is defined again',
                note="aliases below mean this one",
            )
        self.anchors[anchor] = node

    def _second_document(self, event: Any) -> None:
        self.collector.add(
            kinds.SEVERAL_DOCUMENTS,
            self._at(event),
            "a second YAML document begins here",
            help="put it in a file of its own",
        )
        self.unread_from = event.start_mark.index

    def _too_deep(self, event: Any) -> None:
        self.collector.add(
            kinds.TOO_DEEP,
            FixedLocation(_head(self.file, event, 1)),
            f"more than {MAX_DEPTH} levels of nesting",
            note="the rest of the file is not read",
        )
        self.give_up(event.start_mark.index)
        raise _GivenUp

    def _alias(self, event: Any) -> Node:
        self.aliases += 1
        anchor = event.anchor
        if anchor not in self.anchors:
            _report_unknown_alias(self.collector, self._at(AliasNode(event, None)), anchor, self.anchors)
            return BrokenNode(event.start_mark, event.end_mark)
        target = self.anchors[anchor]
        if target is None:
            self.collector.add(
                kinds.RECURSIVE_ALIAS,
                self._at(AliasNode(event, None)),
                f'alias "*{anchor}" stands inside what it refers to',
            )
            return BrokenNode(event.start_mark, event.end_mark)
        return AliasNode(event, target)

    def _marked_scalar(self, event: Any, is_key: bool) -> Node:
        """A scalar with a tag or an anchor. The tag of merge keys means something on a key only."""
        node: Node = event
        if event.tag is not None:
            try:
                tagged_value(event.tag, event.value)
            except LookupError:
                if event.tag != MERGE_TAG or not is_key or event.anchor is not None:
                    _report_unknown_tag(self.collector, self.file, event)
                    node = BrokenNode(event.start_mark, event.end_mark)
            except ValueError:
                self.collector.add(
                    kinds.BAD_SCALAR,
                    self._at(event),
                    f'"{shorten(event.value)}" is not a value of {short_tag(event.tag)}',
                )
                node = BrokenNode(event.start_mark, event.end_mark)
        if event.anchor is not None:
            self._define(event.anchor, node, event)
        return node

    def _collection_tag(self, event: Any, is_mapping: bool) -> bool:
        if event.tag is None or event.tag == "!" or event.tag == (MAP_TAG if is_mapping else SEQ_TAG):
            return True
        _report_unknown_tag(self.collector, self.file, event)
        return False

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
                        kinds.BAD_KEY, self._at(written), "a key has to be a single value, no list or mapping"
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
                    kinds.DUPLICATE_KEY,
                    self._at(written),
                    f'duplicate key "{shorten(key.value)}"',
                    note="the last one counts",
                    related=(Related(self._at(first).span, "first given here"),),
                    fixes=_without(self._at(first), entries[name][1], self.source),
                )
            entries[name] = (written, value, ())
        if merges is not None:
            node.merges = True
            entries = self._merge(merges, entries)
        node.entries = entries

    def _merge(self, merges: list[tuple[Any, Node]], own: dict[Any, Entry]) -> dict[Any, Entry]:
        from selinon_core.config.yaml.merge_keys import MergeKeys

        most = MAX_EXPANSION + EXPANSION_PER_NODE * self.count - self.merged
        merge_keys = MergeKeys(self.source, self.collector, most)
        entries = merge_keys.entries(merges, own)
        self.merged += merge_keys.copied
        if entries is None:
            self.give_up(0)
            self.root = None
            raise _GivenUp
        return entries


def _without(key: SourceLocation, value: Node, source: Source) -> tuple[Fix, ...]:
    """The removal of an entry that a later one replaces anyway."""
    edits = key.removed(NodeLocation(source, value))
    return fixes_of(("remove the first one", not key.is_shared, edits))


def _report_unknown_alias(
    collector: Collector, place: SourceLocation, anchor: str, anchors: Iterable[str]
) -> None:
    help_text = ""
    if len(collector.found) < _MAX_SUGGESTIONS:
        from selinon_core.diagnostics.wording import Question, did_you_mean

        close = did_you_mean(anchor, anchors)
        help_text = Question(f'did you mean "*{close}"?', anchor, close, tuple(anchors)) if close else ""
    collector.add(
        kinds.UNKNOWN_ALIAS,
        place,
        f'unknown alias "*{anchor}"',
        note="no anchor of this name stands above",
        help=help_text,
    )


def _report_unknown_tag(collector: Collector, file: str, event: Any) -> None:
    tag = short_tag(event.tag)
    place = _head(file, event, len(tag))
    help = "write plain values, lists and mappings"
    fixes: tuple[Fix, ...] = ()
    if tag[:1] == "!" and "." in tag and all(part.isidentifier() for part in tag[1:].split(".")):
        help += f'; in an expression, write "not {shorten(tag[1:])}"'
        sign = place._replace(end_column=place.column + 1)
        fixes = (Fix('write "not"', False, (Edit(sign, "not "),)),)
    collector.add(
        kinds.UNKNOWN_TAG,
        FixedLocation(place),
        f'unknown tag "{shorten(tag)}"',
        note="tags are never executed",
        help=help,
        fixes=fixes,
    )


def _head(file: str, event: Any, length: int) -> Span:
    mark = event.start_mark
    return Span(file, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 1 + length)
