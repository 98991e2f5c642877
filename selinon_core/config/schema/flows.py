"""The section ``flow-definitions``: flows, their edges and failures."""

from __future__ import annotations

from typing import Any

from selinon_core.config.model import (
    NO_NAMES,
    EdgeDef,
    FailureDef,
    FlowDef,
    ForeachDef,
    ForeachItemsDef,
    NameRef,
    Names,
    SamplingDef,
    SelectiveDef,
)
from selinon_core.config.read_context import BROKEN, Broken, KeyLocations, ReadContext, Via
from selinon_core.config.schema.common import (
    CACHE,
    COUNT,
    DURATION,
    FUNCTION_NAME,
    KEYWORDS,
    MODULE,
    NAME,
    NODE,
    SECONDS,
    TAGS,
    THROTTLING,
    import_def,
)
from selinon_core.config.schema.condition import Condition, ExpressionText
from selinon_core.config.schema.data import SCHEMA, SCHEMA_TEXT, TEMPLATE
from selinon_core.config.schema.mapping import Key, ListOf, MappingType
from selinon_core.config.schema.operating import FLOW_LIMIT, KEEP, KEPT_TIME
from selinon_core.config.schema.types import Flag, JsonSchema, NamesOrAll, OneOrMore, PlainText, Text, ValueType
from selinon_core.config.yaml.nodes import MappingNode, Node, SequenceNode

DEFAULT_STRATEGIES = "selinon_core.strategies"
CONDITION = Condition()
_FLOW_NAME = Text("the name of a flow")
_NODES = OneOrMore(NODE, "a node or a list of nodes")
_SOME_NODES = OneOrMore(NODE, "a node or a list of nodes", nonempty=True)


class _Sources(OneOrMore):
    """Nodes; an empty text means no nodes, as in the original."""

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> tuple[Any, ...] | Broken:
        found = super().read(reading, node, via, label)
        if type(node) is not SequenceNode and isinstance(found, tuple) and not found[0].name:
            return ()
        return found


def _finish_foreach(reading: ReadContext, foreach: ForeachDef, raw: dict[str, Any]) -> bool:
    foreach.function = import_def(raw.get("import"), raw.get("function"), "", None)
    return True


FOREACH = MappingType(
    "foreach",
    ForeachDef,
    (
        Key("import", MODULE, "the module holding the function", required=True),
        Key("function", FUNCTION_NAME, "called with (storage_pool, node_args), gives the items", required=True),
        Key(
            "propagate_result",
            Flag(),
            "make the item the arguments of the node started for it",
            "propagate_result",
            False,
            broken=False,
        ),
    ),
    finish=_finish_foreach,
    text="A fan-out: every destination is started once per item.",
)

FOREACH_ITEMS = MappingType(
    "foreach over items",
    ForeachItemsDef,
    (
        Key("in", ExpressionText(), "an expression that gives a list", "expression", required=True),
        Key("as", NAME, "how args call an item; default: item", "item_name"),
    ),
    text="A fan-out over the list that an expression gives.",
)


class ForeachValue(ValueType):
    """An expression, or a mapping with ``in``, as ``ForeachItemsDef``; a function as ``ForeachDef``."""

    expected = "an expression that gives a list, or a mapping with in or import"

    def read(
        self, reading: ReadContext, node: Node, via: Via, label: str
    ) -> ForeachDef | ForeachItemsDef | Broken:
        if type(node) is MappingNode:
            table = FOREACH_ITEMS if "in" in node.entries or "as" in node.entries else FOREACH
            return table.read(reading, node, via, label)  # type: ignore[no-any-return]
        if type(node) is SequenceNode:
            return reading.wrong_type(node, via, label, self.expected)
        found = ForeachItemsDef(reading.location(node, via))
        expression = ExpressionText(self.expected).read(reading, node, via, label)
        found.expression = None if isinstance(expression, Broken) else expression
        found.item_name = None
        return found

    def schema(self) -> JsonSchema:
        return {"anyOf": [{"type": "string"}, FOREACH_ITEMS.schema(), FOREACH.schema()]}


SELECTIVE = MappingType(
    "selective",
    SelectiveDef,
    (
        Key(
            "tasks",
            OneOrMore(Text("the name of a task"), "a list of tasks", only_list=True),
            "the tasks to run",
            "tasks",
            required=True,
        ),
        Key(
            "follow_subflows",
            Flag(),
            "look for the tasks in sub-flows too",
            "follow_subflows",
            False,
            broken=False,
        ),
        Key(
            "run_subsequent",
            NamesOrAll(_FLOW_NAME, single=False),
            "also run what depends on the tasks: true, or the flows in which to do so",
            "run_subsequent",
            NO_NAMES,
            broken=NO_NAMES,
        ),
    ),
    empty_is_unset=True,
    text="A selective run of the sub-flow the edge starts.",
)


