"""The keys of limits: what is counted together, worked out from the arguments of a flow run or a node run."""

from __future__ import annotations

import hashlib
import json

from selinon_core.errors import ArgumentError, SelinonException
from selinon_core.plan import FlowPlan, TaskPlan
from selinon_core.runtime.results import Limits
from selinon_core.runtime.scope import Scope
from selinon_core.runtime.templates import BoundTemplate

#: The most characters of a key; of a longer one the end is a digest.
MAX_KEY = 200
_DIGITS = 32


class LimitKeys:
    """Works out the keys of the flows and tasks of one plan; each one's is bound once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bound: dict[str, BoundTemplate] = {}

    def of(self, flow: FlowPlan | TaskPlan, scope: Scope) -> str:
        """The key of a run that is asked for; ``scope`` has its arguments and no node runs.

        Raises ``ArgumentError`` where it cannot be worked out, or is neither a text nor a number.
        """
        assert flow.limit is not None
        key = flow.limit.key
        bound = self._bound.get(flow.name)
        if bound is None:
            bound = self._bound[flow.name] = BoundTemplate(key, "limit.key", "item")
        try:
            value = bound.value(scope, self._limits)
        except ArgumentError:
            raise
        except SelinonException as error:
            raise ArgumentError(f"limit.key at {key.place}: {error}") from error
        if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
            raise ArgumentError(f"limit.key at {key.place} has to be a text or a number, not {_shown(value)}")
        return key_of(value)


def key_of(value: str | int | float) -> str:
    """A value as stores keep it: of at most ``MAX_KEY`` characters, and different for different values."""
    text = value if isinstance(value, str) else json.dumps(value)
    usual = text.replace("\x00", "").encode("utf-8", "replace").decode()
    if usual == text and len(text) <= MAX_KEY:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{usual[: MAX_KEY - _DIGITS - 1]}#{digest}"


def _shown(value: object) -> str:
    if value == "":
        return "an empty text"
    if value is None:
        return "null"
    return {bool: "a boolean", dict: "an object", list: "a list"}.get(type(value), "a stored result")


def place_text(most: int) -> str:
    """What a queued run waits for, of a limit of so many."""
    return "the only place" if most == 1 else f"one of {most} places"
