"""``schedules`` of the section ``global``: which flows start by themselves, and when."""

from __future__ import annotations

from selinon_core.config.model import ScheduleDef
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via
from selinon_core.config.schema.common import NAME, SECONDS
from selinon_core.config.schema.mapping import Key, ListOf, MappingType
from selinon_core.config.schema.types import Choice, JsonSchema, JsonValue, Text, ValueType
from selinon_core.config.yaml.nodes import Node

OVERLAPS = ("skip", "queue", "allow", "cancel")
CATCH_UPS = ("last", "none", "all")

SCHEDULE = MappingType(
    "a schedule",
    ScheduleDef,
    (
        Key("name", NAME, "the name of the schedule, at most 128 characters", "name", required=True),
        Key("flow", Text("the name of a flow"), "the flow that is started", "flow", required=True),
        Key(
            "cron",
            Text('five fields, as "30 2 * * *"', nonempty=True),
            "minute, hour, day of month, month, day of week",
            "cron",
            required=True,
        ),
        Key("timezone", Text("a time zone", nonempty=True), "as Europe/Berlin; default: UTC", "timezone"),
        Key("args", JsonValue(), "the arguments of the flow; default: none", "args", broken=BROKEN),
        Key(
            "overlap",
            Choice(*OVERLAPS),
            "while the run before still runs: skip the start, queue it, allow it, or cancel that run",
            "overlap",
            "skip",
            broken="skip",
        ),
        Key(
            "catch_up",
            Choice(*CATCH_UPS),
            "what to start of what was due while no worker ran",
            "catch_up",
            "last",
            broken="last",
        ),
        Key("jitter", SECONDS, "seconds; a start is up to so much later", "jitter", 0, broken=0),
        Key("lane", Text("the name of a lane"), "the lane of the runs; default: that of the flow", "lane"),
    ),
    text="Starts a flow by the clock. Workers do it, without another process.",
)


class Schedules(ValueType):
    """A list of schedules, as a tuple of ``ScheduleDef``; one that cannot be used is empty."""

    expected = "a list of schedules"

    def __init__(self) -> None:
        self._list = ListOf(SCHEDULE)

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> tuple[ScheduleDef, ...] | Broken:
        found = self._list.read(reading, node, via, label)
        if isinstance(found, Broken):
            return BROKEN
        return tuple(each if isinstance(each, ScheduleDef) else _unusable() for each in found)

    def schema(self) -> JsonSchema:
        return self._list.schema()


def _unusable() -> ScheduleDef:
    schedule = ScheduleDef()
    for attribute, default in SCHEDULE.defaults:
        setattr(schedule, attribute, default)
    return schedule
