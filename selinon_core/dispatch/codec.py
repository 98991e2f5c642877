"""Events as compact JSON texts and back: what the log of a flow run is made of.

An event is a JSON array that begins with a short kind; ``decode_event(encode_event(event))`` has the same effect
on a machine as ``event``. The two most frequent ones (a task's success and failure) take a few bytes.

Old and new workers run side by side during an update, so a reader is tolerant: it ignores parts behind those it
knows, and accepts that an older worker wrote fewer. It leaves an event of an unknown kind to newer workers
(``FormatSkew``). See docs/design/log-format.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from selinon_core.dispatch import events as on
from selinon_core.dispatch.flow_index import FlowIndex
from selinon_core.dispatch.node_run import FlowOutcome
from selinon_core.dispatch.references import Referring, shown
from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.errors import FormatSkew
from selinon_core.plan.flow_diff import MigrationStep

#: The largest format of the header and log of a flow run that is known here. A worker leaves runs with a larger
#: number to newer workers.
FORMAT = 7
#: The format of a run that failed and was reopened.
REOPENED_FORMAT = 3
#: The format of a run in which a task has waited for a signal.
WAITS_FORMAT = 4
#: The format of a run that was paused: an older worker would go on with it.
PAUSED_FORMAT = 4
#: The format of a run that has a place of a limit: an older worker would not give it back.
LIMITED_FORMAT = 5
#: The format of a run that runs another one again: an older worker would run what is reused.
RERUN_FORMAT = 6
#: The format of a failed run that waited for the place of a limit to go on: an older worker would not know of it.
QUEUED_RETRY_FORMAT = 7
#: The version of the rules by which the machine replays a log; a run keeps the number that it began with.
LOGIC = 1


def required_format(table: FlowIndex) -> int:
    """The format of the runs of a flow: 2 for one with ``args``, ``output`` or ``input_schema``."""
    return 2 if table.has_data_flow else 1


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def encode_event(event: on.Event) -> str:
    """The JSON text of an event."""
    kind = event.__class__
    if kind in _ENDS and event.outcome is None:  # type: ignore[union-attr]
        at = f",null,{event.ended:.3f}" if event.ended else ""  # type: ignore[union-attr]
        return f'["{_ENDS[kind]}",{event.number}{at}]'  # type: ignore[union-attr]
    return _encode(_WRITERS[kind](event))


def decode_event(parts: Sequence[Any]) -> on.Event:
    """The event of a parsed JSON array.

    Raises ``FormatSkew`` for an event of an unknown kind, ``ValueError`` for anything that is not an event.
    """
    try:
        reader = _READERS.get(parts[0])
        if reader is not None:
            return reader.read(*parts[1 : reader.parts])
        if not isinstance(parts[0], str):
            raise TypeError
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise ValueError(f"not an event: {str(parts)[:200]}") from error
    raise FormatSkew(f'an event of kind "{parts[0][:50]}" is not known here: a newer selinon wrote it')


def _outcome(outcome: FlowOutcome | None) -> dict[str, Any] | None:
    return None if outcome is None else outcome.to_json()


def _read_outcome(value: dict[str, Any] | None) -> FlowOutcome | None:
    return None if value is None else FlowOutcome.from_json(value)


def _ended(kind: str, event: on.NodeSucceeded | on.NodeFailed) -> list[Any]:
    parts = [kind, event.number, _outcome(event.outcome)]
    return [*parts, round(event.ended, 3)] if event.ended else parts


def _started(event: on.FlowStarted) -> list[Any]:
    selective = None if event.selective is None else event.selective.to_json()
    parts = ["S", shown(event.args), event.parent, event.failures, selective]
    refers = isinstance(event.args, Referring)
    if event.rerun is not None:
        return [*parts, event.refused, int(refers), event.rerun]
    if refers:
        return [*parts, event.refused, 1]
    return parts if event.refused is None else [*parts, event.refused]


def _read_started(
    args: Any,
    parent: Any,
    failures: Any,
    selective: Any,
    refused: str | None = None,
    refers: int = 0,
    rerun: str | None = None,
) -> on.FlowStarted:
    chosen = None if selective is None else SelectiveRun.from_json(selective)
    return on.FlowStarted(Referring(args) if refers else args, parent, failures, chosen, refused, rerun)


def _reused(event: on.ReuseAnswered) -> list[Any]:
    parts = ["u", event.question, event.reused_id]
    if event.outcome is None and event.enters is None:
        return parts
    return [*parts, _outcome(event.outcome), event.enters]


def _condition(event: on.ConditionAnswered) -> list[Any]:
    parts = ["c", event.question, int(event.value), encode_leaves(event.leaves)]
    return [*parts, event.seen] if event.seen else parts


def _output(event: on.OutputAnswered) -> list[Any]:
    parts = ["o", event.question, shown(event.value)]
    return [*parts, 1] if isinstance(event.value, Referring) else parts


def _read_args(question: int, given: list[list[Any]]) -> on.ArgsAnswered:
    if any(each[0] not in (0, 1) or len(each) < 2 for each in given):
        raise ValueError("arguments are neither given nor refused")
    return on.ArgsAnswered(question, given)


def encode_leaves(leaves: Sequence[bool | None]) -> str:
    """The values of a condition's leaves, a letter each: ``t``, ``f``, and ``-`` where it was not evaluated."""
    return "".join("-" if leaf is None else "t" if leaf else "f" for leaf in leaves)


