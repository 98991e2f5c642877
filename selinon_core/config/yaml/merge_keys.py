"""Merge keys (``<<``): the entries that a mapping takes over from others. Few files have any."""

from __future__ import annotations

from typing import Any

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
from selinon_core.diagnostics import Related, kinds
from selinon_core.diagnostics.kinds import Collector


class MergeKeys:
    """The merge keys of one mapping. ``copied`` counts the entries they copy, of which ``most`` are allowed."""

    def __init__(self, source: Source, collector: Collector, most: int) -> None:
        self.copied = 0
        self._source = source
        self._collector = collector
        self._most = most

    def entries(self, merges: list[tuple[Any, Node]], own: dict[Any, Entry]) -> dict[Any, Entry] | None:
        """The entries of a mapping with its ``own`` ones; None when too many are copied, which is reported.

        ``merges`` are the keys and their values. Later merge keys win over earlier ones, in a list the first wins,
        own keys win (as in PyYAML 6.0.3).
        """
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
                    self._report_bad(key, part)
                    continue
                self.copied += len(mapping.entries)
                if self.copied > self._most:
                    place = NodeLocation(self._source, key)
                    self._collector.add(kinds.TOO_LARGE, place, "merge keys copy too many entries")
                    return None
                if through:
                    for name, (at, item, inner) in mapping.entries.items():
                        merged[name] = (at, item, through + inner)
                else:
                    merged.update(mapping.entries)
        merged.update(own)
        return merged

    def _report_bad(self, key: Any, part: Node) -> None:
        self._collector.add(
            kinds.BAD_MERGE,
            NodeLocation(self._source, part),
            "a merge key takes a mapping or a list of mappings",
            note="this is neither",
            related=(Related(NodeLocation(self._source, key).span, "merged here"),),
        )
