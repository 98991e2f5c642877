"""The app of endangered workers: processes die at fail points, messages come twice and late.

The fail points are calls that others can see: before and after a commit (so between "decided" and "published"),
after a completion was kept, after messages were sent. ``SELINON_TEST_CHAOS`` is JSON: ``{"die", "duplicate",
"delay", "seed", "directory"}``, the first three are probabilities per call or message.
"""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from selinon_core.celery.transport.publisher import OutgoingMessage
from tests.workers.app import app, selinon

assert selinon is not None

_given: dict[str, Any] = json.loads(os.environ["SELINON_TEST_CHAOS"])
_directory = Path(_given["directory"])
_dice: dict[int, random.Random] = {}


def dice() -> random.Random:
    """Chance, in each process another."""
    made = _dice.get(os.getpid())
    if made is None:
        made = _dice[os.getpid()] = random.Random(f"{_given['seed']} {os.getpid()}")
    return made


def _note(file: str, text: str) -> None:
    with (_directory / file).open("a") as out:
        out.write(text + "\n")


def fail_point(name: str) -> None:
    """Die here, perhaps: by a signal that nothing can catch."""
    if dice().random() < _given["die"]:
        _note("died.txt", f"{os.getpid()} {name}")
        os.kill(os.getpid(), signal.SIGKILL)


def _endanger(owner: Any, method: str) -> None:
    inner: Callable[..., Any] = getattr(owner, method)

    def call(*args: Any, **kwargs: Any) -> Any:
        fail_point(f"before {method}")
        result = inner(*args, **kwargs)
        fail_point(f"after {method}")
        return result

    setattr(owner, method, call)


def _disorder(owner: Any) -> None:
    inner = owner.send

    def send(letters: Iterable[OutgoingMessage]) -> None:
        now: list[OutgoingMessage] = []
        for letter in letters:
            if dice().random() < _given["delay"]:
                _note(f"late-{os.getpid()}.jsonl", json.dumps(letter))
                continue
            now.append(letter)
            if dice().random() < _given["duplicate"]:
                now.append(letter)
        inner(now)

    owner.send = send


for _method in ("claim_delivery", "claim_deliveries", "append_event", "append_successes", "commit"):
    _endanger(selinon.services.store, _method)
for _method in ("claim", "give_back"):
    _endanger(selinon.services.store.task_limits, _method)
_disorder(selinon.services.publisher)
_endanger(selinon.services.publisher, "send")

__all__ = ["app", "selinon"]
