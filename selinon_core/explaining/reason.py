"""A reason: why something in a run was so, with what stands behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.diagnostics.wording import listed

#: Every ``Reason.kind``: what it says, and whether a run that is over without workers may have it.
REASON_KINDS: Mapping[str, tuple[str, bool]] = {
    "edge-fired": ("The edge fired for its sources.", True),
    "fallback-used": ("The fallback took failures.", True),
    "reused": ("The result of a node run of an earlier flow run was taken.", False),
    "given": ("A rerun was given the result; nothing ran.", False),
    "started": ("The flow started it; by which edge is not known.", False),
    "leaf": ("What a predicate or an expression of a condition said, and what it looked at.", True),
    "condition-false": ("The condition of the edge was false.", True),
    "foreach-empty": ("The foreach of the edge yielded nothing.", True),
    "left-out": ("The selective run leaves the edge or the node out.", True),
    "not-considered": ("The edge was never considered.", True),
    "undecided": ("The edge was considered, and nothing decided on it.", False),
    "source-not-run": ("A source of the edge did not run.", True),
    "waits-for-itself": ("A source of the edge waits for the node itself.", True),
    "unfinished": ("A source of the edge did not finish before its flow ended.", False),
    "never-together": ("The sources of the edge never finished together in one attempt.", True),
    "ended-first": ("The flow ended before the edge was considered.", False),
    "flow-not-run": ("The flow of the node did not run.", True),
    "fallback-not-needed": ("The nodes of the fallback did not all fail.", True),
    "fallback-larger-used": ("A fallback for more failures took them.", True),
    "fallback-condition-false": ("The condition of the fallback was false.", True),
    "fallback-not-used": ("Other fallbacks handled the failures.", False),
    "failed": ("A node run failed: its error.", True),
    "attempt": ("How an attempt of a task ended.", True),
    "ended": ("When a source ended.", False),
    "active": ("A node run had not ended.", True),
    "eager-failure": ("A failure of one of the flow's eager_failures ended the flow.", True),
    "timed-out": ("The timeout of the flow was over.", True),
    "cancelled": ("The flow was cancelled.", True),
    "unanswered": ("A condition, a foreach or arguments could not be worked out, and the flow failed.", True),
    "edge": ("The edge has no condition.", True),
    "on-its-way": ("The message of the node run waits for a worker.", False),
    "waits-for-signal": ("The task waits for a signal.", False),
    "paused": ("The flow run is paused.", False),
    "queued": ("The flow run waits for a place of its limit, or for the end of a pause of starts.", False),
    "throttled": ("The message of the node run is held back.", False),
    "retry": ("The task is tried again later.", False),
    "being-run": ("A worker is at it.", False),
    "sub-flow-runs": ("The sub-flow has not ended.", False),
    "ended-undecided": ("The node run has ended, and its flow has not decided on that.", False),
    "lease-held": ("A worker advances the flow run.", False),
    "put-off": ("A decision is put off: a storage cannot be read.", False),
    "flow-retry": ("The flow is tried again later.", False),
}


class Reason(NamedTuple):
    """Why something was so. ``kind`` is a word of a closed list (``REASON_KINDS``), ``text`` says it in words.

    ``where`` is ``file:line:column`` of the edge, entry or mock that is meant, ``of`` has what stands behind it.
    ``detail`` goes on after ``text`` and stands in a column of its own; ``where_kind`` says what is at the place
    where that is not the flow (``mock``).
    """

    kind: str
    text: str
    where: str | None = None
    of: tuple[Reason, ...] = ()
    detail: str = ""
    where_kind: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "reason": self.kind,
            "text": self.text,
            "detail": self.detail,
            "where": self.where,
            "where_kind": self.where_kind,
            "of": [reason.to_json() for reason in self.of],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Reason:
        """The inverse of ``to_json``."""
        of = tuple(cls.from_json(each) for each in value["of"])
        return cls(value["reason"], value["text"], value["where"], of, value["detail"], value["where_kind"])


#: Characters of a cause that a text may end with.
_SAID_WHOLE = 80


def with_causes(text: str, of: Sequence[Reason]) -> str:
    """A text that ends with its causes in short; a single one without a place is said whole if it is short."""
    if len(of) == 1 and of[0].where is None and len(of[0].text) <= _SAID_WHOLE:
        return f"{text}: {of[0].text}"
    return f"{text}: {listed([reason.text.partition(': ')[0] for reason in of])}" if of else text
