"""The mapping ``expect`` of a test case: what has to hold after the run."""

from __future__ import annotations

from typing import Any

from selinon_core.cases.model import Expect, Expected
from selinon_core.cases.references import parse_ends
from selinon_core.config.model import Definition
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via, resolve_alias
from selinon_core.config.schema.case_context import NameOf, NameUse, case_context
from selinon_core.config.schema.common import COUNT, SECONDS
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.matchers import MATCHER, MESSAGE
from selinon_core.config.schema.types import Choice, Flag, JsonSchema, OneOrMore, ValueType
from selinon_core.config.yaml.nodes import MappingNode, Node, SequenceNode
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import shorten
from selinon_core.diagnostics.location import Place

#: How a flow run ends.
FLOW_STATUSES = ("success", "failure")
#: Expectations by node reference, in the order in which ``Expect`` has them.
BY_NODE = ("args", "parents", "results", "outputs", "errors", "statuses", "attempts", "started_at")


class ByName(ValueType):
    """Name -> value, as a dictionary of ``Expected``; ``item`` reads a value, ``kind`` is that of the names."""

    expected = "a mapping"

    def __init__(self, item: ValueType, expected: str, kind: str = "node") -> None:
        self.item = item
        self.expected = expected
        self.kind = kind

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> dict[str, Expected] | Broken:
        if type(node) is not MappingNode:
            return reading.wrong_type(node, via, f'"{label}"', self.expected)
        found: dict[str, Expected] = {}
        whole = True
        for name, (written, value, inner) in node.entries.items():
            at = via + inner
            if not isinstance(name, str):
                key, through = resolve_alias(written, at)
                reading.wrong_type(key, through, f'a key of "{label}"', "text", help="put it in quotes")
                whole = False
                continue
            item = self.item.read(reading, *resolve_alias(value, at), f'"{shorten(name)}" of {label}')
            whole = whole and item is not BROKEN
            location = reading.location(written, at)
            case_context(reading).uses.append(NameUse(self.kind, name, label, location))
            found[name] = Expected(item, location.place)
        return found if whole else BROKEN

    def schema(self) -> JsonSchema:
        return {"type": "object", "additionalProperties": self.item.schema()}


class PerRun(ValueType):
    """A matcher for all runs of a node, or a list with one for each run, as a matcher or a tuple of them."""

    expected = "a value, or a list with one for each run"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is not SequenceNode:
            return MATCHER.read(reading, node, via, label)
        matchers = [MATCHER.read(reading, *resolve_alias(item, via), label) for item in node.items]
        return BROKEN if any(isinstance(matcher, Broken) for matcher in matchers) else tuple(matchers)

    def schema(self) -> JsonSchema:
        return {"anyOf": [MATCHER.schema(), {"type": "array", "items": MATCHER.schema()}]}


class ListOrOne(OneOrMore):
    """As ``OneOrMore``; an empty list says that there is nothing."""

    def __init__(self, item: ValueType, expected: str) -> None:
        super().__init__(item, expected)
        self.keeps_empty = True

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> tuple[Any, ...] | Broken:
        if type(node) is not MappingNode:
            return super().read(reading, node, via, label)
        one = self.item.read(reading, node, via, label)
        return BROKEN if one is BROKEN else (one,)


class NodesThatRan(ListOrOne):
    """As ``ListOrOne``, as a tuple of names; or a mapping of nodes to how often they run."""

    def __init__(self) -> None:
        super().__init__(
            NameOf("node", "a node", "ran"), "a node, a list of nodes, or a mapping of nodes to numbers"
        )
        self.counted = ByName(COUNT, "a mapping of nodes to numbers")

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is not MappingNode:
            return super().read(reading, node, via, label)
        return self.counted.read(reading, node, via, label)

    def schema(self) -> JsonSchema:
        return {"anyOf": [*super().schema()["anyOf"], self.counted.schema()]}


