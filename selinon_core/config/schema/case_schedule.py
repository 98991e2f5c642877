"""The list ``schedule`` of a test case: what goes otherwise in the simulated world of ``driver: production``."""

from __future__ import annotations

import re
from typing import Any

from selinon_core.cases.deviations import AT_CALLS, KINDS, MOST_DEVIATIONS, OF_SUBJECTS, WITH_SECONDS
from selinon_core.cases.model import Deviation
from selinon_core.config.model import Definition
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via, resolve_alias
from selinon_core.config.schema.case_context import NameUse, case_context
from selinon_core.config.schema.common import SECONDS
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.types import LARGEST, JsonSchema, Number, PlainText, ValueType
from selinon_core.config.yaml.nodes import MappingNode, Node, SequenceNode
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import shorten

#: The key below which the subjects of deviations stand in ``NameUse``.
SUBJECT_KEY = "schedule"
_CALL_PATTERN = r"^[a-z][a-z_]*( [a-z_]+)*$"
_WORKER_PATTERN = r"^w[1-9][0-9]{0,2}$"


class _Subject(ValueType):
    """The label of a node run or of a message, as text."""

    expected = 'a node run or a message, like "Charge#1", "reserve/ReserveItem#2" or "start order#1"'

    def __init__(self) -> None:
        self.text = PlainText(self.expected, nonempty=True)

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> str | Broken:
        found: str | Broken = self.text.read(reading, node, via, label)
        if isinstance(found, str):
            use = NameUse("subject", found, SUBJECT_KEY, reading.location(node, via))
            case_context(reading).uses.append(use)
        return found

    def schema(self) -> JsonSchema:
        return self.text.schema()


class _Word(ValueType):
    """Text that fits a pattern."""

    def __init__(self, expected: str, pattern: str) -> None:
        self.expected = expected
        self.pattern = pattern
        self.text = PlainText(expected, nonempty=True)

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> str | Broken:
        found: str | Broken = self.text.read(reading, node, via, label)
        if isinstance(found, str) and re.match(self.pattern, found) is None:
            message = f'"{label}": "{shorten(found)}" is not {self.expected}'
            return reading.report(kinds.WRONG_VALUE, node, via, message, note=f"expected {self.expected}")
        return found

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": self.pattern}


class _Signed(ValueType):
    """A number, also one below 0."""

    expected = "a number"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> float | Broken:
        value = reading.value_of(node)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
            return reading.wrong_type(node, via, label, self.expected)
        return value

    def schema(self) -> JsonSchema:
        return {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}


_SUBJECT = _Subject()
_CALL = _Word("a call, like commit or send", _CALL_PATTERN)
_WORKER = _Word("a worker, like w2", _WORKER_PATTERN)
_OF = Key("of", _SUBJECT, "the node run or message", "of", required=True)
_TIME = Key("time", Number(whole=True, positive=True), "which of several times; default: the first", "time", 1)


class DeviationDef(Definition):
    """The parts of a deviation; each table fills some of them."""

    __slots__ = ("after", "before", "by", "goes", "of", "seconds", "time")

    after: Any
    before: Any
    by: Any
    goes: Any
    of: Any
    seconds: Any
    time: Any

    def part(self, name: str) -> Any:
        """A part, None where the table does not have it."""
        return getattr(self, name, None)


def _one_side(reading: ReadContext, found: DeviationDef, raw: dict[str, Any]) -> bool:
    if found.given("before") and found.given("after"):
        reading.collector.add(
            kinds.CONFLICTING_KEYS,
            found.key_location("before"),
            '"before" and "after" are two different points',
            note="a fault happens once",
            help="give one of them",
        )
        return False
    return True


def _at_call(expected: str, text: str, *keys: Key) -> MappingType:
    return MappingType(
        expected,
        DeviationDef,
        (
            Key("after", _CALL, "the call after which it happens", "after"),
            Key("before", _CALL, "the call before which it happens", "before"),
            _OF._replace(name="in", text="the node run or message whose handling makes the call"),
            _TIME,
            *keys,
        ),
        finish=_one_side,
        one_of=("after", "before"),
        text=text,
    )


def _of_subject(expected: str, text: str, *keys: Key, of: Key = _OF) -> MappingType:
    return MappingType(expected, DeviationDef, (of, *keys, _TIME), text=text)


AT_CALL = _at_call(
    "a fault at a call", "Where a fault happens: before or after a call to the store or the broker."
)
PAUSE = _at_call(
    "a pause of a worker",
    "Where a worker stands still, and for how long.",
    Key("seconds", SECONDS, "for how many virtual seconds; default: longer than a lease", "seconds"),
)
OF_SUBJECT = _of_subject(
    "a fault of a message or a node run", "What it happens to, and at which of several times."
)
ORDER = _of_subject(
    "an order of messages",
    "Which of two messages goes first.",
    Key("goes", _SUBJECT, "what goes before it, although it arrived later", "goes", required=True),
)
BY_SECONDS = _of_subject(
    "a deviation by seconds",
    "What is late, or wrong, by some seconds.",
    Key("by", SECONDS, "by how many virtual seconds", "by", required=True),
)
CLOCK = _of_subject(
    "a wrong clock",
    "The worker whose clock is wrong.",
    Key("by", _Signed(), "by how many virtual seconds; negative: it is slow", "by", required=True),
    of=Key("of", _WORKER, "the worker, like w2", "of", required=True),
)
TAKES = _of_subject(
    "the duration of an attempt",
    "How long an attempt takes.",
    Key("seconds", SECONDS, "how many virtual seconds it takes", "seconds", required=True),
)
TAKE = _of_subject(
    "the worker of a message",
    "Which worker takes a message.",
    Key("by", _WORKER, "the worker that takes it, like w2", "by", required=True),
)

