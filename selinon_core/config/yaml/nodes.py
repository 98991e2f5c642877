"""The nodes of a YAML document: what stands where, before anything is understood.

A scalar is kept as the parser's own event (``ScalarEvent``), because most scalars are looked at once; a
document made from Python data has ``GivenScalar`` in its place. Nodes have marks (0-based ``line`` and
``column`` in code points); ``NodeLocation`` turns them into places.
"""

from __future__ import annotations

from typing import Any, Protocol

from selinon_core.diagnostics.location import Edit, Place, SourceLocation, Span


class Mark:
    """A position, 0-based, with the attributes of the parser's own marks."""

    __slots__ = ("column", "index", "line")

    def __init__(self, line: int = 0, column: int = 0, index: int = 0) -> None:
        self.line = line
        self.column = column
        self.index = index


ORIGIN = Mark()


#: the tag of values that are not text to be interpreted
GIVEN_TAG = "given"


class GivenScalar:
    """A scalar that is a Python value already; ``text`` is what messages show."""

    __slots__ = ("given", "value")

    start_mark = ORIGIN
    end_mark = ORIGIN
    implicit = (False, False)
    tag = GIVEN_TAG
    anchor = None
    style = ""

    def __init__(self, given: Any) -> None:
        self.given = given
        self.value = given if isinstance(given, str) else str(given)


class SequenceNode:
    """A list. ``end_mark`` is where its last item ends."""

    __slots__ = ("end_mark", "items", "start_mark")

    def __init__(self, start_mark: Any, items: list[Node]) -> None:
        self.items = items
        self.start_mark = start_mark
        self.end_mark = start_mark


class MappingNode:
    """A mapping with merge keys worked out.

    ``entries`` goes by the constructed key (text, number, bool or None) and is in PyYAML's order: merged
    entries first, a key at its first place with its last value. ``merges``: whether there was a merge key.
    """

    __slots__ = ("end_mark", "entries", "merges", "start_mark")

    def __init__(self, start_mark: Any, entries: dict[Any, Entry]) -> None:
        self.entries = entries
        self.merges = False
        self.start_mark = start_mark
        self.end_mark = start_mark


class AliasNode:
    """A place where an anchored node is used; ``target`` is never an alias itself."""

    __slots__ = ("end_mark", "start_mark", "target")

    def __init__(self, event: Any, target: Node) -> None:
        self.start_mark = event.start_mark
        self.end_mark = event.end_mark
        self.target = target


class BrokenNode:
    """Placeholder for a node that was already reported (unknown tag, recursive alias); later checks skip it."""

    __slots__ = ("end_mark", "start_mark")

    def __init__(self, start_mark: Any, end_mark: Any) -> None:
        self.start_mark = start_mark
        self.end_mark = end_mark


#: The nodes that are not scalars.
CONTAINERS = (MappingNode, SequenceNode, BrokenNode)

#: ``SequenceNode | MappingNode | AliasNode | BrokenNode | ScalarEvent | GivenScalar``; readers ask ``type(node)``.
#: It is ``Any`` because yaml's types do not declare what its events hold.
Node = Any
#: key node, value node, and the aliases through which a merge key reached the entry
Entry = tuple[Any, Node, tuple[AliasNode, ...]]


def children_of(node: Node) -> list[Node]:
    """The nodes directly below a node; keys of mappings are not among them."""
    kind = type(node)
    if kind is SequenceNode:
        return node.items  # type: ignore[no-any-return]
    if kind is MappingNode:
        return [value for _, value, _ in node.entries.values()]
    if kind is AliasNode:
        return [node.target]
    return []


class Editor(Protocol):
    """Makes edits of the text around a node; what they do is described at the methods of ``SourceLocation``."""

    def respelled(self, node: Node, old: str, new: str) -> tuple[Edit, ...]: ...

    def rewritten(self, node: Node, written: str) -> tuple[Edit, ...]: ...

    def removed(self, node: Node, value: Node, *, is_entry: bool = False) -> tuple[Edit, ...]: ...

    def listed(self, node: Node) -> tuple[Edit, ...]: ...

    def followed_by(self, node: Node, written: str) -> tuple[Edit, ...]: ...


class Source(Protocol):
    """The text that nodes are made of, and how messages call its file."""

    @property
    def file(self) -> str: ...

    @property
    def text(self) -> str: ...

    def editor(self) -> Editor: ...


class NodeLocation(SourceLocation):
    """The place of a node in a file."""

    __slots__ = ("_node", "_source")

    def __init__(self, source: Source, node: Node) -> None:
        self._source = source
        self._node = node

    @property
    def span(self) -> Span:
        start, end = self._node.start_mark, self._node.end_mark
        return Span(self._source.file, start.line + 1, self._column(start) + 1, end.line + 1, end.column + 1)

    @property
    def place(self) -> Place:
        start = self._node.start_mark
        return Place(self._source.file, start.line + 1, self._column(start) + 1)

    @property
    def file(self) -> str:
        return self._source.file

    def respelled(self, old: str, new: str) -> tuple[Edit, ...]:
        return self._source.editor().respelled(self._node, old, new)

    def rewritten(self, written: str) -> tuple[Edit, ...]:
        return self._source.editor().rewritten(self._node, written)

    def removed(self, value: SourceLocation | None = None) -> tuple[Edit, ...]:
        if value is None:
            return self._source.editor().removed(self._node, self._node)
        inner = value._node if isinstance(value, NodeLocation) else None
        return () if inner is None else self._source.editor().removed(self._node, inner, is_entry=True)

    def listed(self) -> tuple[Edit, ...]:
        return self._source.editor().listed(self._node)

    def followed_by(self, written: str) -> tuple[Edit, ...]:
        return self._source.editor().followed_by(self._node, written)

    @property
    def is_shared(self) -> bool:
        return "*" in self._source.text and "&" in self._source.text

    def _column(self, start: Any) -> int:
        """Where the text begins, from 0."""
        node = self._node
        column: int = start.column
        if getattr(node, "anchor", None) or getattr(node, "tag", None):
            # Anchor and tag belong to the node; people mean the text behind them.
            text, end = getattr(node, "value", None), node.end_mark
            if isinstance(text, str) and not node.style and start.line == end.line:
                column = max(column, end.column - len(text))
        return column


class TextScalar:
    """A text in the place of another scalar: what is left of it once an escape is taken away."""

    __slots__ = ("end_mark", "start_mark", "value")

    implicit = (False, False)
    tag = None
    anchor = None
    style = '"'

    def __init__(self, value: str, instead_of: Any) -> None:
        self.value = value
        self.start_mark = instead_of.start_mark
        self.end_mark = instead_of.end_mark
