"""Celery's canvas with ``task_always_eager``: chains, groups and chords in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from celery import Celery, chain, group
from shapes import Workload

app = Celery("benchmark", broker="memory://", backend="cache+memory://")
app.conf.update(task_always_eager=True, task_eager_propagates=True, task_store_eager_result=False)
_count = [0]


@app.task
def noop(_previous: Any = None) -> int:
    _count[0] += 1
    return 1


@app.task
def small(previous: Any = None) -> dict[str, int]:
    if previous is not None and previous["x"] != 1:
        raise ValueError("the predicate is false")
    _count[0] += 1
    return {"x": 1}


def prepare(workload: Workload) -> Callable[[], Any]:
    """What is timed; the canvas is made in it, as an application makes one for every run."""
    sys.setrecursionlimit(20_000)
    task = small if workload.predicate else noop
    layers: list[int] = []
    seen: set[str] = set()
    by_sources: dict[tuple[str, ...], set[str]] = {}
    for sources, started in workload.edges:
        by_sources.setdefault(tuple(sources), set()).update(set(started) - seen)
        seen.update(started)
    layers = [len(names) for names in by_sources.values()]

    def canvas() -> Any:
        steps = [task.s() if width == 1 else group(task.s() for _ in range(width)) for width in layers]
        return chain(*steps) if len(steps) > 1 else steps[0]

    def run() -> int:
        before = _count[0]
        for _ in range(workload.times):
            canvas().apply_async()
        return _count[0] - before

    return run


def ran(result: int) -> int:
    """How many tasks ran."""
    return result
