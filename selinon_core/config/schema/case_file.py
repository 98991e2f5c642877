"""The tables of a case file (``*.flowtest.yaml``): the file itself, and one test case."""

from __future__ import annotations

import json
import os
from typing import Any

from selinon_core.cases.model import Signal
from selinon_core.config.model import Definition, NameRef
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via, resolve_alias
from selinon_core.config.schema.case_context import NameOf, NameUse, case_context
from selinon_core.config.schema.case_expect import EXPECT, ByName, ExpectDef
from selinon_core.config.schema.case_invariants import INVARIANTS
from selinon_core.config.schema.case_mocks_section import MOCKS, MocksRead
from selinon_core.config.schema.case_schedule import Schedule
from selinon_core.config.schema.common import COUNT, DURATION, SECONDS
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.matchers import LITERAL
from selinon_core.config.schema.types import (
    Choice,
    Flag,
    JsonSchema,
    NamesOrAll,
    Number,
    OneOrMore,
    PlainText,
    Text,
    ValueType,
)
from selinon_core.config.yaml.files import read_bytes
from selinon_core.config.yaml.nodes import BrokenNode, MappingNode, Node, SequenceNode
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import shorten
from selinon_core.diagnostics.wording import suggestion

#: As many seeds a case may ask for.
MOST_SEEDS = 100_000
_REASON = PlainText("the reason as text", nonempty=True)
_TAGS = OneOrMore(PlainText("a tag", nonempty=True), "a tag or a list of tags")


