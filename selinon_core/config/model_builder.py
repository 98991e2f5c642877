"""Documents to the model: the five sections of every file, put together."""

from __future__ import annotations

import re
from typing import Any

from selinon_core.config.model import FlowDef, GlobalDef, NameRef, ProjectModel, StorageDef, TaskDef
from selinon_core.config.read_context import BROKEN, ReadContext, Via, resolve_alias
from selinon_core.config.recognition import has_section, meant_section, section_mappings
from selinon_core.config.schema.global_section import GLOBAL
from selinon_core.config.schema.sections import SECTIONS
from selinon_core.config.yaml.document import Document
from selinon_core.config.yaml.nodes import BrokenNode, MappingNode, Node, SequenceNode
from selinon_core.diagnostics import Related, fixes_of, kinds
from selinon_core.diagnostics.kinds import Collector
from selinon_core.diagnostics.location import FixedLocation, Span
from selinon_core.diagnostics.wording import suggestion

_GLOBAL_KEYS = tuple(GLOBAL.keys)
#: The sections whose entries have names that others refer to.
_DEFINING = ("tasks", "storages", "flow-definitions")


class _EveryName(frozenset[str]):
    """The names that may be defined in a file, or in a section of it, of which nothing could be read."""

    def __contains__(self, name: object) -> bool:
        return True


class ModelBuilder:
    """Takes documents one by one and gives the model of them all."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self._tasks: list[TaskDef] = []
        self._storages: list[StorageDef] = []
        self._flows: list[FlowDef] = []
        self._flow_list: list[NameRef] | None = None
        self._settings = _no_settings()
        self._files: list[str] = []
        self._maybe: set[str] = set()
        self._incomplete = False
        #: Nothing could be read of a file or a section, not even the names of what it defines.
        self._unread = False
        self._has_expressions = False

    def add(self, document: Document) -> None:
        """Read a document that has at least one section; one without any is reported."""
        self._files.append(document.file)
        if document.unread_from is not None:
            self._incomplete = True
            text = document.text[document.unread_from :]
            self._maybe.update(re.findall(r"\bname['\"]?[ \t]*:[ \t]*['\"]?([A-Za-z_]\w*)", text))
        defined = self._defined()
        reading = ReadContext(document, self.collector)
        for root, via in section_mappings(document):
            if document.unread_from is None and type(root) is not BrokenNode and not has_section(root):
                self._no_section(document, root)
            if type(root) is MappingNode:
                self._sections(reading, root, via)
        if document.unread_from is not None and self._defined() == defined:
            self._unread = True
        self._has_expressions = self._has_expressions or reading.has_expressions

    def _defined(self) -> int:
        """How many definitions were read so far."""
        return len(self._tasks) + len(self._flows) + len(self._storages)

    def _sections(self, reading: ReadContext, root: MappingNode, via: Via) -> None:
        for key, (written_key, value, inner) in root.entries.items():
            if key in SECTIONS:
                self._section(reading, key, written_key, *resolve_alias(value, via + inner))
            elif not str(key).startswith("x-"):
                is_meant = meant_section(key, value) in _DEFINING
                if is_meant:  # others refer to what is defined in it: that alone is what is wrong
                    self._incomplete = self._unread = True
                reading.report(
                    kinds.MISSPELT_SECTION if is_meant else kinds.UNKNOWN_SECTION,
                    written_key,
                    via + inner,
                    f'unknown top-level key "{key}" is ignored',
                    note="not a section",
                    help=suggestion(str(key), SECTIONS)
                    or 'sections of your own begin with "x-"; known are ' + ", ".join(SECTIONS),
                )

    def add_unreadable(self, name: str) -> None:
        """Note that a file of the project could not be read at all."""
        self._files.append(name)
        self._incomplete = self._unread = True

    def model(self) -> ProjectModel:
        """What all documents say together."""
        if any(flow.like is not None for flow in self._flows):
            from selinon_core.config.flow_copies import fill_copies

            fill_copies(self._flows, self.collector)
        return ProjectModel(
            tuple(self._tasks),
            tuple(self._flows),
            tuple(self._storages),
            None if self._flow_list is None else tuple(self._flow_list),
            self._settings,
            tuple(self._files),
            _EveryName() if self._unread else frozenset(self._maybe),
            self._incomplete,
            self._has_expressions,
        )

    def _no_section(self, document: Document, root: Node | None) -> None:
        self._incomplete = self._unread = True
        location = FixedLocation(Span(document.file, 1, 1, 1, 1))
        if root is not document.root or type(root) is SequenceNode or hasattr(root, "value"):
            location = FixedLocation(document.location(root).span)
        self.collector.add(
            kinds.NO_SECTION,
            location,
            "the file has none of " + ", ".join(SECTIONS),
            note="expected a mapping with one of them" if root is not None else "the file is empty",
        )

    def _section(self, reading: ReadContext, key: str, written_key: Any, value: Node, via: Via) -> None:
        empty = hasattr(value, "value") and reading.scalar(value) is None
        if empty or (type(value) is SequenceNode and not value.items):
            if key == "flows" and not empty:
                self._flow_list = self._flow_list or []
            return
        if key in _DEFINING:
            self._maybe.update(_names_outside_of_entries(value))
        found = SECTIONS[key][0].read(reading, value, via, f'"{key}"')
        if found is BROKEN:
            self._incomplete = True
            self._unread = self._unread or key in _DEFINING
            return
        if key == "tasks":
            self._tasks.extend(task for task in found if task is not BROKEN)
        elif key == "storages":
            self._storages.extend(storage for storage in found if storage is not BROKEN)
        elif key == "flow-definitions":
            self._flows.extend(flow for flow in found if flow is not BROKEN)
        elif key == "flows":
            self._flow_list = [*(self._flow_list or ()), *found]
        else:
            self._merge_settings(found)

    def _merge_settings(self, found: GlobalDef) -> None:
        """Sections of several files are one; of a key that is given twice the last counts."""
        merged: dict[str, Any] = dict(self._settings.keys)
        for key in found.keys:
            if key not in _GLOBAL_KEYS:
                continue
            if key in merged:
                self.collector.add(
                    kinds.GIVEN_TWICE,
                    found.key_location(key),
                    f'"{key}" is given in several files',
                    note="the last one counts",
                    related=(Related(merged[key][0].span, "also given here"),),
                    fixes=fixes_of(("remove the first one", False, merged[key][0].removed(merged[key][1]))),
                )
            merged[key] = found.keys[key]
            setattr(self._settings, key, getattr(found, key))
        self._settings.keys = merged
        self._settings.location = found.location


def _names_outside_of_entries(value: Node) -> list[str]:
    """Names where the entries of a list should be: ``tasks: [A, B]``, ``tasks: {A: {...}}``."""
    if type(value) is MappingNode:
        return [key for key in value.entries if isinstance(key, str)]
    items = value.items if type(value) is SequenceNode else ()
    return [item.value for item in items if isinstance(getattr(item, "value", None), str)]


def _no_settings() -> GlobalDef:
    settings = GlobalDef()
    for attribute, default in GLOBAL.defaults:
        setattr(settings, attribute, default)
    return settings