class Chains(ValueType):
    """One chain of node references or a list of chains, as a tuple of tuples."""

    expected = "a list of nodes, or a list of such lists"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is not SequenceNode:
            return reading.wrong_type(node, via, f'"{label}"', self.expected)
        items = [resolve_alias(item, via) for item in node.items]
        listed = items if any(type(item) is SequenceNode for item, _ in items) else [(node, via)]
        chains = [self._chain(reading, item, at, label) for item, at in listed]
        return BROKEN if any(chain is BROKEN for chain in chains) else tuple(chains)

    def _chain(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is SequenceNode and len(node.items) < 2:
            return reading.report(
                kinds.WRONG_VALUE,
                node,
                via,
                f'a chain of "{label}" has fewer than two nodes',
                note="there is no order",
            )
        return _CHAIN.read(reading, node, via, label)

    def schema(self) -> JsonSchema:
        chain = {"type": "array", "items": {"type": "string"}, "minItems": 2}
        return {"anyOf": [chain, {"type": "array", "items": chain, "minItems": 1}]}


_CHAIN = OneOrMore(NameOf("node", "a node", "order"), "a list of nodes", nonempty=True, only_list=True)


class Ends(ValueType):
    """``A -> B`` as (sources, destinations); with ``fallback`` also ``A -> true``."""

    expected = 'text like "A -> B" or "[A, B] -> true"'

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        value = reading.value_of(node)
        if not isinstance(value, str):
            return reading.wrong_type(node, via, label, self.expected)
        ends = parse_ends(value)
        if ends is None or not ends[0] or not ends[1]:
            return reading.report(
                kinds.WRONG_VALUE,
                node,
                via,
                f'{label}: "{shorten(value)}" does not name a fallback',
                note=f"expected {self.expected}",
            )
        case_context(reading).uses.append(NameUse("fallback", value, "fallbacks", reading.location(node, via)))
        return ends[0], True if ends[1] == ("true",) else ends[1]

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": "->"}


class EdgeCounts(Definition):
    """How often an edge was considered and fired."""

    __slots__ = ("considered", "fired")

    considered: int | None
    fired: int | None


EDGE_COUNTS = MappingType(
    "the counts of an edge",
    EdgeCounts,
    (
        Key("considered", COUNT, "for how many combinations of source runs it was looked at", "considered"),
        Key("fired", COUNT, "for how many of them it started its destinations", "fired"),
    ),
    text="How often an edge was considered and fired.",
)


class _Counts(ValueType):
    expected = "{considered: n, fired: n}"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        found = EDGE_COUNTS.read(reading, node, via, label)
        if not isinstance(found, EdgeCounts):
            return BROKEN
        counts = {key: getattr(found, key) for key in ("considered", "fired")}
        if BROKEN in counts.values():
            return BROKEN
        given = {key: value for key, value in counts.items() if value is not None}
        if not given:
            return reading.report(
                kinds.WRONG_VALUE, node, via, f"{label}: there is no count", note=f"expected {self.expected}"
            )
        return given

    def schema(self) -> JsonSchema:
        return EDGE_COUNTS.schema()


class AtMostDef(Definition):
    """``{at_most: n}``."""

    __slots__ = ("at_most",)

    at_most: Any


AT_MOST = MappingType(
    "a bound",
    AtMostDef,
    (Key("at_most", SECONDS, "no more than this", "at_most", required=True),),
    text="An upper bound.",
)


class SecondsOrBound(ValueType):
    """A number, or ``{at_most: number}``."""

    expected = "a number of seconds or {at_most: seconds}"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is not MappingNode:
            return SECONDS.read(reading, node, via, label)
        found = AT_MOST.read(reading, node, via, label)
        if not isinstance(found, AtMostDef) or found.at_most in (None, BROKEN):
            return BROKEN
        return {"at_most": found.at_most}

    def schema(self) -> JsonSchema:
        return {"anyOf": [SECONDS.schema(), AT_MOST.schema()]}


class StoredValue(ValueType):
    """How many results a storage holds, or task -> its results (a matcher for all or one for each)."""

    expected = "a number of results, or a mapping of tasks to results"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is not MappingNode:
            return COUNT.read(reading, node, via, label)
        found = _STORED_RESULTS.read(reading, node, via, label)
        return found if isinstance(found, Broken) else {task: one.value for task, one in found.items()}

    def schema(self) -> JsonSchema:
        return {"anyOf": [COUNT.schema(), _STORED_RESULTS.schema()]}


_STORED_RESULTS = ByName(PerRun(), "a mapping of tasks to results", "task")


class ExpectDef(Definition):
    """``expect`` on its way to ``cases.Expect``."""

    __slots__ = (
        "args",
        "attempts",
        "edges",
        "ends",
        "errors",
        "fallbacks",
        "not_ran",
        "order",
        "output",
        "outputs",
        "parents",
        "ran",
        "reason",
        "results",
        "runs",
        "same_as",
        "snapshot",
        "started_at",
        "status",
        "statuses",
        "stored",
        "unreached",
        "virtual_seconds",
        "warnings",
    )

    def value(self) -> Expect:
        """The expectations; those that were reported are left out."""
        found: dict[str, Any] = {}
        for name in EXPECT.keys:
            value = getattr(self, name)
            if value is None or value is BROKEN:
                continue
            if name in BY_NODE or name in ("edges", "stored"):
                found[name] = value
            else:
                found[name] = Expected(value, self.place(name))
        for name in ("runs", "ran"):
            if name in found and isinstance(found[name].value, dict):
                counts = {reference: count.value for reference, count in found[name].value.items()}
                found[name] = found[name]._replace(value=counts)
        return Expect(**found)

    def place(self, key: str) -> Place:
        """Where a key stands."""
        return self.key_location(key).place


def _finish(reading: ReadContext, found: ExpectDef, raw: dict[str, Any]) -> bool:
    for other in ("ran", "not_ran"):
        if found.given("runs") and found.given(other):
            reading.collector.add(
                kinds.CONFLICTING_KEYS,
                found.key_location(other),
                f'"{other}" stands beside "runs"',
                note="runs is complete: what it does not list must not run",
                help="give runs alone, or ran and not_ran",
            )
    return True


def _nodes(key: str) -> ListOrOne:
    return ListOrOne(NameOf("node", "a node", key), "a node or a list of nodes")


_NAMES = "a mapping of nodes to "

EXPECT = MappingType(
    "expect",
    ExpectDef,
    (
        Key("status", Choice(*FLOW_STATUSES), "how the flow run ends; default: success", "status"),
        Key("reason", MESSAGE, "why it failed: a text that the reason contains, or a matcher", "reason"),
        Key("output", MATCHER, "the output of the flow", "output"),
        Key("runs", ByName(COUNT, _NAMES + "numbers"), "how often nodes run; complete", "runs"),
        Key("ran", NodesThatRan(), "nodes that run, among others, or how often they do", "ran"),
        Key("not_ran", _nodes("not_ran"), "nodes that do not run", "not_ran"),
        Key("order", Chains(), "each begins after an earlier one has finished", "order"),
        Key("args", ByName(PerRun(), _NAMES + "arguments"), "arguments of runs", "args"),
        Key("parents", ByName(PerRun(), _NAMES + "parents"), "parents of runs", "parents"),
        Key("results", ByName(PerRun(), _NAMES + "results"), "results of runs", "results"),
        Key("outputs", ByName(PerRun(), _NAMES + "outputs"), "outputs of runs of sub-flows", "outputs"),
        Key("errors", ByName(PerRun(), _NAMES + "errors"), 'errors of runs, as "Type: message"', "errors"),
        Key("statuses", ByName(PerRun(), _NAMES + "statuses"), "how runs end", "statuses"),
        Key("attempts", ByName(PerRun(), _NAMES + "numbers"), "how many attempts runs take", "attempts"),
        Key("started_at", ByName(PerRun(), _NAMES + "seconds"), "virtual seconds of their starts", "started_at"),
        Key("fallbacks", ListOrOne(Ends(), "a fallback or a list"), "fallbacks used; complete", "fallbacks"),
        Key("edges", ByName(_Counts(), "a mapping of edges to counts", "edge"), "how often edges fire", "edges"),
        Key(
            "unreached",
            _nodes("unreached"),
            "nodes that the run should have reached and did not; default: none",
            "unreached",
        ),
        Key("warnings", ListOrOne(MESSAGE, "a warning or a list of them"), "warnings of the run", "warnings"),
        Key(
            "stored",
            ByName(StoredValue(), "a mapping of storages", "storage"),
            "what storages hold at the end",
            "stored",
        ),
        Key("virtual_seconds", SecondsOrBound(), "how long the run takes", "virtual_seconds"),
        Key("ends", Choice("once"), "the flow run ends exactly once, whatever the schedule", "ends"),
        Key("same_as", Choice("undisturbed"), "node runs and outcome are those without schedule", "same_as"),
        Key("snapshot", Flag(), "compare all runs with the snapshot that is stored", "snapshot"),
    ),
    finish=_finish,
    text="What has to hold after the run.",
)

#: The tables of the section, for the JSON Schema.
TABLES = (EXPECT, EDGE_COUNTS, AT_MOST)
