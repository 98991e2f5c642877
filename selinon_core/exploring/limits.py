"""How far an exploration goes."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """The bounds of an exploration; they are part of every verdict.

    ``failures``: how many node runs (and time-outs) fail in one run, None for any number. ``visits``: how many
    runs of a node may be behind each other in a cycle. ``items``: the numbers of items that foreach functions
    return. ``infallible``: nodes that never fail. ``budget``: runs per flow; one with more than ten
    node runs counts as several. ``all_orders``: take completions in
    every order, instead of only those in which it can matter. ``cancel``: the flow run may be cancelled at any
    moment. ``inline``: run sub-flows, instead of taking their
    ends from summaries. ``in_order``: nothing but the order of starts, and no time-outs. ``node_runs``: a run with
    more is given up.
    """

    failures: int | None = 2
    visits: int = 3
    items: tuple[int, ...] = (0, 1, 2)
    infallible: frozenset[str] = frozenset()
    budget: int = 100_000
    all_orders: bool = False
    cancel: bool = False
    inline: bool = False
    in_order: bool = False
    node_runs: int = 200
