"""What the readers share: one file being read, and how values in it are got at and complained about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from selinon_core.config.yaml.document import Document
from selinon_core.config.yaml.nodes import (
    CONTAINERS,
    GIVEN_TAG,
    AliasNode,
    BrokenNode,
    MappingNode,
    Node,
    NodeLocation,
    SequenceNode,
)
from selinon_core.config.yaml.scalars import tagged_value
from selinon_core.diagnostics import Fix, Related, kinds
from selinon_core.diagnostics.kinds import Collector, DiagnosticKind, shorten
from selinon_core.diagnostics.location import AliasedLocation, SourceLocation

if TYPE_CHECKING:
    from selinon_core.config.yaml.scalar_places import ScalarPlaces

Via = tuple[AliasNode, ...]


class Broken:
    """The type of ``BROKEN``."""

    __slots__ = ()


#: What reading gives for a value that has been reported.
BROKEN: Final = Broken()


class ReadContext:
    """One document on its way to the model. ``collector`` gets what is wrong with it.

    ``has_expressions``: a text of the expression language, or a template, was in it.
    """

    __slots__ = ("collector", "document", "file", "has_expressions", "plain")

    def __init__(self, document: Document, collector: Collector) -> None:
        self.document = document
        self.collector = collector
        self.file = document.file
        self.plain = document.plain
        self.has_expressions = False

    def location(self, node: Node, via: Via) -> SourceLocation:
        """Where ``node`` stands, with the uses that led to it."""
        location = NodeLocation(self.document, node)
        if not via:
            return location
        return AliasedLocation(location, tuple(NodeLocation(self.document, use) for use in via))

    def places(self, node: Node) -> ScalarPlaces:
        """Where the characters of a scalar's value stand."""
        from selinon_core.config.yaml.scalar_places import ScalarPlaces  # few texts need places inside them

        return ScalarPlaces(self.file, self.document.text, node)

    def scalar(self, node: Any) -> Any:
        """The value of a scalar node: text, number, bool or None."""
        tag = node.tag
        if tag is None:
            return self.plain[node.value] if node.implicit[0] else node.value
        return node.given if tag == GIVEN_TAG else tagged_value(tag, node.value)

    def value_of(self, node: Node) -> Any:
        """The value of a scalar node; None for any other one."""
        return None if type(node) in CONTAINERS else self.scalar(node)

    def report(
        self,
        fault: DiagnosticKind,
        node: Node,
        via: Via,
        message: str,
        note: str = "",
        help: str = "",
        related: Iterable[Related] = (),
        fixes: tuple[Fix, ...] = (),
    ) -> Broken:
        """Report a mistake at a node."""
        self.collector.add(fault, self.location(node, via), message, note, help, related, fixes)
        return BROKEN

    def wrong_type(
        self, node: Node, via: Via, label: str, expected: str, help: str = "", fixes: tuple[Fix, ...] = ()
    ) -> Broken:
        """Report a value of the wrong type; ``expected`` says what would be right. Silent on broken nodes."""
        if type(node) is BrokenNode:
            return BROKEN
        return self.report(
            kinds.WRONG_TYPE,
            node,
            via,
            f"{label} has to be {expected}, not {self.describe(node)}",
            note=f"expected {expected}",
            help=help,
            fixes=fixes,
        )

    def describe(self, node: Node) -> str:
        """A node in a few words, for messages."""
        if type(node) is MappingNode:
            return "a mapping"
        if type(node) is SequenceNode:
            return "a list" if node.items else "an empty list"
        value = self.scalar(node)
        if value is None:
            return "null"
        if isinstance(value, bool):
            return f"the boolean {shorten(node.value)}"
        if isinstance(value, int | float):
            return f"the number {shorten(node.value)}"
        return f'the text "{shorten(value)}"'


def resolve_alias(node: Node, via: Via) -> tuple[Node, Via]:
    """The node behind an alias, and how one got there."""
    while type(node) is AliasNode:
        via = (*via, node)
        node = node.target
    return node, via


class KeyLocations(Mapping[str, tuple[SourceLocation, SourceLocation]]):
    """The locations of a mapping's keys and values, worked out on demand."""

    __slots__ = ("_node", "_reading", "_via")

    def __init__(self, reading: ReadContext, node: MappingNode, via: Via) -> None:
        self._reading = reading
        self._node = node
        self._via = via

    def __getitem__(self, key: str) -> tuple[SourceLocation, SourceLocation]:
        name, value, inner = self._node.entries[key]
        via = self._via + inner
        return self._reading.location(name, via), self._reading.location(*resolve_alias(value, via))

    def __iter__(self) -> Iterator[str]:
        return iter(self._node.entries)

    def __len__(self) -> int:
        return len(self._node.entries)

    def __contains__(self, key: object) -> bool:
        return key in self._node.entries

    @property
    def merges(self) -> bool:
        """Whether the mapping uses a merge key."""
        return self._node.merges

    def below(self, key: str) -> Mapping[str, tuple[SourceLocation, SourceLocation]]:
        """The locations of the mapping that is the value of ``key``; empty when the value is not a mapping."""
        _, value, inner = self._node.entries[key]
        node, via = resolve_alias(value, self._via + inner)
        return KeyLocations(self._reading, node, via) if type(node) is MappingNode else {}