_TABLES_OF: dict[str, MappingType] = {
    **dict.fromkeys(AT_CALLS, AT_CALL),
    **dict.fromkeys(OF_SUBJECTS, OF_SUBJECT),
    "pause": PAUSE,
    "late": BY_SECONDS,
    "clock": CLOCK,
    "takes": TAKES,
    "take": TAKE,
    "first": ORDER,
}


class _Kind(ValueType):
    """The value of one kind of deviation, as ``Deviation``."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.table = _TABLES_OF[kind]
        self.expected = "a node run or a message" if kind in OF_SUBJECTS else self.table.expected

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Deviation | Broken:
        place = reading.location(node, via).place
        if self.kind in OF_SUBJECTS and type(node) is not MappingNode:
            subject = _SUBJECT.read(reading, node, via, label)
            return subject if isinstance(subject, Broken) else Deviation(self.kind, subject, place=place)
        found = self.table.read(reading, node, via, label)
        if not isinstance(found, DeviationDef):
            return BROKEN
        point, seconds = self._point(found), found.part(WITH_SECONDS.get(self.kind, "seconds"))
        if not isinstance(found.of, str) or point is None or not isinstance(found.time, int):
            return BROKEN
        if self.kind == "take":
            return Deviation(self.kind, found.of, point, found.time, place)
        if seconds is BROKEN or (self.kind in WITH_SECONDS and seconds is None):
            return BROKEN
        return Deviation(
            self.kind, found.of, point, found.time, place, None if seconds is None else float(seconds)
        )

    def _point(self, found: DeviationDef) -> str | None:
        """None where it was reported, or is missing."""
        if self.kind in AT_CALLS:
            side = "before" if found.given("before") else "after"
            call = found.part(side)
            return f"{side} {call}" if isinstance(call, str) else None
        if self.kind not in ("first", "take"):
            return ""
        point = found.part("goes" if self.kind == "first" else "by")
        return point if isinstance(point, str) else None

    def schema(self) -> JsonSchema:
        table = self.table.schema()
        return {"anyOf": [_SUBJECT.schema(), table]} if self.kind in OF_SUBJECTS else table


class EntryDef(Definition):
    """An entry of ``schedule``: its deviation."""

    __slots__ = ("deviation",)

    deviation: Deviation


def _finish(reading: ReadContext, found: EntryDef, raw: dict[str, Any]) -> bool:
    given = [kind for kind in KINDS if found.has_value(kind)]
    if len(given) > 1:
        reading.collector.add(
            kinds.CONFLICTING_KEYS,
            found.key_location(given[1]),
            f'"{given[0]}" and "{given[1]}" in one entry',
            note="an entry says one thing",
            help='begin a new entry with "- "',
        )
        return False
    if not given:
        if not found.keys or found.unset:
            reading.collector.add(
                kinds.MISSING_KEY,
                found.location,
                "an entry of schedule says nothing",
                note="expected one of " + ", ".join(KINDS),
            )
        return False  # an unknown key was reported
    found.deviation = raw[given[0]]
    return isinstance(found.deviation, Deviation)


class _EntryType(MappingType):
    """A mapping with exactly one of its keys."""

    def definition(self) -> JsonSchema:
        return {**super().definition(), "minProperties": 1, "maxProperties": 1}


ENTRY = _EntryType(
    "an entry of schedule",
    EntryDef,
    tuple(Key(kind, _Kind(kind), text) for kind, text in KINDS.items()),
    finish=_finish,
    text="One thing that goes otherwise than by default.",
)


class Schedule(ValueType):
    """A list of deviations, as a tuple."""

    expected = "a list like [{crash: {after: commit, in: Charge#1}}, {twice: start order#1}]"
    keeps_empty = True

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> tuple[Deviation, ...] | Broken:
        if type(node) is not SequenceNode:
            help = 'put "- " before the entry' if type(node) is MappingNode else ""
            return reading.wrong_type(node, via, f'"{label}"', self.expected, help=help)
        if len(node.items) > MOST_DEVIATIONS:
            message = f'"{label}" has more than {MOST_DEVIATIONS} entries'
            return reading.report(kinds.WRONG_VALUE, node, via, message, note="this is too many")
        found = [ENTRY.read(reading, *resolve_alias(item, via), "an entry of schedule") for item in node.items]
        if not all(isinstance(one, EntryDef) for one in found):
            return BROKEN
        return tuple(one.deviation for one in found)

    def schema(self) -> JsonSchema:
        return {"type": "array", "items": ENTRY.schema()}


#: The tables of the section, for the JSON Schema.
TABLES = (ENTRY, AT_CALL, PAUSE, OF_SUBJECT, ORDER, BY_SECONDS, CLOCK, TAKES, TAKE)
