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


class Edit(NamedTuple):
    """A change of a file: ``text`` in the place of what stands at ``span`` (which may be empty: an insertion)."""

    span: Span
    text: str


#: For values that no file holds (a configuration given as a dictionary).
NOWHERE = Span("<config>", 1, 1, 1, 1)


class SourceLocation:
    """Something with a place. ``via`` lists the aliases and merge keys that lead to it, outermost first.

    ``span`` of a thing inside an anchored mapping is where the anchor's text stands; ``via`` then says where
    it is used. Nodes of a document are locations themselves.

    The methods that return edits return none where the change cannot be made: no file holds the text, or it is not
    written the way that the change needs.
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

    @property
    def file(self) -> str:
        """The file of the text."""
        return self.span.file

    def respelled(self, old: str, new: str) -> tuple[Edit, ...]:
        """Edits that make the text ``old`` the text ``new``, in the quotes that it has."""
        return ()

    def rewritten(self, written: str) -> tuple[Edit, ...]:
        """Edits that put YAML in the place of a single value and its quotes."""
        return ()

    def removed(self, value: SourceLocation | None = None) -> tuple[Edit, ...]:
        """Edits that remove an item of a list; with ``value``, the entry of a mapping of which this is the key."""
        return ()

    def listed(self) -> tuple[Edit, ...]:
        """Edits that make a value a list with this one item."""
        return ()

    def followed_by(self, written: str) -> tuple[Edit, ...]:
        """Edits that put an item behind this item of a list."""
        return ()

    @property
    def is_shared(self) -> bool:
        """Whether the text may count in several places, because its file has aliases."""
        return True


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

    def respelled(self, old: str, new: str) -> tuple[Edit, ...]:
        return self._written.respelled(old, new)

    def rewritten(self, written: str) -> tuple[Edit, ...]:
        return self._written.rewritten(written)


#: Of what no file holds: a configuration given as a dictionary, or a default.
NO_LOCATION = FixedLocation(NOWHERE)
