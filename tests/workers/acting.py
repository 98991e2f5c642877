"""What recorded cases run on real workers: the scripted tasks, with a memory in Redis that all processes see.

The cases are merged into one configuration. What belongs to case 12 begins with ``q12q`` there (see
``merging``), and that is how a task finds its script.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.conformance import scripted

Json = dict[str, Any]

_clients: dict[int, Any] = {}


def memory() -> Any:
    """The Redis of this process."""
    client = _clients.get(os.getpid())
    if client is None:
        import redis

        url = os.environ["SELINON_TEST_MEMORY"]
        client = _clients[os.getpid()] = redis.Redis.from_url(url, decode_responses=True)
    return client


@cache
def _behaviours() -> dict[str, Json]:
    loaded: dict[str, Json] = json.loads(Path(os.environ["SELINON_TEST_CASES"]).read_text())
    return loaded


@cache
def _playground(prefix: str) -> SharedPlayground:
    return SharedPlayground(_behaviours()[prefix], prefix)


def split(name: str) -> tuple[str, str]:
    """``q12qAlpha`` -> ``q12q``, ``Alpha``."""
    _, number, rest = name.split("q", 2)
    return f"q{number}q", rest


class _Map:
    """A mapping in Redis; ``default`` for what it does not hold (None: that is an error)."""

    def __init__(self, name: str, default: Any = None) -> None:
        self._name, self._default = name, default

    def _key(self, key: Any) -> str:
        return key if isinstance(key, str) else json.dumps(key)

    def __contains__(self, key: Any) -> bool:
        return bool(memory().hexists(self._name, self._key(key)))

    def __getitem__(self, key: Any) -> Any:
        text = memory().hget(self._name, self._key(key))
        if text is None:
            if self._default is None:
                raise KeyError(key)
            return self._default
        return json.loads(text)

    def __setitem__(self, key: Any, value: Any) -> None:
        memory().hset(self._name, self._key(key), json.dumps(value))


class _Set:
    def __init__(self, name: str) -> None:
        self._name = name

    def __contains__(self, key: str) -> bool:
        return bool(memory().sismember(self._name, key))

    def add(self, key: str) -> None:
        memory().sadd(self._name, key)


class _Lock:
    def __init__(self, name: str) -> None:
        self._name = name
        self._held: dict[Any, Any] = {}

    def __enter__(self) -> None:
        import threading

        lock = memory().lock(self._name, timeout=10, sleep=0.005)
        lock.acquire()
        self._held[threading.get_ident()] = lock

    def __exit__(self, *_: object) -> None:
        import threading

        self._held.pop(threading.get_ident()).release()


class SharedPlayground(scripted.Playground):
    """A playground whose memory is shared; an attempt that died is not the first one any more."""

    def __init__(self, behaviour: Json, prefix: str) -> None:
        self._behaviour = behaviour
        self._depths = _Map(prefix + "depths")  # type: ignore[assignment]
        self._lineages = _Map(prefix + "lineages")  # type: ignore[assignment]
        self._attempts = _Map(prefix + "attempts", 0)  # type: ignore[assignment]
        self._lineage_runs = _Map(prefix + "lineage_runs", 0)  # type: ignore[assignment]
        self._failing_runs = _Set(prefix + "failing_runs")  # type: ignore[assignment]
        self._lock = _Lock(prefix + "lock")  # type: ignore[assignment]
        for task in behaviour.get("earlier", {}):
            id = scripted.earlier_id(prefix + task)
            self._depths[id] = 1
            self._lineages[id] = scripted.earlier_id(task)
            memory().hset("results", id, json.dumps(behaviour["earlier"][task]))

    def _next_attempt(self, task: scripted.Scripted, node_args: Any) -> int:
        if task.task_id not in self._lineages:
            self._remember(task, node_args)
        self._attempts[task.task_id] += 1
        return self._attempts[task.task_id]


class Scripted(scripted.Scripted):
    """The class of every task; its script knows it by the name it had before cases were merged."""

    def run(self, node_args: Any) -> Any:
        """Act, and write down that it happened."""
        prefix, self.task_name = split(self.task_name)
        self.flow_name = split(self.flow_name)[1]
        memory().rpush("performed", self.task_id)
        if self.task_name in _behaviours()[prefix].get("broken", ()) and not memory().exists("mended"):
            raise ValueError(f"{self.task_name} is broken")
        return _playground(prefix).act(self, node_args)


class Computing(scripted.Computing):
    """The class of the tasks of data flow cases."""

    def run(self, node_args: Any) -> Any:
        """Compute, and write down that it happened."""
        self.task_name = split(self.task_name)[1]
        memory().rpush("performed", self.task_id)
        return super().run(node_args)


class SharedStorage(scripted.DictStorage):
    """Results in the shared Redis."""

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Read."""
        return json.loads(memory().hget("results", task_id))

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> str:
        """Write."""
        memory().hset("results", task_id, json.dumps(result))
        return task_id


DictStorage = SharedStorage


def reuse_earlier(
    flow_name: str, node_name: str, node_args: Any, task_names: list[str], storage_pool: Any
) -> str | None:
    """As in ``scripted``, once the playground holds the earlier results."""
    _playground(split(node_name)[0])
    return scripted.reuse_earlier(flow_name, node_name, node_args, task_names, storage_pool)


def reuse_earlier_unless_fast(
    flow_name: str, node_name: str, node_args: Any, task_names: list[str], storage_pool: Any
) -> str | None:
    """As in ``scripted``, once the playground holds the earlier results."""
    _playground(split(node_name)[0])
    return scripted.reuse_earlier_unless_fast(flow_name, node_name, node_args, task_names, storage_pool)


two_items = scripted.two_items
no_items = scripted.no_items
items_of_args = scripted.items_of_args
count_down = scripted.count_down


class _Pool:
    """A storage pool that is asked by the names tasks had before."""

    def __init__(self, inner: Any, prefix: str) -> None:
        self._inner, self._prefix = inner, prefix

    def get(self, task_name: str) -> Any:
        return self._inner.get(self._prefix + task_name)


def __getattr__(name: str) -> Callable[[Any, Any], Iterator[Any]]:
    """``q12qitems_of_alpha`` is ``items_of_alpha`` for case 12."""
    if not name.startswith("q"):
        raise AttributeError(name)
    prefix, plain = split(name)
    function = getattr(scripted, plain)
    return lambda pool, node_args: function(_Pool(pool, prefix), node_args)
