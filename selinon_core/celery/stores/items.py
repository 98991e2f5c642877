"""Items: texts that are kept beside flow runs, such as notices that are to be sent and lines that tasks logged.

An item has a kind and an id. ``at`` orders the items of a kind: it is when the item was put, or when it is due.
An item may belong to a flow run, and stays as long as the store has that run. Kinds know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

#: The most characters of a kind, and of an id.
MAX_KIND = 16
MAX_ITEM_ID = 160

#: The kinds that there are. A notice that is to be sent, and one that was given up.
NOTICE, GIVEN_UP = "notice", "given-up"
#: How far a node run is, and what an attempt logged.
PROGRESS, LOG = "progress", "log"
#: The message of a start that could not be handled.
PARKED = "parked"
#: Starts of the flow ``id`` are paused.
HELD = "held"


class Item(NamedTuple):
    """A text, what it is about, and when it was put or is due (seconds since the epoch)."""

    kind: str
    id: str
    at: float
    text: str
    #: The flow run that it belongs to; empty: none.
    run: str = ""

    @property
    def position(self) -> tuple[float, str]:
        """Its place in the order of its kind."""
        return self.at, self.id


class ItemPage(NamedTuple):
    """Items, the newest first."""

    items: Sequence[Item]
    #: Where to go on; None: there are no more.
    next: str | None = None


class Items(Protocol):
    """Keeps the items. Its methods raise ``StateStoreError`` and ``StateStoreRefused`` as those of ``Store``."""

    def put(self, item: Item, expires: float, *, if_absent: bool = False) -> bool:
        """Keep an item in the place of one of its kind and id; True.

        ``if_absent``: one that is there stays, False. From ``expires`` on, ``expired`` finds the item.
        """
        ...

    def get(self, kind: str, id: str) -> Item | None:
        """An item, None when it is not there."""
        ...

    def find(self, kind: str, cursor: str | None = None, limit: int = 50) -> ItemPage:
        """A page of at most ``limit`` items of a kind, the newest first.

        ``cursor`` is the ``next`` of the page before. Raises ``RequestError`` for another text.
        """
        ...

    def of_run(self, kind: str, run: str) -> list[Item]:
        """The items of a kind that belong to a run, the oldest first."""
        ...

    def count(self, kind: str) -> int:
        """How many items of a kind there are."""
        ...

    def claim(self, kind: str, now: float, until: float, limit: int) -> list[Item]:
        """Take items that are due, at most ``limit``, the oldest first: each is due again at ``until``.

        So an item whose taker dies is taken once more, and no two take it at the same time.
        """
        ...

    def remove(self, kind: str, ids: Sequence[str]) -> list[str]:
        """Remove items of a kind; returns the ids of those that were there, each to one caller only."""
        ...

    def forget(self, runs: Sequence[str]) -> None:
        """Remove the items that belong to these runs."""
        ...

    def expired(self, now: float, limit: int) -> list[Item]:
        """Items whose time is over, at most ``limit``, the oldest first."""
        ...

    def postpone(self, items: Sequence[Item], expires: float) -> None:
        """Keep items until then; those that are not there any more stay away."""
        ...