def _finish_edge(reading: ReadContext, edge: EdgeDef, raw: dict[str, Any]) -> bool:
    if edge.name == "":
        edge.name = None
    return True


EDGE = MappingType(
    "an edge",
    EdgeDef,
    (
        Key(
            "from",
            _Sources(NODE, "a node or a list of nodes"),
            "source nodes; null, an empty list or an empty text makes it a starting edge",
            "sources",
            (),
            required=True,
            may_be_null=True,
        ),
        Key(
            "to",
            _SOME_NODES,
            "what the edge starts; a node listed k times is started k times",
            "destinations",
            None,
            required=True,
        ),
        Key("condition", CONDITION, "when the edge fires; default: always", "condition"),
        Key(
            "foreach",
            ForeachValue(),
            "start the destinations once per item",
            "foreach",
        ),
        Key(
            "args",
            TEMPLATE,
            "what the destinations are given, instead of the flow's arguments or the item; with ${expressions}",
            "args",
        ),
        Key("selective", SELECTIVE, "run the one destination, a flow, selectively", "selective"),
        Key("name", PlainText(), "a label for traces and graphs", "name"),
    ),
    finish=_finish_edge,
    below=(
        ("condition", ("and", "or", "not", "args", "node", "quantifier")),
        ("foreach", ("import", "function", "propagate_result", "in", "as")),
        ("selective", ("tasks", "follow_subflows", "run_subsequent")),
    ),
    text="An edge: when its sources have finished and its condition holds, its destinations are started.",
)


class _Fallback(ValueType):
    """``true``, a node or a list of nodes; ``()`` stands for ``true``."""

    expected = "true, a node or a list of nodes"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is not SequenceNode and type(node) is not MappingNode:
            value = reading.scalar(node) if hasattr(node, "value") else None
            if value is True:
                return ()
            if not isinstance(value, str):
                return reading.wrong_type(node, via, label, self.expected)
        return _NODES.read(reading, node, via, label)

    def schema(self) -> JsonSchema:
        return {"anyOf": [{"const": True}, *_NODES.schema()["anyOf"]]}


def _finish_failure(reading: ReadContext, failure: FailureDef, raw: dict[str, Any]) -> bool:
    failure.fallback_true = raw.get("fallback") == ()
    return True


FAILURE = MappingType(
    "a failures entry",
    FailureDef,
    (
        Key("nodes", _SOME_NODES, "the nodes that all have to have failed", "nodes", None, required=True),
        Key(
            "fallback",
            _Fallback(),
            "what is started then; true: the failures count as handled",
            "fallback",
            None,
            required=True,
        ),
        Key("condition", CONDITION, "when the fallback runs; on arguments and environment only", "condition"),
        Key("args", TEMPLATE, "what the fallback is given, instead of the flow's arguments", "args"),
        Key(
            "propagate_failure",
            Flag(),
            "the flow fails even though the fallback ran",
            "propagate_failure",
            False,
            broken=False,
        ),
    ),
    finish=_finish_failure,
    below=(("condition", ("name", "and", "or", "not", "args")),),
    text="A fallback for a combination of failed nodes.",
)


def _finish_sampling(reading: ReadContext, sampling: SamplingDef, raw: dict[str, Any]) -> bool:
    sampling.function = import_def(raw.get("import"), raw.get("name"), DEFAULT_STRATEGIES, None)
    args = raw.get("args")
    sampling.args = None if args is BROKEN else args
    return True


SAMPLING = MappingType(
    "sampling",
    SamplingDef,
    (
        Key("name", FUNCTION_NAME, "the strategy", required=True),
        Key("import", MODULE, "the module holding it; default: the shipped strategies"),
        Key("args", KEYWORDS, "keyword arguments of the strategy"),
    ),
    finish=_finish_sampling,
    empty_is_unset=True,
    text="How long a silence is before the state of the flow is looked at.",
)


def _finish_flow(reading: ReadContext, flow: FlowDef, raw: dict[str, Any]) -> bool:
    if not isinstance(raw.get("name"), NameRef):
        return False
    copied: Any = BROKEN if flow.like is None else []
    flow.edges, flow.edges_broken = _numbered(raw.get("edges", copied))
    flow.failures, flow.failures_broken = _numbered(raw.get("failures", []))
    locations = flow.keys
    flow.merged = isinstance(locations, KeyLocations) and locations.merges
    if flow.queue is not None and not flow.queue.name:
        flow.queue = None
    return True