def _read_condition(
    question: int, value: int, leaves: str = "", seen: dict[str, Any] | None = None
) -> on.ConditionAnswered:
    return on.ConditionAnswered(question, bool(value), [_LEAVES.get(leaf) for leaf in leaves], seen)


def _read_output(question: int, value: Any, refers: int = 0) -> on.OutputAnswered:
    return on.OutputAnswered(question, Referring(value) if refers else value)


#: The most frequent events.
_ENDS: dict[type[Any], str] = {on.NodeSucceeded: "+", on.NodeFailed: "-"}
_LEAVES = {"t": True, "f": False}

_WRITERS: dict[type[Any], Callable[[Any], list[Any]]] = {
    on.FlowStarted: _started,
    on.NodeSucceeded: lambda event: _ended("+", event),
    on.NodeFailed: lambda event: _ended("-", event),
    on.ConditionAnswered: _condition,
    on.ForeachAnswered: lambda event: ["f", event.question, event.items],
    on.ReuseAnswered: _reused,
    on.FirstResultAnswered: lambda event: ["a", event.question, event.args],
    on.ArgsAnswered: lambda event: ["g", event.question, event.given],
    on.OutputAnswered: _output,
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
    on.Reopened: lambda event: ["R", list(event.numbers), *([] if event.by is None else [event.by])],
}


class _Reader(NamedTuple):
    """Makes an event of the parts behind its kind, of at most ``parts`` in all."""

    parts: int
    read: Callable[..., on.Event]


_READERS: dict[str, _Reader] = {
    "S": _Reader(8, _read_started),
    "+": _Reader(4, lambda number, outcome=None, at=0.0: on.NodeSucceeded(number, _read_outcome(outcome), at)),
    "-": _Reader(4, lambda number, outcome=None, at=0.0: on.NodeFailed(number, _read_outcome(outcome), at)),
    "c": _Reader(5, _read_condition),
    "f": _Reader(3, on.ForeachAnswered),
    "u": _Reader(
        5,
        lambda question, reused_id, outcome=None, enters=None: on.ReuseAnswered(
            question, reused_id, _read_outcome(outcome), enters
        ),
    ),
    "a": _Reader(3, on.FirstResultAnswered),
    "g": _Reader(3, _read_args),
    "o": _Reader(4, _read_output),
    "d": _Reader(3, on.QuestionDeferred),
    "x": _Reader(3, on.QuestionFailed),
    "r": _Reader(1, on.RetryDue),
    "t": _Reader(1, on.DeadlinePassed),
    "k": _Reader(1, on.FlowCancelled),
    "R": _Reader(3, on.Reopened),
    "m": _Reader(
        6,
        lambda definition, version, before, steps, forgotten: on.Migrated(
            definition, version, before, tuple(MigrationStep.from_json(step) for step in steps), forgotten
        ),
    ),
}
