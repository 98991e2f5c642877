"""How a run of an exploration ended, as its parent sees it: the end of a sub-flow, or a run without an outcome."""

from __future__ import annotations

from typing import NamedTuple


class PlayEnded(Exception):
    """A run that has no outcome.

    ``reason`` is ``redundant`` (another tape has the same run), ``blocked`` (the sub-flow ``node`` never ends), or
    the limit that cut it: ``visits``, ``node_runs``, ``failures``.
    """

    def __init__(self, reason: str, node: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.node = node


class Observation(NamedTuple):
    """How a sub-flow ended as far as the flow above can tell: ``values`` of its probes, None for no result."""

    succeeded: bool
    values: tuple[bool | None, ...] = ()


class Context(NamedTuple):
    """How a flow is run: with arguments or without, and in a selective run the edges of it."""

    flow: str
    has_args: bool = True
    selective: str | None = None  # the selection as JSON