def _numbered(found: Any) -> tuple[tuple[Any, ...], bool]:
    """The usable entries, each with its index set, and whether any is missing."""
    if not isinstance(found, list):
        return (), True
    usable = []
    for index, entry in enumerate(found):
        if entry is not BROKEN:
            entry.index = index
            usable.append(entry)
    return tuple(usable), len(usable) < len(found)


def _propagate(name: str, text: str) -> Key:
    shape = NamesOrAll(_FLOW_NAME)
    return Key(name, shape, f"{text}; true: all sub-flows", name, NO_NAMES, broken=NO_NAMES)


FLOW = MappingType(
    "a flow",
    FlowDef,
    (
        Key("name", NAME, "the name of the flow", "name", required=True),
        Key("edges", ListOf(EDGE, nonempty=True), "what is started when; needed without like"),
        Key("failures", ListOf(FAILURE), "what is started when nodes fail"),
        Key(
            "queue", Text("a queue"), "queue of the flow's dispatcher; default: default_dispatcher_queue", "queue"
        ),
        Key("max_retry", COUNT, "how often the whole flow is run again when it fails", "max_retry", 0, broken=1),
        Key("retry_countdown", SECONDS, "seconds before such a retry", "retry_countdown", 0, broken=0),
        Key("timeout", DURATION, "seconds after which the whole flow, retries included, fails", "timeout"),
        Key(
            "nowait",
            _NODES,
            "nodes that are started but not waited for",
            "nowait",
            (),
            broken=(),
        ),
        Key(
            "eager_failures",
            NamesOrAll(NODE, no=False),
            "nodes whose failure fails the flow at once",
            "eager_failures",
            NO_NAMES,
            broken=NO_NAMES,
        ),
        Key(
            "node_args_from_first",
            Flag(),
            "the result of the one starting task becomes the flow's arguments",
            "node_args_from_first",
            False,
            broken=False,
        ),
        _propagate("propagate_node_args", "sub-flows that get the flow's arguments"),
        _propagate("propagate_parent", "sub-flows whose starting nodes get the parents"),
        _propagate("propagate_finished", "sub-flows whose finished tasks are collected, nested"),
        _propagate("propagate_compound_finished", "sub-flows whose finished tasks are collected, flattened"),
        _propagate("propagate_failures", "sub-flows whose failed tasks fallbacks get, nested"),
        _propagate("propagate_compound_failures", "sub-flows whose failed tasks fallbacks get, flattened"),
        _propagate("propagate_parent_failures", "sub-flows whose fallbacks get the failures of this flow"),
        Key("sampling", SAMPLING, "how long a flow may be silent before a worker looks at it", "sampling"),
        Key(
            "throttling", THROTTLING, "least time between two schedulings of this flow as a sub-flow", "throttling"
        ),
        Key("cache", CACHE, "accepted from files of 1.x; nothing polls, so nothing is cached", "cache"),
        Key("input_schema", SCHEMA, f"{SCHEMA_TEXT} of the arguments, with defaults", "input_schema"),
        Key("output", TEMPLATE, "the value of the flow, for the flow above; with ${expressions}", "output"),
        Key("output_schema", SCHEMA, f"{SCHEMA_TEXT} of the output", "output_schema"),
        Key("labels", TEMPLATE, "what runs are found by: texts by name, with ${expressions} of args", "labels"),
        Key("keep", KEEP, "how long a run is kept after its end; default: selinon_state_ttl", "keep"),
        Key("limit", FLOW_LIMIT, "how many runs there may be at once, over all workers", "limit"),
        Key("expires", KEPT_TIME, "how long a start may wait for a worker before it is cancelled", "expires"),
        Key("lane", Text("the name of a lane"), "the lane of its runs, one of global.lanes", "lane"),
        Key(
            "tags",
            TAGS,
            "words that selectors of reruns pick its runs by, and that its test cases have",
            "tags",
            (),
            broken=(),
        ),
        Key("vars", KEYWORDS, "constants of expressions, over those of global", "vars", {}, broken={}),
        Key("like", _FLOW_NAME, "the flow that this one copies; what is given here replaces its keys", "like"),
    ),
    finish=_finish_flow,
    one_of=("edges", "like"),
    text="A flow.",
)

__all__ = [
    "CONDITION",
    "DEFAULT_STRATEGIES",
    "EDGE",
    "FAILURE",
    "FLOW",
    "FOREACH",
    "FOREACH_ITEMS",
    "SAMPLING",
    "SELECTIVE",
    "ForeachValue",
    "Names",
]
