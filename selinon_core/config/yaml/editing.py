"""Edits of YAML text: what is written is changed as little as possible, and never by writing all data again.

Each method of ``TextEditor`` takes a node and returns edits; none where the text is written in a way that does
not allow the change. Comments, quotes and line breaks stay what they are.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from selinon_core.config.yaml.nodes import AliasNode, BrokenNode, MappingNode, Node, SequenceNode
from selinon_core.config.yaml.scalar_places import BREAK, ScalarPlaces, behind_properties
from selinon_core.config.yaml.scalars import PlainScalars
from selinon_core.diagnostics.location import Edit, Span

_BLANKS = " \t"
_OTHER_BREAKS = "\r\x85\u2028\u2029"
#: what a reader takes for a word needs no quotes
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
_ITEM = re.compile(r"[ \t]*-[ \t]+")
_ANCHOR = re.compile(r"(?:^|[\s,\[{:-])&\w")


class TextEditor:
    """The text of a document, and edits of it."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text

    def respelled(self, node: Node, old: str, new: str) -> tuple[Edit, ...]:
        """The one word ``old`` of a scalar becomes ``new``, in its quotes; an alias gets another name."""
        if type(node) in (AliasNode, BrokenNode):
            start, end = node.start_mark.index, node.end_mark.index
            return (self._edit(node, start, end, f"*{new}"),) if self.text[start:end] == f"*{old}" else ()
        if type(node) is not yaml.ScalarEvent or not old or "\n" in new:
            return ()
        starts = [0] if node.value == old else _starts_of(old, node.value)
        if len(starts) != 1:
            return ()
        span = ScalarPlaces(self.file, self.text, node).span(starts[0], starts[0] + len(old))
        if node.style == "'":
            new = new.replace("'", "''")
        elif node.style == '"':
            new = json.dumps(new, ensure_ascii=False)[1:-1]
        elif not node.style and not is_plain(new):
            if node.value != old:
                return ()
            new = json.dumps(new, ensure_ascii=False)
        return (Edit(span, new),)

    def rewritten(self, node: Node, written: str) -> tuple[Edit, ...]:
        """Other YAML in the place of a scalar and its quotes; its anchor and its tag stay."""
        if type(node) is not yaml.ScalarEvent or node.style in ("|", ">") or node.tag is not None:
            return ()
        event: Any = node  # yaml's types say that events may have no marks
        start, end = self._content_start(event), event.end_mark.index
        return (self._edit(node, start, end, written),) if start < end else ()

    def removed(self, node: Node, value: Node, *, is_entry: bool = False) -> tuple[Edit, ...]:
        """An item of a list is gone, or with ``is_entry`` the entry of a mapping with this key and value."""
        text = self.text
        start, end = node.start_mark.index, max(value.end_mark.index, node.end_mark.index)
        if _ANCHOR.search(text, start, end):
            return ()
        behind = _behind_space(text, end)
        if text[behind : behind + 1] in (",", "]", "}"):
            return self._removed_from_flow(node, start, end, behind)
        return self._removed_lines(node, start, end, is_entry=is_entry)

    def _removed_from_flow(self, node: Node, start: int, end: int, behind: int) -> tuple[Edit, ...]:
        text = self.text
        if text[behind] == ",":
            end = behind + 1
            while end < len(text) and text[end] in _BLANKS:
                end += 1
        else:
            before = len(text[:start].rstrip())
            if before and text[before - 1] == ",":
                start = before - 1
        return (self._edit(node, start, end, ""),)

    def _removed_lines(self, node: Node, start: int, end: int, *, is_entry: bool) -> tuple[Edit, ...]:
        text = self.text
        line = _line_start(text, start)
        before = text[line:start]
        dash = _ITEM.fullmatch(before)
        if text[end - 1 : end] not in ("\n", "\r") or end == start:
            found = BREAK.search(text, end)
            rest = text[end : found.start() if found is not None else len(text)].lstrip()
            if rest and not rest.startswith("#"):
                return ()
            end = found.end() if found is not None else len(text)
        if (not before.strip() and is_entry) or (dash is not None and not is_entry):
            return (self._edit(node, line, end, ""),)
        if dash is not None and text[end : end + len(before)].isspace():
            behind = end + len(before)  # the next entry takes the place behind the dash
            if text[behind : behind + 1] not in ("", " ", "\t", "\n", "\r", "#", "-"):
                return (self._edit(node, start, behind, ""),)
        return ()

    def listed(self, node: Node) -> tuple[Edit, ...]:
        """A value becomes a list with it as its one item."""
        text = self.text
        start, end = node.start_mark.index, node.end_mark.index
        if type(node) is MappingNode and text[start : start + 1] != "{":
            return self._indented(node, start, end) if not text[_line_start(text, start) : start].strip() else ()
        if type(node) is yaml.ScalarEvent:
            marked = node.anchor is not None or node.tag is not None or node.style in ("|", ">")
            if marked or start == end or (not node.style and not is_plain(node.value)):
                return ()
        elif type(node) is not MappingNode:
            return ()
        return (self._edit(node, start, start, "["), self._edit(node, end, end, "]"))

    def _indented(self, node: Node, start: int, end: int) -> tuple[Edit, ...]:
        """A block mapping becomes an item: a dash before its first line, its other lines further to the right."""
        text = self.text
        edits = [self._edit(node, start, start, "- ")]
        for found in BREAK.finditer(text, start, end):
            at = found.end()
            if at < end and text[at] not in "\n\r":
                edits.append(self._edit(node, at, at, "  "))
        return tuple(edits)

    def followed_by(self, node: Node, written: str) -> tuple[Edit, ...]:
        """One more item behind this item of a list, in the style of the list."""
        text = self.text
        if type(node) in (SequenceNode, MappingNode):
            return ()
        end = node.end_mark.index
        behind = _behind_space(text, end)
        if text[behind : behind + 1] in (",", "]"):
            return (self._edit(node, end, end, f", {written}"),)
        line = _line_start(text, node.start_mark.index)
        before = text[line : node.start_mark.index]
        if _ITEM.fullmatch(before) is None:
            return ()
        found = BREAK.search(text, end)
        if found is None:
            return (self._edit(node, len(text), len(text), f"\n{before}{written}"),)
        return (self._edit(node, found.start(), found.start(), f"{found.group()}{before}{written}"),)

    def _content_start(self, node: Any) -> int:
        start: int = node.start_mark.index
        return behind_properties(self.text, start) if node.anchor is not None or node.tag is not None else start

    def _edit(self, node: Node, start: int, end: int, written: str) -> Edit:
        mark = node.start_mark
        return Edit(Span(self.file, *_place(self.text, mark, start), *_place(self.text, mark, end)), written)


def _starts_of(word: str, text: str) -> list[int]:
    return [found.start() for found in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text)]


def is_plain(text: str) -> bool:
    """Return whether a text can stand without quotes anywhere."""
    return _PLAIN.fullmatch(text) is not None and PlainScalars()[text] == text


def _behind_space(text: str, index: int) -> int:
    """The next character that is neither blank, line break nor comment."""
    while index < len(text):
        if text[index].isspace():
            index += 1
        elif text[index] == "#":
            found = BREAK.search(text, index)
            index = found.end() if found is not None else len(text)
        else:
            break
    return index


def _line_start(text: str, index: int) -> int:
    start = text.rfind("\n", 0, index) + 1
    return max(start, *(text.rfind(line_break, start, index) + 1 for line_break in _OTHER_BREAKS))


def _place(text: str, mark: Any, index: int) -> tuple[int, int]:
    """Line and column of an index, counted from a place that is known."""
    line, known = mark.line + 1, mark.index
    if index >= known:
        line += sum(1 for _ in BREAK.finditer(text, known, index))
    else:
        line -= sum(1 for _ in BREAK.finditer(text, index, known))
    return line, index - _line_start(text, index) + 1
