"""Deviations of a schedule as data of a case file, and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from selinon_core.cases.model import Deviation

#: Kinds that happen at a call to the store or the broker: ``{after: commit, in: Charge#1}``.
AT_CALLS: Final = ("crash", "store", "broker", "pause")
#: Kinds that need no more than a subject: ``twice: start order#1``.
OF_SUBJECTS: Final = ("twice", "lost", "poison", "task")
#: Kinds with a number of seconds, and the key that has it: ``{of: wake order#2, by: 30}``.
WITH_SECONDS: Final[Mapping[str, str]] = {"late": "by", "clock": "by", "takes": "seconds"}

#: What each kind of deviation means.
KINDS: Final[Mapping[str, str]] = {
    "crash": "a worker dies at a call, and another one gets its message again",
    "store": "the state store does not answer a call",
    "broker": "the broker does not take a message",
    "pause": "a worker stands still for longer than its lease lasts",
    "twice": "a message is delivered twice",
    "late": "a message arrives later, by seconds",
    "lost": "a message is lost",
    "poison": "a message kills the worker that reads it",
    "task": "an attempt of a task fails",
    "clock": "the clock of a worker is wrong, by seconds",
    "first": "of two messages, the one that arrived later is taken first",
    "take": "which worker takes a message",
    "takes": "how many virtual seconds an attempt takes",
}

#: The most deviations that a schedule may have.
MOST_DEVIATIONS: Final = 10_000


def deviation_data(deviation: Deviation) -> dict[str, Any]:
    """A deviation as an entry of ``schedule``."""
    kind, subject, point = deviation.kind, deviation.subject, deviation.point
    time = {} if deviation.occurrence == 1 else {"time": deviation.occurrence}
    seconds = {}
    if deviation.seconds is not None:
        key = WITH_SECONDS.get(kind, "seconds")
        seconds = {key: int(deviation.seconds) if deviation.seconds.is_integer() else deviation.seconds}
    if kind in AT_CALLS:
        side, _, what = point.partition(" ")
        return {kind: {side: what, "in": subject, **seconds, **time}}
    if kind == "first":
        return {kind: {"of": subject, "goes": point, **time}}
    if kind == "take":
        return {kind: {"of": subject, "by": point, **time}}
    if kind in WITH_SECONDS:
        return {kind: {"of": subject, **seconds, **time}}
    return {kind: {"of": subject, **time} if time else subject}


def deviation_text(deviation: Deviation) -> str:
    """A deviation as one line for people, without its place."""
    kind, subject, point = deviation.kind, deviation.subject, deviation.point
    seconds = "" if deviation.seconds is None else f"{deviation.seconds:g}"
    text = _TEXTS[kind].format(subject=subject, point=point, seconds=seconds)
    if kind == "pause" and seconds:
        text += f" for {seconds} s"
    return text if deviation.occurrence == 1 else f"{text} (time {deviation.occurrence})"


_TEXTS: Final[Mapping[str, str]] = {
    "crash": "crash {point} in {subject}",
    "store": "the store does not answer {point} in {subject}",
    "broker": "the broker does not answer {point} in {subject}",
    "pause": "the worker stands still {point} in {subject}",
    "twice": "{subject} is delivered twice",
    "late": "{subject} is {seconds} s late",
    "lost": "{subject} is lost",
    "poison": "{subject} kills its worker",
    "task": "an attempt of {subject} fails",
    "clock": "the clock of {subject} is wrong by {seconds} s",
    "first": "{point} goes before {subject}",
    "take": "{subject} is taken by {point}",
    "takes": "an attempt of {subject} takes {seconds} s",
}


def texts_of(deviations: Iterable[Deviation]) -> list[str]:
    """Each deviation as a line."""
    return [deviation_text(one) for one in deviations]
