"""Events as compact JSON texts and back: what the log of a flow run is made of.

An event is a JSON array that begins with a short kind; ``decode_event(encode_event(event))`` has the same effect
on a machine as ``event``. The two most frequent ones (a task's success and failure) take a few bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from selinon_core.dispatch import events as on
from selinon_core.dispatch.node_run import FlowOutcome
from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.plan.flow_diff import MigrationStep

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def encode_event(event: on.Event) -> str:
    """The JSON text of an event."""
    kind = event.__class__
    if kind is on.NodeSucceeded and event.outcome is None:  # type: ignore[union-attr]
        return f'["+",{event.number}]'  # type: ignore[union-attr]
    if kind is on.NodeFailed and event.outcome is None:  # type: ignore[union-attr]
        return f'["-",{event.number}]'  # type: ignore[union-attr]
    return _encode(_WRITERS[kind](event))


def decode_event(parts: Sequence[Any]) -> on.Event:
    """The event of a parsed JSON array; raises ``ValueError`` for anything that is none."""
    try:
        return _READERS[parts[0]](*parts[1:])
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not an event: {str(parts)[:200]}") from error


def _outcome(outcome: FlowOutcome | None) -> dict[str, Any] | None:
    return None if outcome is None else outcome.to_json()


def _read_outcome(value: dict[str, Any] | None) -> FlowOutcome | None:
    return None if value is None else FlowOutcome.from_json(value)


def _started(event: on.FlowStarted) -> list[Any]:
    selective = None if event.selective is None else event.selective.to_json()
    return ["S", event.args, event.parent, event.failures, selective]


def _read_started(args: Any, parent: Any, failures: Any, selective: Any) -> on.FlowStarted:
    return on.FlowStarted(args, parent, failures, None if selective is None else SelectiveRun.from_json(selective))


_WRITERS: dict[type[Any], Callable[[Any], list[Any]]] = {
    on.FlowStarted: _started,
    on.NodeSucceeded: lambda event: ["+", event.number, _outcome(event.outcome)],
    on.NodeFailed: lambda event: ["-", event.number, _outcome(event.outcome)],
    on.ConditionAnswered: lambda event: ["c", event.question, int(event.value)],
    on.ForeachAnswered: lambda event: ["f", event.question, event.items],
    on.ReuseAnswered: lambda event: ["u", event.question, event.reused_id],
    on.ArgumentsAnswered: lambda event: ["a", event.question, event.args],
    on.QuestionDeferred: lambda event: ["d", event.question, event.reason],
    on.QuestionFailed: lambda event: ["x", event.question, event.reason],
    on.RetryDue: lambda event: ["r"],
    on.DeadlinePassed: lambda event: ["t"],
    on.FlowCancelled: lambda event: ["k"],
    on.Migrated: lambda event: [
        "m",
        event.definition,
        event.version,
        event.before,
        [step.to_json() for step in event.steps],
        event.forgotten,
    ],
}

_READERS: dict[str, Callable[..., on.Event]] = {
    "S": _read_started,
    "+": lambda number, outcome=None: on.NodeSucceeded(number, _read_outcome(outcome)),
    "-": lambda number, outcome=None: on.NodeFailed(number, _read_outcome(outcome)),
    "c": lambda question, value: on.ConditionAnswered(question, bool(value)),
    "f": lambda question, items: on.ForeachAnswered(question, items),
    "u": lambda question, id: on.ReuseAnswered(question, id),
    "a": lambda question, args: on.ArgumentsAnswered(question, args),
    "d": lambda question, reason="": on.QuestionDeferred(question, reason),
    "x": lambda question, reason: on.QuestionFailed(question, reason),
    "r": lambda: on.RetryDue(),
    "t": lambda: on.DeadlinePassed(),
    "k": lambda: on.FlowCancelled(),
    "m": lambda definition, version, before, steps, forgotten: on.Migrated(
        definition, version, before, tuple(MigrationStep.from_json(step) for step in steps), forgotten
    ),
}
