"""Local clock, sleep and threads of a process, as a value: tests pass their own instead of patching."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol


class Thread(Protocol):
    """A thread that was started."""

    def is_alive(self) -> bool:
        """Whether it still runs: it does not survive a fork."""
        ...


def _start_thread(name: str, run: Callable[[], None]) -> Thread:
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


class Surroundings(NamedTuple):
    """``now()``: seconds since the epoch, ``monotonic()`` measures, ``start_thread(name, run)`` does not wait."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    start_thread: Callable[[str, Callable[[], None]], Thread] = _start_thread


REAL = Surroundings()
