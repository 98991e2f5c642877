"""Whether a file that was found in a directory belongs to the project.

Other tools have files with ``tasks``, ``flows`` or ``global`` too: Taskfiles, playbooks, Helm's values. A file
counts as ours when what stands under one of the five keys looks like it. A file of ours whose one key is misspelt,
or that cannot be read, must not be passed over in silence.
"""

from __future__ import annotations

import re
from typing import Any

from selinon_core.config.read_context import Via, resolve_alias
from selinon_core.config.schema.flows import FLOW
from selinon_core.config.schema.global_section import GLOBAL
from selinon_core.config.schema.mapping import MappingType
from selinon_core.config.schema.nodes import STORAGE, TASK
from selinon_core.config.schema.sections import SECTIONS
from selinon_core.config.yaml.document import Document
from selinon_core.config.yaml.nodes import AliasNode, BrokenNode, MappingNode, Node, SequenceNode
from selinon_core.diagnostics.wording import did_you_mean, is_slip

_ENTRIES: dict[str, MappingType] = {"tasks": TASK, "storages": STORAGE, "flow-definitions": FLOW}
#: How a line begins that names a section, whatever invisible characters or signs of templates stand before it.
#: Not compiled here: only a file that cannot be read is searched for it.
_SECTION = rf"^[^\w\n#]*(?:{'|'.join(SECTIONS)})['\"]?[ \t]*:"


def section_mappings(document: Document) -> list[tuple[Node, Via]]:
    """What may have sections: the document, or where it is a list of mappings with sections, each of them.

    The list is how selinon 1.x let one file hold several files of flows.
    """
    root, via = resolve_alias(document.root, ())
    if type(root) is SequenceNode:
        items = [resolve_alias(item, via) for item in root.items]
        if any(has_section(item) for item, _ in items):
            return items
    return [(root, via)]


def has_section(node: Node) -> bool:
    """Whether one of the five keys stands in a mapping."""
    return type(node) is MappingNode and any(key in SECTIONS for key in node.entries)


def is_ours(document: Document) -> bool:
    """Return whether something under the five keys looks like a part of a project."""
    for root, _ in section_mappings(document):
        if type(root) is MappingNode and any(
            _is_section(key, _plain(value)) for key, (_, value, _) in root.entries.items() if key in SECTIONS
        ):
            return True
    return False


def names_a_section(document: Document) -> bool:
    """Return whether the text, which could not be read as YAML, names a section."""
    text = document.text.replace("\0", "").replace("\ufffd", "")  # as UTF-32 looks
    return re.search(_SECTION, text, re.MULTILINE) is not None


def misspelt_section(document: Document) -> tuple[Node, str] | None:
    """A key on top that is a misspelt section, and which one; None when there is none."""
    root = document.root
    if type(root) is not MappingNode:
        return None
    for key, (written, value, _) in root.entries.items():
        meant = meant_section(key, value)
        if meant is not None:
            return written, meant
    return None


def meant_section(key: Any, value: Node) -> str | None:
    """The section that an unknown key on top must mean, by its name and by what stands under it; else None."""
    meant = did_you_mean(key, SECTIONS) if isinstance(key, str) else None
    if meant is None or not (_folded(key) == _folded(meant) or is_slip(key, meant)):
        return None
    return meant if _is_section(meant, _plain(value)) else None


def _folded(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()


def _is_section(key: str, value: Node) -> bool:
    if type(value) is BrokenNode or _is_empty(value):
        return True
    if key == "global":
        return type(value) is MappingNode and _is_mostly_of(GLOBAL, value)
    if key == "flows":
        return type(value) is SequenceNode and all(hasattr(_plain(item), "value") for item in value.items)
    items: list[Any] = []
    if type(value) is SequenceNode:
        items = [_plain(item) for item in value.items]
        if not items or any(hasattr(item, "value") for item in items):
            return True
    elif type(value) is MappingNode:  # names as keys: a mistake that others make too
        items = [_plain(item) for _, item, _ in value.entries.values()]
    return any(type(item) is MappingNode and _is_mostly_of(_ENTRIES[key], item) for item in items)


def _is_empty(value: Node) -> bool:
    return hasattr(value, "value") and value.value in ("", "~", "null")


def _is_mostly_of(table: MappingType, node: MappingNode) -> bool:
    """Whether more of a mapping's keys are, or nearly are, keys of the language than are not."""
    keys = [str(key) for key in node.entries]
    known = sum(1 for key in keys if key in table.keys or _is_nearly(key, table))
    return 2 * known > len(keys) or not keys


def _is_nearly(key: str, table: MappingType) -> bool:
    meant = did_you_mean(key, table.keys)
    return meant is not None and is_slip(key, meant)


def _plain(node: Node) -> Node:
    while type(node) is AliasNode:
        node = node.target
    return node
