"""Live updates: what they cost the store, and what viewers hear when it is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from selinon_core.errors import RequestError, StateStoreError
from selinon_core.web.backend import Backend
from selinon_core.web.live_feeds import LiveFeeds, TooManyViewers
from tests.web.viewed import Viewed

VIEWERS = 200


class Turns:
    """A pause that ends when the test says so."""

    def __init__(self) -> None:
        self.paused = asyncio.Semaphore(0)
        self._go = asyncio.Semaphore(0)
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.paused.release()
        await self._go.acquire()

    async def next(self) -> None:
        """Let the feed ask once more, and wait until it has."""
        self._go.release()
        await self.paused.acquire()


async def news(stream: AsyncIterator[bytes]) -> tuple[str, Any]:
    """The kind and the content of the next message."""
    kind, data = (await anext(stream)).decode().split("\n")[:2]
    return kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def test_200_viewers_of_a_run_cost_one_look_at_the_store(shop: Viewed) -> None:
    async def test() -> None:
        id = shop.begun("pages", {"pages": 50})
        turns = Turns()
        backend = Backend(shop, 0.0)  # type: ignore[arg-type]
        feeds = LiveFeeds(1.0, backend.now, pause=turns)

        async def ask() -> tuple[int, bool, dict[str, Any]]:
            return await backend.call(backend.run_state, id)

        streams = [feeds.messages(id, ask) for _ in range(VIEWERS)]
        first = await asyncio.gather(*(news(stream) for stream in streams))
        assert {kind for kind, _ in first} == {"state"}
        await turns.paused.acquire()
        one_look = {"since": 1, "records": 1, "index.get": 1}
        assert {name: shop.store.asked[name] for name in one_look} == one_look
        for _ in range(5):
            shop.world.work_some(1)
            shop.store.asked.clear()
            waiting = [asyncio.create_task(news(stream)) for stream in streams]
            await turns.next()
            later = await asyncio.gather(*waiting)
            assert len({content["revision"] for _, content in later}) == 1
            assert dict(shop.store.asked) == one_look
        for stream in streams:
            await stream.aclose()  # type: ignore[attr-defined]

    run(test())


def test_nothing_is_sent_while_nothing_changes_and_ended_runs_are_looked_at_seldom(shop: Viewed) -> None:
    async def test() -> None:
        id = shop.finished("order", {})
        turns = Turns()
        backend = Backend(shop, 0.0)  # type: ignore[arg-type]
        feeds = LiveFeeds(1.0, backend.now, idle_pace=10.0, pause=turns)

        async def ask() -> tuple[int, bool, dict[str, Any]]:
            return await backend.call(backend.run_state, id)

        stream = feeds.messages(id, ask)
        assert (await news(stream))[1]["status"] == "success"
        await turns.paused.acquire()
        waiting = asyncio.create_task(news(stream))
        for _ in range(3):
            await turns.next()
        assert not waiting.done()
        assert min(turns.seconds) >= 10.0
        feeds.close()
        with pytest.raises(StopAsyncIteration):
            await waiting

    run(test())


def test_viewers_hear_when_the_store_is_away_and_when_it_is_back() -> None:
    async def test() -> None:
        answers: list[Callable[[], tuple[int, bool, dict[str, Any]]]] = []
        turns = Turns()
        feeds = LiveFeeds(1.0, lambda: 77.0, pause=turns)

        async def ask() -> tuple[int, bool, dict[str, Any]]:
            return answers.pop(0)()

        def away() -> tuple[int, bool, dict[str, Any]]:
            raise StateStoreError("no route")

        def gone() -> tuple[int, bool, dict[str, Any]]:
            raise RequestError("there is no flow run x")

        same = (4, True, {"n": 1})
        answers += [lambda: same, away, away, lambda: same, gone]
        stream = feeds.messages("x", ask)
        assert await news(stream) == ("state", {"n": 1})
        await turns.paused.acquire()
        await turns.next()
        assert await news(stream) == ("trouble", {"message": "no route", "since": 77.0})
        waiting = asyncio.create_task(news(stream))
        await turns.next()
        assert not waiting.done()  # it was said already
        await turns.next()
        assert await waiting == ("state", {"n": 1})  # nothing changed, but it is back
        last = asyncio.create_task(news(stream))
        turns._go.release()
        assert await last == ("gone", {"message": "there is no flow run x"})
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    run(test())


def test_a_feed_without_viewers_ends_and_there_is_a_bound_on_viewers() -> None:
    async def test() -> None:
        asked = 0

        async def ask() -> tuple[int, bool, dict[str, Any]]:
            nonlocal asked
            asked += 1
            return asked, True, {}

        feeds = LiveFeeds(1.0, lambda: 0.0, most_viewers=2, pause=lambda seconds: asyncio.sleep(0))
        streams = [feeds.messages("x", ask) for _ in range(2)]
        for stream in streams:
            await news(stream)
        with pytest.raises(TooManyViewers):
            feeds.check_room()
        for stream in streams:
            await stream.aclose()  # type: ignore[attr-defined]
        feeds.check_room()
        await asyncio.sleep(0)
        before = asked
        for _ in range(5):
            await asyncio.sleep(0)
        assert asked == before

    run(test())
