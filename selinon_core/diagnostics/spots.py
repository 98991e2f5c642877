"""Where a thing of the model is written: its own place and the aliases and merges it was reached through.

A place is worked out when somebody asks for it, which happens for the few things a diagnostic points at.
"""

from __future__ import annotations

from selinon_core.diagnostics.location import NOWHERE, Place, Span


class Spot:
    """Something with a place. ``via`` lists the aliases and merge keys that lead to it, outermost first.

    ``span`` of a thing inside an anchored mapping is where the anchor's text stands; ``via`` then says where
    it is used. Nodes of a document are spots themselves.
    """

    __slots__ = ()

    @property
    def span(self) -> Span:
        """Where the text of the thing stands."""
        raise NotImplementedError

    @property
    def via(self) -> tuple[Span, ...]:
        """The places of use of the text, outermost first; empty for a thing that is written where it is
        used.
        """
        return ()

    @property
    def place(self) -> Place:
        """Where the text of the thing begins."""
        return self.span.place


class FixedSpot(Spot):
    """A place that is known already."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def span(self) -> Span:
        return self._span


class AliasedSpot(Spot):
    """A thing that is reached through aliases or merge keys."""

    __slots__ = ("_through", "_written")

    def __init__(self, written: Spot, through: tuple[Spot, ...]) -> None:
        self._written = written
        self._through = through

    @property
    def span(self) -> Span:
        return self._written.span

    @property
    def via(self) -> tuple[Span, ...]:
        return tuple(use.span for use in self._through)


#: Of what no file holds: a configuration given as a dictionary, or a default.
NO_SPOT = FixedSpot(NOWHERE)