class Arguments(ValueType):
    """JSON data, or ``{$file: path}`` with the path of a JSON file, relative to the case file."""

    expected = "data, or {$file: path of a JSON file}"
    keeps_empty = True

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is not MappingNode or "$file" not in node.entries:
            return self._checked(reading, node, via, label)
        if len(node.entries) > 1:
            return reading.report(
                kinds.WRONG_VALUE,
                node,
                via,
                "keys stand beside $file",
                note="the arguments are in the file, or here",
                help='write "$$file" if the key "$file" is meant',
            )
        _, value, inner = node.entries["$file"]
        at, through = resolve_alias(value, via + inner)
        path = PlainText("the path of a JSON file", nonempty=True).read(reading, at, through, '"$file"')
        if not isinstance(path, str):
            return BROKEN
        try:
            content = read_bytes(os.path.join(case_context(reading).directory, path))
            return json.loads(content.decode("utf-8-sig"), parse_constant=_refuse)
        except OSError as error:
            problem = f"cannot be read: {error.strerror or error}"
        except (ValueError, RecursionError) as error:
            problem = f"is not JSON: {error}"
        return reading.report(
            kinds.WRONG_VALUE,
            at,
            through,
            f"{shorten(path)} {problem}",
            note="relative paths lead from the case file",
        )

    def _checked(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        """Data; a single key with one dollar was meant to say something else."""
        if type(node) is MappingNode and len(node.entries) == 1:
            [(key, (written, _, inner))] = node.entries.items()
            if isinstance(key, str) and key.startswith("$") and not key.startswith("$$"):
                return reading.report(
                    kinds.WRONG_VALUE,
                    written,
                    via + inner,
                    f'"{shorten(key)}" says nothing here: arguments are data',
                    note=f"expected {self.expected}",
                    help=suggestion(key, ["$file"])
                    or f'write "${shorten(key)}" if the key "{shorten(key)}" is meant',
                )
        return LITERAL.read(reading, node, via, label)

    def schema(self) -> JsonSchema:
        return {}


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number that JSON has")


class Seeds(ValueType):
    """A number of seeds, counted from 0, or a list of them, as a tuple."""

    expected = "a number of seeds greater than 0, or a list of seeds"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> tuple[int, ...] | Broken:
        if type(node) is SequenceNode:
            seeds = [COUNT.read(reading, *resolve_alias(item, via), "a seed") for item in node.items]
            if BROKEN in seeds:
                return BROKEN
            return tuple(dict.fromkeys(seeds))  # type: ignore[arg-type]
        count = Number(whole=True, positive=True).read(reading, node, via, label)
        if isinstance(count, Broken):
            return BROKEN
        if count > MOST_SEEDS:
            return reading.report(
                kinds.WRONG_VALUE,
                node,
                via,
                f"{label}: a case may have {MOST_SEEDS} seeds",
                note="this is too many",
            )
        return tuple(range(int(count)))

    def schema(self) -> JsonSchema:
        one = {"type": "integer", "minimum": 1, "maximum": MOST_SEEDS}
        return {"anyOf": [one, {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1}]}


class Failing(ValueType):
    """``TASK`` or ``TASK:N``, or a list of them, as task -> number of attempts (None: all)."""

    expected = "TASK or TASK:N, or a list of them"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> dict[str, int | None] | Broken:
        items = [resolve_alias(item, via) for item in node.items] if type(node) is SequenceNode else [(node, via)]
        found: dict[str, int | None] = {}
        whole = True
        for item, at in items:
            text = reading.value_of(item)
            if not isinstance(text, str):
                whole = False
                reading.wrong_type(item, at, f'an entry of "{label}"', "TASK or TASK:N")
                continue
            task, colon, times = (part.strip() for part in text.partition(":"))
            if not task or (colon and not (times.isascii() and times.isdigit() and int(times[:10]) > 0)):
                whole = False
                reading.report(
                    kinds.WRONG_VALUE,
                    item,
                    at,
                    f'"{shorten(text)}" does not say what fails',
                    note="expected TASK, or TASK:N with N above 0",
                )
                continue
            case_context(reading).uses.append(NameUse("task", task, "fail", reading.location(item, at)))
            found[task] = int(times[:10]) if colon else None
        return found if whole else BROKEN

    def schema(self) -> JsonSchema:
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


class Variables(ValueType):
    """A mapping of environment variables to texts; null is one that is not set."""

    expected = "a mapping of environment variables to texts"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> dict[str, str | None] | Broken:
        if type(node) is not MappingNode:
            return reading.wrong_type(node, via, f'"{label}"', self.expected)
        found: dict[str, str | None] = {}
        whole = True
        for name, (written, value, inner) in node.entries.items():
            key, at = resolve_alias(written, via + inner)
            item, through = resolve_alias(value, via + inner)
            if not isinstance(name, str):
                reading.wrong_type(key, at, "the name of a variable", "a name", help="put it in quotes")
            else:
                is_scalar = type(item) not in (MappingNode, SequenceNode, BrokenNode)
                text = reading.scalar(item) if is_scalar else BROKEN
                if text is None or isinstance(text, str):
                    found[name] = text
                else:
                    label = f'the variable "{shorten(name)}"'
                    help = "put it in quotes" if is_scalar else ""
                    reading.wrong_type(item, through, label, "a text, or null if it is not set", help=help)
            whole = whole and name in found
            if isinstance(name, str):
                case_context(reading).uses.append(NameUse("variable", name, "env", reading.location(key, at)))
        return found if whole else BROKEN

    def schema(self) -> JsonSchema:
        return {"type": "object", "additionalProperties": {"type": ["string", "null"]}}


_ENV = Variables()


class AtDef(Definition):
    """An entry of ``at``."""

    __slots__ = ("cancel", "early", "reject", "seconds", "signal", "value")

    cancel: Any
    early: Any
    reject: Any
    seconds: Any
    signal: Any
    value: Any


AT = MappingType(
    "an entry of at",
    AtDef,
    (
        Key("at", SECONDS, "virtual seconds since the start", "seconds", required=True),
        Key("cancel", Flag(), "cancel the flow run; signal stands in its place", "cancel"),
        Key("signal", Text("the name of a task"), "the task with wait that gets a signal", "signal"),
        Key("value", LITERAL, "what it gets: its result; default: null", "value", may_be_null=True),
        Key(
            "reject",
            PlainText("the reason as text", nonempty=True),
            "instead of value: it fails, for this reason",
            "reject",
        ),
        Key("early", Flag(), "keep the signal until the task waits", "early", False),
    ),
    one_of=("cancel", "signal"),
    text="What happens to the flow run from outside.",
)


class Events(ValueType):
    """A list of events from outside, as a tuple of (seconds, event)."""

    expected = "a list like [{at: 5, cancel: true}, {at: 9, signal: Approve, value: {ok: true}}]"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        items = [resolve_alias(item, via) for item in node.items] if type(node) is SequenceNode else [(node, via)]
        found: list[tuple[float, str | Signal]] = []
        whole = True
        for item, at in items:
            event = AT.read(reading, item, at, "an entry of at")
            if not isinstance(event, AtDef) or not isinstance(event.seconds, int | float):
                whole = False
            elif event.given("signal"):
                signal = _signal(reading, event, item, at)
                whole = whole and signal is not None
                if signal is not None:
                    found.append((float(event.seconds), signal))
            elif event.cancel is None or event.cancel is BROKEN:
                whole = False
            elif event.cancel is False:
                whole = False
                reading.report(kinds.WRONG_VALUE, item, at, '"cancel" has to be true', note="nothing would happen")
            else:
                found.append((float(event.seconds), "cancel"))
        return tuple(found) if whole else BROKEN

    def schema(self) -> JsonSchema:
        return {"anyOf": [AT.schema(), {"type": "array", "items": AT.schema()}]}


def _signal(reading: ReadContext, event: AtDef, item: Node, via: Via) -> Signal | None:
    """The signal of an entry; None after what is wrong in it has been reported."""
    if not isinstance(event.signal, NameRef) or event.value is BROKEN or event.early is BROKEN:
        return None
    if event.given("reject") and not isinstance(event.reject, str):
        return None
    for key in ("cancel", "value") if event.given("reject") else ("cancel",):
        if event.given(key):
            other = "reject" if key == "value" else "signal"
            text = f'"{key}" and "{other}" are two different events'
            reading.report(kinds.CONFLICTING_KEYS, item, via, text, note="give one of them")
            return None
    name = event.signal
    case_context(reading).uses.append(NameUse("task", name.name, "signal", name.location))
    return Signal(name.name, event.value, event.reject, bool(event.early), name.location.place)


class SelectDef(Definition):
    """``select`` on its way to a mapping."""

    __slots__ = ("follow_subflows", "reuse", "run_subsequent", "tasks")

    follow_subflows: Any
    reuse: Any
    run_subsequent: Any
    tasks: Any


SELECT = MappingType(
    "select",
    SelectDef,
    (
        Key(
            "tasks",
            OneOrMore(NameOf("task", "a task", "select"), "a list of tasks", nonempty=True),
            "the tasks to run",
            "tasks",
            required=True,
        ),
        Key("follow_subflows", Flag(), "look for the tasks in sub-flows too", "follow_subflows", False),
        Key(
            "run_subsequent",
            NamesOrAll(Text("the name of a flow")),
            "also run what depends on the tasks",
            "run_subsequent",
        ),
        Key("reuse", PlainText("the name of a case"), "the case whose results may be reused", "reuse"),
    ),
    text="A selective run.",
)


class Selection(ValueType):
    """``select``, as a mapping with the keys that are given."""

    expected = "a mapping with tasks"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        found = SELECT.read(reading, node, via, label)
        if not isinstance(found, SelectDef):
            return BROKEN
        values = {"tasks": found.tasks, "follow_subflows": found.follow_subflows}
        names = found.run_subsequent
        if names is not None and names is not BROKEN:
            values["run_subsequent"] = True if names.everything else tuple(ref.name for ref in names.refs)
        else:
            values["run_subsequent"] = False if names is None else BROKEN
        if found.reuse is not None:
            values["reuse"] = found.reuse
        if isinstance(found.reuse, str):
            use = NameUse("case", found.reuse, "reuse", found.value_location("reuse"))
            case_context(reading).uses.append(use)
        if found.tasks is None or any(isinstance(value, Broken) for value in values.values()):
            return BROKEN
        return values

    def schema(self) -> JsonSchema:
        return SELECT.schema()


class OfCampaigns(ValueType):
    """A key for what no case has: an option of ``selinon simulate``."""

    expected = "left out"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        return reading.report(
            kinds.WRONG_VALUE,
            node,
            via,
            f'"{label}" is not a key of a case',
            note="a case runs with one configuration",
            help=f"selinon simulate --{label} changes the configuration of workers",
        )

    def schema(self) -> JsonSchema:
        return {"not": {}}


class CaseDef(Definition):
    """A test case with its parameters filled in, on its way to ``cases.Case``."""

    __slots__ = (
        "args",
        "at",
        "driver",
        "durations",
        "env",
        "expect",
        "fail",
        "flow",
        "invariants",
        "max_steps",
        "mocks",
        "name",
        "schedule",
        "seeds",
        "select",
        "skip",
        "stand_ins",
        "tags",
        "tasks",
        "timeout",
        "xfail",
    )

    args: Any
    driver: Any
    name: NameRef | None
    flow: Any
    mocks: MocksRead | None
    expect: Any

    def value(self, attribute: str, default: Any) -> Any:
        """The value of a key; the default where it is not given or was reported."""
        found = getattr(self, attribute)
        return default if found is None or isinstance(found, Broken) else found


def _finish_case(reading: ReadContext, found: CaseDef, raw: dict[str, Any]) -> bool:
    """A schedule is for the simulated world of the production driver, which it implies."""
    if not isinstance(found.value("schedule", None), tuple):
        return _disturbed_locally(reading, found)
    if not found.has_value("driver"):
        found.driver = "production"
    elif found.driver == "local":
        reading.collector.add(
            kinds.CONFLICTING_KEYS,
            found.value_location("driver"),
            '"schedule" stands beside driver: local',
            note="a local run has neither messages nor workers",
            help="write driver: production",
        )
    return True


def _disturbed_locally(reading: ReadContext, found: CaseDef) -> bool:
    """What is expected of runs with faults says nothing about a run that has none."""
    if isinstance(found.expect, ExpectDef) and found.driver != "production":
        for key in ("ends", "same_as"):
            if found.expect.has_value(key):
                reading.collector.add(
                    kinds.CONFLICTING_KEYS,
                    found.expect.key_location(key),
                    f'"{key}" is expected of a local run',
                    note="it holds in every local run",
                    help="write driver: production, or give a schedule",
                )
    return True


_FLOW = NameOf("flow", "the name of a flow", "flow")

CASE = MappingType(
    "a test case",
    CaseDef,
    (
        Key("name", Text("the name of the case", nonempty=True), "what it shows", "name", required=True),
        Key("flow", _FLOW, "the flow to run; default: that of the file", "flow"),
        Key("args", Arguments(), "the arguments of the flow", "args"),
        Key("env", _ENV, "environment variables that expressions see; null: not set", "env"),
        Key("tags", _TAGS, "words to select cases by", "tags"),
        Key("skip", _REASON, "why the case is not run", "skip"),
        Key("xfail", _REASON, "why the case fails", "xfail"),
        Key("parameters", LITERAL, "a list of mappings: the case is run with each; $name is replaced"),
        Key("matrix", LITERAL, "a mapping of lists: the case is run with every combination"),
        Key("mocks", MOCKS, "what tasks do instead of their code, before the mocks of the file", "mocks"),
        Key("tasks", Choice("mocked", "real"), "real: tasks without a mock run their code", "tasks", "mocked"),
        Key("fail", Failing(), "tasks that fail, TASK:N in their first N attempts", "fail"),
        Key("select", Selection(), "a selective run", "select"),
        Key("at", Events(), "what happens to the run from outside", "at"),
        Key(
            "durations",
            ByName(SECONDS, "a mapping of tasks to seconds", "task"),
            "virtual seconds of attempts",
            "durations",
        ),
        Key("timeout", DURATION, "virtual seconds after which the flow run fails", "timeout"),
        Key("max_steps", Number(whole=True, positive=True), "node runs and attempts at most", "max_steps"),
        Key(
            "stand_ins",
            Choice("fail", "allow"),
            "whether a decision may rest on a made-up result; default: the case fails",
            "stand_ins",
            "fail",
        ),
        Key("seeds", Seeds(), "how many orders of equally due tasks are tried, or which seeds", "seeds"),
        Key("driver", Choice("local", "production"), "what runs the flow", "driver", "local"),
        Key("schedule", Schedule(), "what goes otherwise in the world of driver: production", "schedule"),
        Key("deploy", OfCampaigns(), "an option of selinon simulate"),
        Key("expect", EXPECT, "what has to hold after the run", "expect"),
        Key("invariants", INVARIANTS, "what holds in every run", "invariants"),
    ),
    finish=_finish_case,
    homes=(('below "expect"', EXPECT.keys),),
    text="A test case: one run of one flow.",
)


class RawList(ValueType):
    """A list whose entries are read later, as (node, via) pairs."""

    expected = "a list of test cases"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is not SequenceNode:
            help = 'put "- " before the case' if type(node) is MappingNode else ""
            return reading.wrong_type(node, via, f'"{label}"', self.expected, help=help)
        return [resolve_alias(item, via) for item in node.items]

    def schema(self) -> JsonSchema:
        return {"type": "array", "items": CASE.schema(), "minItems": 1}


class CaseFileDef(Definition):
    """A case file whose cases are not read yet."""

    __slots__ = ("env", "flow", "invariants", "mocks", "tags", "tests")

    env: Any
    flow: Any
    invariants: Any
    mocks: Any
    tags: Any
    tests: Any


CASE_FILE = MappingType(
    "a case file",
    CaseFileDef,
    (
        Key("flow", _FLOW, "the flow of cases that name none", "flow"),
        Key("tags", _TAGS, "tags of every case", "tags"),
        Key("env", _ENV, "environment variables of every case; those of a case count more", "env"),
        Key("mocks", MOCKS, "mocks of every case; those of a case replace them name by name", "mocks"),
        Key("tests", RawList(), "the test cases", "tests", required=True),
        Key("invariants", INVARIANTS, "what holds in every run", "invariants"),
    ),
    homes=(('in a case, below "tests"', CASE.keys), ('below "expect" of a case', EXPECT.keys)),
    text="Flow test cases.",
)

#: What an invariants-only file looks like: the same, without cases.
INVARIANT_FILE = MappingType(
    "a file of invariants",
    CaseFileDef,
    tuple(key._replace(required=False) for key in CASE_FILE.keys.values()),
)

#: The tables of the file, for the JSON Schema.
TABLES = (CASE, AT, SELECT)
