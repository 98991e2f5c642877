"""Ids of node runs: a pure function of the flow run's id and the run's number (a UUID of version 5)."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from functools import lru_cache

_NAMESPACE = uuid.UUID("5e11000e-0000-5000-8000-000000000001")
#: The namespace of runs with a key. It must never change: callers of all versions have to agree on the id.
_KEYED = uuid.UUID("5e11000e-0000-5000-8000-000000000002")
#: Node runs of a flow run whose ids are kept for the next flow run of the same id.
_MOST_KEPT = 64
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def id_maker(flow_id: str) -> Callable[[int], str]:
    """Return the function from a number to an id for one flow run.

    Equal to ``str(uuid.uuid5(uuid.UUID(flow_id), str(number)))``, computed five times faster; a flow id that
    is not a UUID is turned into one first.
    """
    try:
        namespace = uuid.UUID(flow_id)
    except ValueError:
        namespace = uuid.uuid5(_NAMESPACE, flow_id)
    prefix = hashlib.sha1(namespace.bytes, usedforsecurity=False)
    variant = _VARIANT

    def make_id(number: int) -> str:
        digest = prefix.copy()
        digest.update(b"%d" % number)
        text = digest.hexdigest()
        return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant[text[16]]}{text[17:20]}-{text[20:32]}"

    return make_id


class _KeptIds(dict[int, str]):
    """The ids of the first node runs of a flow run, once they were made."""

    def __init__(self, make_id: Callable[[int], str]) -> None:
        super().__init__()
        self._make_id = make_id

    def __missing__(self, number: int) -> str:
        id = self._make_id(number)
        if number <= _MOST_KEPT:
            self[number] = id
        return id


@lru_cache(maxsize=1024)  # the cases of a project run the same few flows
def seeded_id_maker(flow_id: str) -> Callable[[int], str]:
    """As ``id_maker``, for a flow run whose id follows from a seed: many runs have it, and the same ids in it."""
    return _KeptIds(id_maker(flow_id)).__getitem__


@lru_cache(maxsize=1024)
def seeded_flow_id(seed: int, flow_name: str) -> str:
    """The id of a flow run that has to be the same for the same seed."""
    return str(uuid.uuid5(_NAMESPACE, f"{seed}:{flow_name}"))


def random_flow_id() -> str:
    """A new id for a flow run."""
    return str(uuid.uuid4())


def keyed_flow_id(flow_name: str, key: str) -> str:
    """The id of the flow run of this key: all starts of the flow with the key mean one run."""
    return str(uuid.uuid5(_KEYED, json.dumps([flow_name, key])))


def is_flow_id(text: str) -> bool:
    """Whether a text has the form of ``random_flow_id`` or ``keyed_flow_id``; ids of node runs have the second."""
    try:
        return str(uuid.UUID(text)) == text and uuid.UUID(text).version in (4, 5)
    except ValueError:
        return False
