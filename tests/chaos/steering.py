"""What operators do while it burns: runs are paused and resumed, waits answered, failed runs retried once mended.

None of it may change what a run does: a run that was paused, and one that failed and was retried, do what an
undisturbed run does.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from selinon_core.celery import Selinon
from selinon_core.celery.stores.waits import WaitQuery
from selinon_core.errors import RequestError
from tests.workers.stage import patient

#: Seconds between two looks.
EVERY = 0.3
#: What every task that waits is answered.
ANSWER = {"ok": True}


class Steering:
    """Steers the runs of a fire; ``broken`` are those that fail until they are mended."""

    def __init__(self, selinon: Selinon, dice: random.Random, memory: Any, share: float) -> None:
        self._selinon = selinon
        self._dice = dice
        self._memory = memory
        self._share = share
        self._look_at = 0.0
        self._paused: dict[str, float] = {}
        self._mended = False
        #: Whether one of those that are broken has failed.
        self.has_failed = False
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def mend(self) -> None:
        """From now on nothing is broken."""
        self._memory.set("mended", 1)
        self._mended = True

    def tend(self, ids: list[str], broken: set[str]) -> None:
        """Look at all of them, from time to time."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + EVERY
        store = self._selinon.store
        for row in patient(lambda: store.waits.find(WaitQuery(), None, 100)).rows:
            self._try("signal", lambda row=row: self._selinon.signal(row.run, row.id, ANSWER))
        if ids and self._dice.random() < self._share:
            id = self._dice.choice(ids)
            if self._try("pause", lambda: self._selinon.pause(id)):
                self._paused[id] = time.monotonic() + self._dice.uniform(0.2, 2)
        for id, until in list(self._paused.items()):
            if time.monotonic() < until:
                continue
            header = patient(lambda id=id: store.header(id))
            if header is not None and header["status"] != "running":
                del self._paused[id]  # only now: the message that pauses it may come late
            else:
                self._try("resume", lambda id=id: self._selinon.resume(id))
        headers = {id: patient(lambda id=id: store.header(id)) for id in broken}
        failed = [id for id, header in headers.items() if header is not None and header["status"] == "failure"]
        self.has_failed = self.has_failed or bool(failed)
        for id in failed if self._mended else ():
            self._try("retry", lambda id=id: self._selinon.retry(id))

    def _try(self, what: str, call: Callable[[], Any]) -> bool:
        """Ask; whether it was not refused."""

        def tolerant() -> bool:
            try:
                call()
            except RequestError as error:  # it has ended, or another request was first
                self.refused[f"{what}: {type(error).__name__}"] += 1
                return False
            return True

        done = patient(tolerant)
        self.done[what] += done
        return done
