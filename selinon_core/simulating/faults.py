"""Faults of a simulated world: workers that die at a call to the store or to the publisher."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any


class Crash(BaseException):
    """A worker died here. No Exception: nothing may catch it."""


class Faults:
    """Crashes with a probability, before or after a step that others can see."""

    def __init__(self, chooser: random.Random, crash: float) -> None:
        self.chooser = chooser
        self.crash = crash

    def point(self) -> None:
        """A worker may die here."""
        if self.crash and self.chooser.random() < self.crash:
            raise Crash


class Faulty:
    """A store or publisher whose every call may be the last of its worker."""

    def __init__(self, inner: Any, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    def commit_all(self, steps: Sequence[Any]) -> list[Any]:
        """The worker may also die when some of the steps are kept."""
        self._faults.point()
        answers = []
        for step in steps:
            answers += self._inner.commit_all([step])
            self._faults.point()
        return answers

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name == "items":
            return Faulty(found, self._faults)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._faults.point()
            result = found(*args, **kwargs)
            self._faults.point()
            return result

        return call
