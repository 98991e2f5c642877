"""The text keys by which stores name entries of the outbox and timers, and what each of them stands for.

A text is one character and the number of a node run or question (``t12``), or a word. The log has the effect
itself; the key only says that it is not performed yet. The scripts of the stores write the same letters.

A text that is not known here was written by a newer selinon. A worker leaves a run that has one in its outbox, or
among its due timers, to newer workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from selinon_core.errors import FormatSkew

START_TASK, START_FLOW = "t", "f"
#: A task that a dead worker ran inline: its message is published after all, as a new delivery.
START_INLINED = "o"
#: The message of a node run that did not begin while its flow run was paused: it is sent again.
SEND_AGAIN = "a"
#: A sub-flow goes on, because its flow run was resumed.
RESUME_FLOW = "u"
CANCEL_FLOW = "c"
NOTIFY_PARENT, WRITE_RESULT = "p", "r"
#: The rows of the tasks that wait for signals are those that the run has now.
SHOW_WAITS = "w"
#: The run failed, and ``global.notify`` has receivers for that.
TELL_FAILURE = "y"

#: Send the message of a task, of a sub-flow, that was put off (throttling, the countdown of a retry).
SEND_TASK, SEND_FLOW = "n", "s"
ASK_AGAIN = "q"
#: A task has waited for a signal as long as it may.
WAIT_ENDS = "v"
RETRY_FLOW, DEADLINE = "retry", "deadline"
#: A flow run that waited for its place has it, and begins.
BEGIN_FLOW = "begin"
#: A start that waits for a place has waited as long as it may.
EXPIRE = "expire"

_FIRST_STARTS = frozenset((START_TASK, START_FLOW))
_STARTS = _FIRST_STARTS | {START_INLINED, SEND_AGAIN}
_SENDS = frozenset((SEND_TASK, SEND_FLOW))
#: The kinds with a number, and those without.
_NUMBERED_KEYS, _BARE_KEYS = (
    _STARTS | {CANCEL_FLOW, RESUME_FLOW},
    frozenset((NOTIFY_PARENT, WRITE_RESULT, SHOW_WAITS, TELL_FAILURE)),
)
_NUMBERED_TIMERS, _BARE_TIMERS = (
    _SENDS | {ASK_AGAIN, WAIT_ENDS},
    frozenset((RETRY_FLOW, DEADLINE, BEGIN_FLOW, EXPIRE)),
)


class OutboxKey(NamedTuple):
    """An effect that was committed and is not performed yet; ``number`` is that of a node run, or 0."""

    kind: str
    number: int = 0

    @property
    def is_start(self) -> bool:
        """Whether a message that starts a node run is to be sent."""
        return self.kind in _STARTS

    @property
    def is_first_start(self) -> bool:
        """Whether that message is the first one of its node run."""
        return self.kind in _FIRST_STARTS

    def __str__(self) -> str:
        return f"{self.kind}{self.number}" if self.number else self.kind


class TimerKey(NamedTuple):
    """What is due at a time; ``number`` is that of a node run or question, or 0."""

    kind: str
    number: int = 0

    @property
    def is_send(self) -> bool:
        """Whether a message that starts a node run is to be sent then."""
        return self.kind in _SENDS

    @property
    def outlives_run(self) -> bool:
        """Whether the timer is still kept when the flow run has ended."""
        return self.kind == SEND_TASK

    def __str__(self) -> str:
        return f"{self.kind}{self.number}" if self.number else self.kind


def read_outbox_key(text: str) -> OutboxKey:
    """The inverse of ``str(key)``; raises ``FormatSkew`` for a key that is not known here."""
    found = _split(text, _NUMBERED_KEYS, _BARE_KEYS)
    if found is None:
        raise FormatSkew(f'the outbox of this flow run holds "{text}", which is not known here')
    return OutboxKey(*found)


def read_timer_key(text: str) -> TimerKey:
    """The inverse of ``str(key)``; raises ``FormatSkew`` for a timer that is not known here."""
    found = _split(text, _NUMBERED_TIMERS, _BARE_TIMERS)
    if found is None:
        raise FormatSkew(f'this flow run has the timer "{text}", which is not known here')
    return TimerKey(*found)


def known_timers(texts: Iterable[str]) -> Iterator[TimerKey]:
    """Yield the timers that are known here."""
    for text in texts:
        found = _split(text, _NUMBERED_TIMERS, _BARE_TIMERS)
        if found is not None:
            yield TimerKey(*found)


def _split(text: str, numbered: frozenset[str], bare: frozenset[str]) -> tuple[str, int] | None:
    """Kind and number of a text, None when it is not known."""
    if text in bare:
        return text, 0
    kind, number = text[:1], text[1:]
    return (kind, int(number)) if kind in numbered and number.isascii() and number.isdigit() else None


def send_timer(key: OutboxKey) -> TimerKey:
    """The timer of a start that is throttled."""
    return TimerKey(SEND_TASK if key.kind == START_TASK else SEND_FLOW, key.number)
