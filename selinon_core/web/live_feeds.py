"""Live updates: one task per thing that is looked at asks the store, and all its viewers get the same message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from selinon_core.errors import RequestError, StateStoreError

#: Seconds after which a viewer without news gets a sign of life.
HEARTBEAT = 15.0

#: ``ask()`` returns a number that grows with every change, whether further changes are near, and the message.
Ask = Callable[[], Awaitable[tuple[int, bool, dict[str, Any]]]]
Pause = Callable[[float], Awaitable[None]]


class TooManyViewers(Exception):
    """Raised when a server has as many viewers as it takes."""


class _Feed:
    """What the viewers of one thing are sent; ``number`` counts the messages."""

    def __init__(self) -> None:
        self.viewers = 0
        self.number = 0
        self.message = b""
        self.over = False
        self.task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    def publish(self, kind: str, content: dict[str, Any]) -> None:
        """Make a message that of all viewers."""
        self.message = f"event: {kind}\ndata: {json.dumps(content)}\n\n".encode()
        self.number += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def end(self) -> None:
        """Let the viewers go, after the last message."""
        self.over = True
        self._changed.set()

    @property
    def changed(self) -> asyncio.Event:
        """Set with the next message; to be taken before ``number`` is looked at."""
        return self._changed


class LiveFeeds:
    """The feeds of one server. ``pace`` seconds lie between two questions, ``idle_pace`` where nothing is at work.

    ``now`` is the time, seconds since the epoch; ``pause`` waits for some seconds.
    """

    def __init__(
        self,
        pace: float,
        now: Callable[[], float],
        *,
        idle_pace: float = 10.0,
        most_viewers: int = 1000,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._pace = pace
        self._idle_pace = max(pace, idle_pace)
        self._now = now
        self._pause = pause
        self._most_viewers = most_viewers
        self._feeds: dict[str, _Feed] = {}
        self._viewers = 0
        self._closed = False

    def check_room(self) -> None:
        """Raise ``TooManyViewers`` when there is no room for one more."""
        if self._viewers >= self._most_viewers:
            raise TooManyViewers

    async def messages(self, key: str, ask: Ask) -> AsyncIterator[bytes]:
        """The messages about a thing as server-sent events: ``state``, and ``trouble`` while the store is away.

        The first comes at once, if it is known. Ends when the thing is gone (``gone``) or the server ends.
        """
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = _Feed()
            feed.task = asyncio.create_task(self._ask_again_and_again(feed, ask))
        feed.viewers += 1
        self._viewers += 1
        try:
            seen = 0
            while not self._closed:
                changed = feed.changed
                if feed.number != seen:
                    seen = feed.number
                    yield feed.message
                elif feed.over:
                    return
                else:
                    try:
                        await asyncio.wait_for(changed.wait(), HEARTBEAT)
                    except TimeoutError:
                        yield b": still here\n\n"
        finally:
            self._viewers -= 1
            feed.viewers -= 1
            if not feed.viewers:
                if self._feeds.get(key) is feed:
                    del self._feeds[key]
                if feed.task is not None:
                    feed.task.cancel()

    async def _ask_again_and_again(self, feed: _Feed, ask: Ask) -> None:
        known: int | None = None
        away_since: float | None = None
        loop = asyncio.get_running_loop()
        while True:
            busy = True
            began = loop.time()
            try:
                number, busy, content = await ask()
                if number != known or away_since is not None:
                    known, away_since = number, None
                    feed.publish("state", content)
            except StateStoreError as error:
                if away_since is None:
                    away_since = self._now()
                    feed.publish("trouble", {"message": str(error), "since": away_since})
            except RequestError as error:
                feed.publish("gone", {"message": str(error)})
                feed.end()
                return
            # To look must not take more than a quarter of the time, however large the run is.
            least = 3 * (loop.time() - began)
            await self._pause(max(least, self._pace if busy else self._idle_pace))

    def close(self) -> None:
        """End all streams: the server ends."""
        self._closed = True
        for feed in self._feeds.values():
            feed.end()


def streamed(messages: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The messages behind a line that tells a browser when to come back after a break."""

    async def all_of_it() -> AsyncIterator[bytes]:
        async with aclosing(messages) as closing:  # type: ignore[type-var]
            yield b"retry: 2000\n\n"
            async for message in closing:
                yield message

    return all_of_it()
