"""From the characters of a scalar's value to where the file spells them: in quotes, escapes and folded lines.

Offsets count code points of the value. Each character of the value comes from one stretch of the file: itself, an
escape (``\\u00e4``), a doubled quote, or a line break with the blanks around it. The parser keeps none of that, so
it is read again from the text, by the rules of the parser (YAML 1.1). That is done for the few scalars that a
message points into, when it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from selinon_core.config.yaml.nodes import Node
from selinon_core.diagnostics.location import Span

BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_BREAKS = "\n\r\x85\u2028\u2029"
_BLANKS = " \t"
#: anchors and tags before a value, and what may stand between them and it
_PROPERTIES = re.compile(
    r"(?:[ \t\n\r\x85\u2028\u2029]+|#[^\n\r\x85\u2028\u2029]*|&[0-9A-Za-z_-]+|![^ \t\n\r\x85\u2028\u2029]*)*"
)
_ESCAPES = {"x": 2, "u": 4, "U": 8}


class _Piece(NamedTuple):
    """One character of the value, and the stretch of the file that it comes from."""

    character: str
    start: int
    end: int


class ScalarPlaces:
    """Where the characters of one scalar stand. ``text`` is that of its document.

    A scalar that is not written in the file (data of a program, a part of a text) has one place: its own.
    """

    __slots__ = ("_begin", "_file", "_node", "_pieces", "_text")

    def __init__(self, file: str, text: str, node: Node) -> None:
        self._file = file
        self._text = text
        self._node = node
        self._pieces: list[_Piece] | None = None
        self._begin: int | None = None

    def span(self, start: int, end: int) -> Span:
        """The stretch of the file that spells the characters from ``start`` up to ``end`` of the value.

        For ``start == end`` it is the empty stretch before the character at ``start``. Offsets behind the value
        mean its end.
        """
        if self._begin is None:
            self._begin = _verbatim(self._text, self._node)
        if self._begin >= 0:
            length = len(self._node.value)
            first = self._begin + min(start, length)
            return self._between(first, self._begin + min(end, length))
        pieces = self._mapped()
        if not pieces:
            return self._whole()
        first = pieces[start].start if start < len(pieces) else pieces[-1].end
        last = pieces[min(end, len(pieces)) - 1].end if end > start else first
        return self._between(first, last)

    def _between(self, first: int, last: int) -> Span:
        return Span(self._file, *self._position(first), *self._position(max(first, last)))

    def _whole(self) -> Span:
        start, end = self._node.start_mark, self._node.end_mark
        return Span(self._file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _mapped(self) -> list[_Piece]:
        if self._pieces is None:
            written = type(self._node) is yaml.ScalarEvent
            pieces = list(_pieces(self._text, self._node)) if written else []
            spelt = "".join(piece.character for piece in pieces)
            self._pieces = pieces if written and spelt == self._node.value else []
        return self._pieces

    def _position(self, index: int) -> tuple[int, int]:
        """Line and column, from 1, counted from where the scalar begins."""
        mark = self._node.start_mark
        if self._begin is not None and 0 <= self._begin <= mark.index + 1:
            breaks = []  # nothing but a quote is before the value, which is on one line
        else:
            breaks = list(BREAK.finditer(self._text, mark.index, index))
        if not breaks:
            return mark.line + 1, mark.column + 1 + index - mark.index
        return mark.line + 1 + len(breaks), 1 + index - breaks[-1].end()


def behind_properties(text: str, start: int) -> int:
    """Where the value begins whose anchor or tag begins at ``start``."""
    found = _PROPERTIES.match(text, start)
    return found.end() if found is not None else start


def _verbatim(text: str, event: Any) -> int:
    """Where the value begins when the file spells each of its characters by itself, on one line; else -1."""
    written, value = type(event) is yaml.ScalarEvent, event.value
    if not written or not value or event.style in ("|", ">"):
        return -1
    start: int = event.start_mark.index
    if event.anchor is not None or event.tag is not None:
        start = behind_properties(text, start)
    quotes = 1 if event.style in ("'", '"') else 0
    start += quotes
    end = start + len(value)
    if end + quotes != event.end_mark.index or text[start:end] != value or BREAK.search(value):
        return -1
    return -1 if event.style == '"' and "\\" in value else start


def _pieces(text: str, event: Any) -> Iterator[_Piece]:
    start: int = event.start_mark.index
    if event.anchor is not None or event.tag is not None:
        start = behind_properties(text, start)
    if event.style in ("|", ">"):
        return _block(text, start, event.value, folded=event.style == ">")
    if event.style in ("'", '"'):
        return _flow(text, start + 1, event.style)
    return _flow(text[: event.end_mark.index], start, "")


def _flow(text: str, index: int, quote: str) -> Iterator[_Piece]:
    """The pieces of a plain or quoted scalar; ``index`` is behind its opening quote."""
    while index < len(text):
        character = text[index]
        if character in _BLANKS or character in _BREAKS:
            end = _behind_white(text, index)
            yield from _white(text, index, end)
        elif character == "\\" and quote == '"':
            found = BREAK.match(text, index + 1)
            if found is not None:
                end = _behind_white(text, found.end())
                yield from _kept_breaks(text, found.end(), end)
            else:
                end = index + 2 + _ESCAPES.get(text[index + 1 : index + 2], 0)
                yield _Piece(_escaped(text[index + 1 : end]), index, end)
        elif character == quote:
            if quote == '"' or text[index + 1 : index + 2] != "'":
                return
            end = index + 2
            yield _Piece("'", index, end)
        else:
            end = index + 1
            yield _Piece(character, index, end)
        index = end


def _behind_white(text: str, index: int) -> int:
    while index < len(text) and (text[index] in _BLANKS or text[index] in _BREAKS):
        index += 1
    return index


def _white(text: str, start: int, end: int) -> Iterator[_Piece]:
    """Blanks inside a line stay; a line break with blanks around it is a space, or the empty lines behind it."""
    first = BREAK.search(text, start, end)
    if first is None:
        for index in range(start, end):
            yield _Piece(text[index], index, index + 1)
        return
    kept = list(_kept_breaks(text, first.end(), end))
    leading = _normal(first.group())
    if leading != "\n":
        yield _Piece(leading, start, first.end())
    elif not kept:
        yield _Piece(" ", start, end)
    yield from kept


def _kept_breaks(text: str, start: int, end: int) -> Iterator[_Piece]:
    for found in BREAK.finditer(text, start, end):
        yield _Piece(_normal(found.group()), found.start(), found.end())


def _normal(line_break: str) -> str:
    """A line break as a value has it."""
    return line_break if line_break in "\u2028\u2029" else "\n"


def _escaped(escape: str) -> str:
    code = escape[:1]
    if code in _ESCAPES:
        try:
            return chr(int(escape[1:], 16))
        except (ValueError, OverflowError):
            return ""  # the parser refuses it: no scalar has such an escape
    return yaml.scanner.Scanner.ESCAPE_REPLACEMENTS.get(code, code)


class _Line(NamedTuple):
    """A line of a block scalar: its stretch of the file, and its break (an empty one at the end of the file)."""

    start: int
    end: int
    break_end: int


def _lines(text: str, index: int) -> Iterator[_Line]:
    while index < len(text):
        found = BREAK.search(text, index)
        end, behind = (found.start(), found.end()) if found is not None else (len(text), len(text))
        yield _Line(index, end, behind)
        index = behind


def _block(text: str, start: int, value: str, *, folded: bool) -> Iterator[_Piece]:
    """The pieces of a literal or folded scalar; ``start`` is where its ``|`` or ``>`` stands.

    How many line breaks at the end belong to the value depends on its header; the value itself says so.
    """
    header = BREAK.search(text, start)
    if header is None:
        return
    indent = _indentation(text, header.end(), value)
    left = len(value)
    held: list[_Piece] = []  # breaks that wait for the line behind them: it decides what they are
    after_blank = True  # the first line is not joined to one before it
    for line in _lines(text, header.end()):
        content = _behind_indent(text, line, indent)
        if left <= 0 or (content < line.end and content < line.start + indent):
            break
        break_piece = _Piece(_normal(text[line.end : line.break_end]), content, line.break_end)
        if content == line.end:
            held.append(break_piece)
            continue
        starts_blank = text[content] in _BLANKS
        if folded and not after_blank and not starts_blank and held and held[0].character == "\n":
            held = held[1:] or [held[0]._replace(character=" ", end=content)]
        after_blank = starts_blank
        pieces = [*held, *(_Piece(text[at], at, at + 1) for at in range(content, line.end))]
        left -= len(pieces)
        yield from pieces
        held = [break_piece._replace(start=line.end)]
    yield from held[: max(left, 0)]


def _behind_indent(text: str, line: _Line, indent: int) -> int:
    index = line.start
    while index < min(line.end, line.start + indent) and text[index] == " ":
        index += 1
    return index


def _indentation(text: str, index: int, value: str) -> int:
    """How many columns of spaces are taken from each line: what the first line has more of than the value."""
    empty = len(value) - len(value.lstrip("\n\u2028\u2029"))
    if empty == len(value):
        return len(text)  # of spaces and line breaks alone: each line that has more is not of this scalar
    for number, line in enumerate(_lines(text, index)):
        if number == empty:
            return _spaces(text[line.start : line.end]) - _spaces(value[empty:])
    return 0


def _spaces(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
