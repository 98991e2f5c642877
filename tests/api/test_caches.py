"""The shipped caches against a model that is too slow to ship and too simple to be wrong."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core import caches
from selinon_core.errors import CacheMissError

KINDS = [caches.FIFO, caches.LIFO, caches.LRU, caches.MRU, caches.RR]


class Model:
    """An ordered list of pairs; the order is that of adding, or of use for LRU and MRU."""

    def __init__(self, kind: type, size: int) -> None:
        self.kind, self.size = kind, size
        self.items: list[tuple[int, Any]] = []

    def add(self, key: int, item: Any) -> None:
        if self.size == 0:
            return
        for position, (known, _) in enumerate(self.items):
            if known == key:
                self.items[position] = (key, item)
                return
        if len(self.items) == self.size:
            self.items.pop(0 if self.kind in (caches.FIFO, caches.LRU) else -1)
        self.items.append((key, item))

    def get(self, key: int) -> Any:
        for position, (known, item) in enumerate(self.items):
            if known == key:
                if self.kind in (caches.LRU, caches.MRU):
                    self.items.append(self.items.pop(position))
                return item
        return CacheMissError


def get(cache: Any, key: Any) -> Any:
    try:
        return cache.get(key, task_name="T", flow_name="f")
    except CacheMissError:
        return CacheMissError


actions = st.lists(st.tuples(st.sampled_from(["add", "get"]), st.integers(0, 6), st.integers()), max_size=60)


@pytest.mark.parametrize("kind", KINDS[:4])
@given(size=st.integers(0, 4), script=actions)
def test_behaves_like_the_model(kind: Any, size: int, script: list[tuple[str, int, int]]) -> None:
    cache, model = kind(max_cache_size=size), Model(kind, size)
    for action, key, item in script:
        if action == "add":
            cache.add(key, item, task_name="T", flow_name="f")
            model.add(key, item)
        else:
            assert get(cache, key) == model.get(key)
        assert cache.current_cache_size == len(model.items) <= size
    assert repr(cache) == f"{kind.__name__}({[key for key, _ in model.items]})"


@given(size=st.integers(0, 4), script=actions)
def test_random_replacement_keeps_the_newest_and_never_a_wrong_value(
    size: int, script: list[tuple[str, int, int]]
) -> None:
    cache, added = caches.RR(max_cache_size=size), {}
    for action, key, item in script:
        if action == "add":
            cache.add(key, item)
            added[key] = item
            assert get(cache, key) == (item if size else CacheMissError)
        elif (found := get(cache, key)) is not CacheMissError:
            assert found == added[key]
        assert cache.current_cache_size == min(size, len(added))
    held = {key for key in added if get(cache, key) is not CacheMissError}
    assert len(held) == cache.current_cache_size
    assert repr(cache).startswith("RR([")


def test_random_replacement_can_be_repeated_and_forgets_different_items() -> None:
    def held(seed: int) -> list[int]:
        cache = caches.RR(8, seed=seed)
        for key in range(64):
            cache.add(key, key)
        return [key for key in range(64) if get(cache, key) is not CacheMissError]

    assert held(1) == held(1)
    assert len({tuple(held(seed)) for seed in range(10)}) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_none_is_an_item(kind: Any) -> None:
    cache = kind(1)
    cache.add("id", None)
    assert cache.get("id") is None


@pytest.mark.parametrize("kind", KINDS)
def test_without_arguments_nothing_is_cached(kind: Any) -> None:
    cache = kind()
    cache.add("id", 1)
    assert get(cache, "id") is CacheMissError


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [-1, 1.5, "3", True, None])
def test_a_size_that_is_none_is_refused(kind: Any, size: Any) -> None:
    with pytest.raises(ValueError, match="max_cache_size"):
        kind(max_cache_size=size)


@pytest.mark.parametrize("kind", KINDS)
def test_may_be_used_by_several_threads(kind: Any) -> None:
    cache = kind(max_cache_size=16)
    barrier = threading.Barrier(4)
    wrong: list[Any] = []

    def work(offset: int) -> None:
        try:
            barrier.wait()
            for number in range(4000):
                key = (number * 7 + offset) % 40
                cache.add(key, f"item {key}")
                if get(cache, key + 1) not in (f"item {key + 1}", CacheMissError):
                    wrong.append(key)
        except Exception as exc:
            wrong.append(exc)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cache.current_cache_size == 16


# -- caches of projects that derive from a shipped one, as they did from those of selinon 1.4.0 -------------------


class Pinned(caches.FIFO):
    """Never gives up what is called pinned."""

    def _clean_cache(self) -> None:
        while self.current_cache_size + 1 > self.max_cache_size and self.current_cache_size > 0:
            usage = self._cache_usage
            victim = usage.popleft()
            if victim == "pinned":
                victim = usage.popleft()
            del self._cache[victim]


def test_a_cache_with_a_way_of_its_own_to_make_room() -> None:
    cache = Pinned(2)
    for item_id in ("pinned", "a", "b", "c"):
        cache.add(item_id, item_id.upper())
    assert (list(cache._cache), list(cache._cache_usage)) == (["pinned", "c"], ["pinned", "c"])
    assert cache.get("pinned") == "PINNED"
    usage = cache._cache_usage
    assert (len(usage), usage[0], usage[0:1], usage.pop()) == (2, "pinned", ["pinned"], "c")
    usage.append("d")
    usage.remove("pinned")
    assert cache.current_cache_size == 2


class Newest(caches.LRU):
    """What MRU did in selinon 1.4.0."""

    def _clean_cache(self) -> None:
        while self.current_cache_size + 1 > self.max_cache_size and self.current_cache_size > 0:
            record = self._record_tail
            assert record is not None
            self._remove_record(record)


def test_a_cache_that_removes_records() -> None:
    cache = Newest(2)
    assert (cache._record_head, cache._record_tail) == (None, None)
    for item_id in ("a", "b", "c"):
        cache.add(item_id, item_id.upper())
    assert cache._record_head == cache._cache["a"] == ("a", "A")
    assert cache._record_tail == ("c", "C")
    cache._add_record(caches.Record("d", "D"))
    assert cache.get("d") == "D"


def test_items_of_a_random_cache_can_be_read() -> None:
    cache = caches.RR(2)
    cache.add("a", 1)
    assert cache._cache == {"a": 1}
    with pytest.raises(TypeError):
        cache._cache["b"] = 2  # type: ignore[index]


def test_a_cache_can_be_asked_while_it_makes_room() -> None:
    class Asking(caches.FIFO):
        def _clean_cache(self) -> None:
            if self._cache:
                assert self.get(next(iter(self._cache))) is not None
            super()._clean_cache()

    cache = Asking(1)
    cache.add("a", 1)
    cache.add("b", 2)
    assert cache.get("b") == 2
