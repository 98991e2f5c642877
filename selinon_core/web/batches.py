"""Actions on many flow runs: first a preview that pins the ids, then one run after the other, at a rate.

Previews and batches are kept in the memory of this process. Each batch is worked on by a thread of its own. When
the server ends, a batch ends too: what is left was not touched.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.celery.surroundings import REAL, Surroundings
from selinon_core.errors import StateStoreError
from selinon_core.web.answers import ApiError

#: Seconds for which a preview may be confirmed, and for which an ended batch is remembered.
PINNED = 600.0
REMEMBERED = 3600.0
#: Previews and batches that are kept, batches that run at one time, and refusals that one batch remembers.
MOST_KEPT = 200
MOST_RUNNING = 4
MOST_REFUSALS = 100

#: ``one(action, id, parameters, who)`` does it to one run; raises ``ApiError`` as ``Acting.perform``.
One = Callable[[str, str, Mapping[str, Any], str], object]


class Pinned(NamedTuple):
    """What was asked for, and by whom."""

    action: str
    parameters: Mapping[str, Any]
    ids: Sequence[str]
    who: str


class _Batch:
    def __init__(self, pinned: Pinned, until: float) -> None:
        self.pinned = pinned
        self.until = until
        self.state = "previewed"  # running, ended, stopped
        self.reason = ""
        self.done = 0
        self.refused: list[dict[str, str]] = []
        self.number_refused = 0
        self.stop = threading.Event()

    def progress(self, token: str) -> dict[str, Any]:
        left = len(self.pinned.ids) - self.done - self.number_refused
        return {
            "version": 1,
            "token": token,
            "action": self.pinned.action,
            "state": self.state,
            "reason": self.reason,
            "matched": len(self.pinned.ids),
            "done": self.done,
            "refused": self.number_refused,
            "left": left,
            "refusals": list(self.refused),
        }


class Batches:
    """The batches of one server. Safe under threads."""

    def __init__(self, one: One, surroundings: Surroundings = REAL) -> None:
        self._one = one
        self._surroundings = surroundings
        self._lock = threading.Lock()
        self._batches: dict[str, _Batch] = {}

    def pin(self, pinned: Pinned) -> str:
        """Keep a preview for ``PINNED`` seconds; returns its token."""
        token = secrets.token_urlsafe(18)
        with self._lock:
            self._forget_old()
            previews = [token for token, batch in self._batches.items() if batch.state == "previewed"]
            for old in previews[: len(self._batches) - MOST_KEPT + 1]:
                del self._batches[old]
            self._batches[token] = _Batch(pinned, self._surroundings.monotonic() + PINNED)
        return token

    def start(self, token: str, who: str, pause: float) -> dict[str, Any]:
        """Begin what was previewed, with ``pause`` seconds between two runs; a second time nothing happens."""
        with self._lock:
            batch = self._known(token, who)
            if batch.state == "previewed":
                running = sum(each.state == "running" for each in self._batches.values())
                if running >= MOST_RUNNING:
                    message = f"{running} batches are running already"
                    raise ApiError(409, "too_many_batches", message, "wait for the end of one, or stop one")
                batch.state = "running"
                self._surroundings.start_thread("selinon-batch", lambda: self._run(batch, pause))
            return batch.progress(token)

    def progress(self, token: str, who: str) -> dict[str, Any]:
        """How far a batch is."""
        with self._lock:
            return self._known(token, who).progress(token)

    def stop(self, token: str, who: str) -> dict[str, Any]:
        """Let a batch end behind the run that it is at."""
        with self._lock:
            batch = self._known(token, who)
            batch.stop.set()
            if batch.state == "previewed":
                self._end(batch, "stopped", "it was not begun")
            return batch.progress(token)

    def close(self) -> None:
        """End all batches: the server ends."""
        with self._lock:
            for batch in self._batches.values():
                batch.stop.set()

    def _known(self, token: str, who: str) -> _Batch:
        self._forget_old()
        batch = self._batches.get(token)
        if batch is None or batch.pinned.who != who:
            message = "there is no such batch: its preview is older than 10 minutes, or of another server process"
            raise ApiError(409, "no_such_batch", message, "look at the runs again: dry_run")
        return batch

    def _forget_old(self) -> None:
        now = self._surroundings.monotonic()
        for token, batch in list(self._batches.items()):
            if batch.state != "running" and batch.until <= now:
                del self._batches[token]

    def _run(self, batch: _Batch, pause: float) -> None:
        action, parameters, ids, who = batch.pinned
        for number, id in enumerate(ids):
            if batch.stop.wait(pause if number else 0):
                with self._lock:
                    self._end(batch, "stopped", "it was stopped")
                return
            try:
                self._one(action, id, parameters, who)
            except ApiError as error:
                if error.status >= 500:
                    with self._lock:
                        self._end(batch, "stopped", error.message)
                    return
                with self._lock:
                    batch.number_refused += 1
                    if len(batch.refused) < MOST_REFUSALS:
                        batch.refused.append({"run": id, "code": error.code, "message": error.message})
            except StateStoreError as error:
                with self._lock:
                    self._end(batch, "stopped", f"the state store is away: {error}")
                return
            except Exception as error:
                with self._lock:
                    self._end(batch, "stopped", f"{type(error).__name__}: {error}")
                raise
            else:
                with self._lock:
                    batch.done += 1
        with self._lock:
            self._end(batch, "ended", "")

    def _end(self, batch: _Batch, state: str, reason: str) -> None:
        batch.state, batch.reason = state, reason
        batch.until = self._surroundings.monotonic() + REMEMBERED
