"""Files and places in them. Lines and columns count from 1 and columns count code points.

``SourceLocation`` is where a thing of the model is written: its own place, and the aliases and merge keys it was
reached through. It works a place out on demand: only the few things that a diagnostic points at need one.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A point in a YAML file, the way people name it: ``file:line:column``."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Span(NamedTuple):
    """A stretch of text; ``end_line``/``end_column`` name the first character behind it."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def place(self) -> Place:
        """Where the stretch begins."""
        return Place(self.file, self.line, self.column)


#: For values that no file holds (a configuration given as a dictionary).
NOWHERE = Span("<config>", 1, 1, 1, 1)


class SourceLocation:
    """Something with a place. ``via`` lists the aliases and merge keys that lead to it, outermost first.

    ``span`` of a thing inside an anchored mapping is where the anchor's text stands; ``via`` then says where
    it is used. Nodes of a document are locations themselves.
    """

    __slots__ = ()

    @property
    def span(self) -> Span:
        """Where the text of the thing stands."""
        raise NotImplementedError

    @property
    def alias_path(self) -> tuple[Span, ...]:
        """The places of use of the text, outermost first; empty for a thing that is written where it is
        used.
        """
        return ()

    @property
    def place(self) -> Place:
        """Where the text of the thing begins."""
        return self.span.place


class FixedLocation(SourceLocation):
    """A place that is known already."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def span(self) -> Span:
        return self._span


class AliasedLocation(SourceLocation):
    """A thing that is reached through aliases or merge keys."""

    __slots__ = ("_through", "_written")

    def __init__(self, written: SourceLocation, through: tuple[SourceLocation, ...]) -> None:
        self._written = written
        self._through = through

    @property
    def span(self) -> Span:
        return self._written.span

    @property
    def alias_path(self) -> tuple[Span, ...]:
        return tuple(use.span for use in self._through)


#: Of what no file holds: a configuration given as a dictionary, or a default.
NO_LOCATION = FixedLocation(NOWHERE)
