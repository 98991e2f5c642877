"""The project as it is written: typed, with a place on everything a diagnostic may want to point at.

The model is what could be understood. A part that is broken has already been reported by the reader and is
``None`` (or ``BrokenDef`` in a condition), so that later checks work on the rest and skip it. A part that was *not
given* has its neutral value (``()``, ``None``, ``False``, 0). ``given(key)`` distinguishes the two. Names are
references (``NameRef``) and nothing here is resolved: ``ProjectModel`` has the dictionaries.

Every definition is a ``Definition``: ``location`` is the mapping it is written as; ``key_location`` and
``value_location`` lead to the keys as written. The definitions are in one module because they contain each other,
and each is little more than its attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from selinon_core.diagnostics.location import NO_LOCATION, Edit, SourceLocation, Span

if TYPE_CHECKING:
    from selinon_core.expressions.tree import Tree

Json = Any


class NameRef:
    """A name as written: of a task, flow, storage, predicate, module, function, queue..."""

    __slots__ = ("location", "name")

    def __init__(self, name: str, location: SourceLocation) -> None:
        self.name = name
        self.location = location

    @property
    def span(self) -> Span:
        """Where the name stands."""
        return self.location.span

    def __repr__(self) -> str:
        return f"Ref({self.name!r})"


class Definition:
    """A mapping of the language.

    ``keys`` holds, per key as written, the locations of the key and of its value; keys given as null or ``[]``
    are in it too, though they count as not given: they are named in ``unset``. Broken and unknown keys are in
    ``keys`` as well.
    """

    __slots__ = ("keys", "location", "unset")

    def __init__(
        self,
        location: SourceLocation = NO_LOCATION,
        keys: Mapping[str, tuple[SourceLocation, SourceLocation]] | None = None,
    ) -> None:
        self.location = location
        self.keys: Mapping[str, tuple[SourceLocation, SourceLocation]] = keys if keys is not None else {}
        self.unset: tuple[str, ...] = ()

    @property
    def span(self) -> Span:
        """Where the mapping stands."""
        return self.location.span

    def given(self, key: str) -> bool:
        """Return whether the key is written, whatever its value."""
        return key in self.keys

    def has_value(self, key: str) -> bool:
        """Return whether the key has a value, which may be broken; null and ``[]`` are none."""
        return key in self.keys and key not in self.unset

    def key_location(self, key: str) -> SourceLocation:
        """Where ``key`` is written; the whole definition when it is not."""
        found = self.keys.get(key)
        return self.location if found is None else found[0]

    def without(self, key: str) -> tuple[Edit, ...]:
        """Edits that remove a key and its value; none where that cannot be done."""
        found = self.keys.get(key)
        return () if found is None else found[0].removed(found[1])

    def value_location(self, key: str) -> SourceLocation:
        """Where the value of ``key`` is written; the whole definition when it is not."""
        found = self.keys.get(key)
        return self.location if found is None else found[1]


class ImportDef:
    """A function or class by module and name; ``name`` may be a default (then its location is the entity's
    name).
    """

    __slots__ = ("module", "name")

    def __init__(self, module: NameRef, name: NameRef) -> None:
        self.module = module
        self.name = name

    def __repr__(self) -> str:
        return f"ImportDef({self.module.name}.{self.name.name})"


class Names:
    """Some names, or all of them: the value of ``propagate_*`` and ``eager_failures``.

    ``everything`` is True for ``true``; ``refs`` are the names listed. ``false`` and "not given" are neither.
    """

    __slots__ = ("everything", "refs")

    def __init__(self, everything: bool = False, refs: tuple[NameRef, ...] = ()) -> None:
        self.everything = everything
        self.refs = refs

    def __bool__(self) -> bool:
        return self.everything or bool(self.refs)

    def covers(self, name: str) -> bool:
        """Return whether ``name`` is meant."""
        return self.everything or any(ref.name == name for ref in self.refs)


NO_NAMES = Names()


# --- tasks and storages -------------------------------------------------------------------------------------


class CacheDef(Definition):
    """A cache; ``function`` is its class (default module ``selinon_core.caches``). ``configuration_broken``
    means: a configuration was given, but could not be read.
    """

    __slots__ = ("configuration", "configuration_broken", "function")

    function: ImportDef | None
    configuration: dict[str, Json]
    configuration_broken: bool


class WaitDef(Definition):
    """What a task waits for. ``timeout`` is in seconds; None: it waits without end."""

    __slots__ = ("timeout", "title")

    title: TemplateDef | None
    timeout: float | None


class LimitDef(Definition):
    """How many runs there may be at once. ``key`` and ``max`` are None when broken or not given."""

    __slots__ = ("key", "max", "when_full")

    key: TemplateDef | None
    max: int | None
    when_full: str


class TaskLimitDef(Definition):
    """How many attempts of a task there may be at once. Both are None when broken or not given."""

    __slots__ = ("key", "max")

    key: TemplateDef | None
    max: int | None


class LaneDef(Definition):
    """A lane of flow runs. ``priority`` is 0 to 9; None: not given, or broken."""

    __slots__ = ("priority", "queue_suffix")

    priority: int | None
    queue_suffix: NameRef | None


class RetryDef(Definition):
    """When a task is tried again. Times are seconds; ``only`` and ``never`` are patterns of exception classes."""

    __slots__ = ("factor", "jitter", "max", "max_wait", "never", "only", "wait")

    max: int | None
    wait: float
    factor: float
    max_wait: float | None
    jitter: float
    only: tuple[NameRef, ...]
    never: tuple[NameRef, ...]


class TaskDef(Definition):
    """A task. Times are seconds. ``function`` is its class; None when ``import`` or ``classname`` is
    broken, and for a task that waits for a signal: it has ``wait``, and runs nothing.
    """

    __slots__ = (
        "function",
        "input_schema",
        "limit",
        "max_retry",
        "name",
        "output_schema",
        "queue",
        "retry",
        "retry_countdown",
        "selective_run_function",
        "storage",
        "storage_readonly",
        "storage_task_name",
        "tags",
        "throttling",
        "timeout",
        "wait",
    )

    name: NameRef
    function: ImportDef | None
    wait: WaitDef | None
    max_retry: int
    retry_countdown: float
    retry: RetryDef | None
    timeout: float | None
    throttling: float | None
    limit: TaskLimitDef | None
    input_schema: NameRef | SchemaDef | None
    output_schema: NameRef | SchemaDef | None
    storage: NameRef | None
    storage_readonly: bool
    storage_task_name: str | None
    selective_run_function: ImportDef | None
    queue: NameRef | None
    tags: tuple[str, ...]


class StorageDef(Definition):
    """A storage. ``configuration`` is JSON data: a mapping of keyword arguments, None, or the one argument.
    ``configuration_broken``: one was given, but could not be read.
    """

    __slots__ = ("cache", "configuration", "configuration_broken", "function", "name")

    name: NameRef
    function: ImportDef | None
    configuration: Json
    configuration_broken: bool
    cache: CacheDef | None


# --- expressions --------------------------------------------------------------------------------------------


class ExpressionDef:
    """A text of the expression language without faults, and its tree.

    ``at(start, end)`` leads to where the file has the characters of ``text`` between two offsets.
    """

    __slots__ = ("at", "location", "text", "tree")

    def __init__(
        self,
        text: str,
        tree: Tree,
        location: SourceLocation,
        at: Callable[[int, int], SourceLocation],
    ) -> None:
        self.text = text
        self.tree = tree
        self.location = location
        self.at = at

    @property
    def span(self) -> Span:
        """Where the text stands."""
        return self.location.span

    def __repr__(self) -> str:
        return f"ExpressionDef({self.text!r})"


class TextDef:
    """A text with values in it, a part of a template: texts and expressions in their order."""

    __slots__ = ("location", "parts")

    def __init__(self, parts: tuple[str | ExpressionDef, ...], location: SourceLocation) -> None:
        self.parts = parts
        self.location = location


class TemplateDef:
    """JSON data with expressions in it: ``args`` and ``output``.

    ``value`` is the data; an ``ExpressionDef`` stands for a text that is exactly ``${expression}``, a ``TextDef``
    for a longer text with expressions in it. ``at(path)`` leads to where a part of the data is written: the key of
    an object and its value, or twice an item of a list; ``()`` is the whole.
    """

    __slots__ = ("at", "location", "value")

    def __init__(
        self,
        value: Any,
        location: SourceLocation,
        at: Callable[[tuple[str | int, ...]], tuple[SourceLocation, SourceLocation]],
    ) -> None:
        self.value = value
        self.location = location
        self.at = at

    def expressions(self) -> Iterator[tuple[tuple[str | int, ...], ExpressionDef, bool]]:
        """Yield each expression in reading order: its path, itself, and whether it is a part of a text."""
        stack: list[tuple[tuple[str | int, ...], Any]] = [((), self.value)]
        while stack:
            path, part = stack.pop()
            if isinstance(part, ExpressionDef):
                yield path, part, False
            elif isinstance(part, TextDef):
                yield from ((path, piece, True) for piece in part.parts if isinstance(piece, ExpressionDef))
            elif isinstance(part, dict):
                stack.extend(((*path, key), part[key]) for key in reversed(part))
            elif isinstance(part, list):
                stack.extend(((*path, index), part[index]) for index in reversed(range(len(part))))


class SchemaDef(Definition):
    """A JSON Schema in place, as JSON data."""

    __slots__ = ("data",)

    data: dict[str, Json]


# --- conditions ---------------------------------------------------------------------------------------------


class LeafDef(Definition):
    """A predicate call.

    ``node`` is the path as written: one name, or several leading through sub-flows to a task; None when not
    given, ``node_broken`` when it was given but is wrong. ``args`` is JSON data; ``arg_locations`` has, per
    argument, the locations of its key and value. ``args`` is None when it is broken.
    """

    __slots__ = ("arg_locations", "args", "name", "node", "node_broken", "quantifier")

    name: NameRef
    node: tuple[NameRef, ...] | None
    node_broken: bool
    args: dict[str, Json] | None
    arg_locations: Mapping[str, tuple[SourceLocation, SourceLocation]]
    quantifier: str | None


class TestDef(Definition):
    """A leaf that is an expression: a part of ``expression``, which is the text as written.

    ``tree`` is the part, with offsets into that text; no ``and``, ``or`` or ``not`` stands at its top.
    """

    __slots__ = ("expression", "tree")

    expression: ExpressionDef
    tree: Tree

    @property
    def text(self) -> str:
        """The part as it is written."""
        return self.expression.text[self.tree.start : self.tree.end]

    @property
    def constant(self) -> bool | None:
        """The value of ``true`` and ``false``; None otherwise."""
        value = getattr(self.tree, "value", None)
        return value if isinstance(value, bool) else None


class NotDef(Definition):
    """A negation."""

    __slots__ = ("operand",)

    operand: ConditionDef


class AndDef(Definition):
    """A conjunction of at least one operand."""

    __slots__ = ("operands",)

    operands: tuple[ConditionDef, ...]


class OrDef(Definition):
    """A disjunction of at least one operand."""

    __slots__ = ("operands",)

    operands: tuple[ConditionDef, ...]


class BrokenDef(Definition):
    """A condition, or a part of one, that could not be understood and has been reported."""

    __slots__ = ()


ConditionDef = LeafDef | TestDef | NotDef | AndDef | OrDef | BrokenDef


def leaves(condition: ConditionDef | None) -> Iterator[LeafDef]:
    """Yield the predicate calls of a condition, left to right."""
    return (leaf for leaf in _atoms(condition) if isinstance(leaf, LeafDef))


def expression_leaves(condition: ConditionDef | None) -> Iterator[TestDef]:
    """Yield the leaves of a condition that are expressions, left to right."""
    return (leaf for leaf in _atoms(condition) if isinstance(leaf, TestDef))


def texts(condition: ConditionDef | None) -> Iterator[ExpressionDef]:
    """Yield the texts of a condition, each whole and once, left to right."""
    return iter({id(test.expression): test.expression for test in expression_leaves(condition)}.values())


def _atoms(condition: ConditionDef | None) -> Iterator[LeafDef | TestDef]:
    stack: list[ConditionDef] = [] if condition is None else [condition]
    while stack:
        current = stack.pop()
        if isinstance(current, LeafDef | TestDef):
            yield current
        elif isinstance(current, NotDef):
            stack.append(current.operand)
        elif isinstance(current, AndDef | OrDef):
            stack.extend(reversed(current.operands))


# --- flows --------------------------------------------------------------------------------------------------


class ForeachDef(Definition):
    """A fan-out at run time; ``function`` is None when it is broken."""

    __slots__ = ("function", "propagate_result")

    function: ImportDef | None
    propagate_result: bool


class ForeachItemsDef(Definition):
    """A fan-out over the list that an expression gives; ``expression`` is None when it is broken.

    ``item_name`` is what ``args`` call an item, None when it is not given. The items are always passed on, and
    there is no function: the attributes that a ``ForeachDef`` has say so.
    """

    __slots__ = ("expression", "item_name")

    expression: ExpressionDef | None
    item_name: NameRef | None

    @property
    def function(self) -> ImportDef | None:
        """None: no function is called."""
        return None

    @property
    def propagate_result(self) -> bool:
        """Items are always passed on."""
        return True


class SelectiveDef(Definition):
    """A selective run of the edge's sub-flow; ``run_subsequent`` is false, true or a list of flows."""

    __slots__ = ("follow_subflows", "run_subsequent", "tasks")

    tasks: tuple[NameRef, ...] | None
    follow_subflows: bool
    run_subsequent: Names


class EdgeDef(Definition):
    """An edge.

    ``sources`` and ``destinations`` are None when broken; ``sources`` is ``()`` for a starting edge. A name
    stands in them as often as it is written. ``foreach``/``selective`` are None when not given; they are
    present, with None parts, when broken.
    """

    __slots__ = ("args", "condition", "destinations", "foreach", "index", "name", "selective", "sources")

    index: int
    sources: tuple[NameRef, ...] | None
    destinations: tuple[NameRef, ...] | None
    condition: ConditionDef | None
    foreach: ForeachDef | ForeachItemsDef | None
    selective: SelectiveDef | None
    name: str | None
    args: TemplateDef | None

    @property
    def is_start(self) -> bool:
        """Return whether the edge is certainly a starting edge."""
        return self.sources is not None and not self.sources


class FailureDef(Definition):
    """An entry of ``failures``.

    ``nodes`` is None when broken. ``fallback`` is None when broken and ``()`` for ``fallback: true`` (then
    ``fallback_true`` holds).
    """

    __slots__ = ("args", "condition", "fallback", "fallback_true", "index", "nodes", "propagate_failure")

    index: int
    nodes: tuple[NameRef, ...] | None
    fallback: tuple[NameRef, ...] | None
    fallback_true: bool
    condition: ConditionDef | None
    propagate_failure: bool
    args: TemplateDef | None


class SamplingDef(Definition):
    """A sampling strategy; ``args`` is None when not given (the strategy's defaults) or broken."""

    __slots__ = ("args", "function")

    function: ImportDef | None
    args: dict[str, Json] | None


class FlowDef(Definition):
    """A flow. Times are seconds.

    ``edges``/``failures`` hold the entries that are mappings; an entry's ``index`` counts all entries.
    ``edges_broken``/``failures_broken``: an entry there could not be read, so checks of the kind "no edge
    starts this" must report nothing. ``merged``: the flow is an alias of another one (its mapping uses a merge
    key), or a copy of the flow that ``like`` names; what it does not give itself is that of the other one then.
    """

    __slots__ = (
        "cache",
        "eager_failures",
        "edges",
        "edges_broken",
        "expires",
        "failures",
        "failures_broken",
        "input_schema",
        "keep",
        "labels",
        "lane",
        "like",
        "limit",
        "max_retry",
        "merged",
        "name",
        "node_args_from_first",
        "nowait",
        "output",
        "output_schema",
        "propagate_compound_failures",
        "propagate_compound_finished",
        "propagate_failures",
        "propagate_finished",
        "propagate_node_args",
        "propagate_parent",
        "propagate_parent_failures",
        "queue",
        "retry_countdown",
        "sampling",
        "tags",
        "throttling",
        "timeout",
        "vars",
    )

    name: NameRef
    edges: tuple[EdgeDef, ...]
    edges_broken: bool
    failures: tuple[FailureDef, ...]
    failures_broken: bool
    merged: bool
    queue: NameRef | None
    max_retry: int
    retry_countdown: float
    timeout: float | None
    throttling: float | None
    nowait: tuple[NameRef, ...]
    eager_failures: Names
    node_args_from_first: bool
    propagate_node_args: Names
    propagate_parent: Names
    propagate_finished: Names
    propagate_compound_finished: Names
    propagate_failures: Names
    propagate_compound_failures: Names
    propagate_parent_failures: Names
    sampling: SamplingDef | None
    cache: CacheDef | None
    input_schema: NameRef | SchemaDef | None
    output: TemplateDef | None
    output_schema: NameRef | SchemaDef | None
    labels: TemplateDef | None
    keep: dict[str, float] | None
    limit: LimitDef | None
    lane: NameRef | None
    expires: float | None
    tags: tuple[str, ...]
    vars: dict[str, Json]
    like: NameRef | None


# --- the whole ----------------------------------------------------------------------------------------------


class TraceDef(Definition):
    """One entry of ``trace``. ``sinks`` is the entry as JSON data, as it goes into the plan.

    ``storage`` is the storage named by a storage sink, ``function`` the function of a function sink, ``dsn``
    of a Sentry sink (``""``: the environment's ``SENTRY_DSN``).
    """

    __slots__ = ("dsn", "function", "sinks", "storage")

    sinks: dict[str, Json]
    storage: NameRef | None
    function: ImportDef | None
    dsn: NameRef | None


class ScheduleDef(Definition):
    """A schedule. What is wrong or missing is None, ``args`` ``BROKEN``; ``jitter`` is seconds."""

    __slots__ = ("args", "catch_up", "cron", "flow", "jitter", "lane", "name", "overlap", "timezone")

    name: NameRef | None
    flow: NameRef | None
    cron: NameRef | None
    timezone: NameRef | None
    args: Json
    overlap: str
    catch_up: str
    jitter: float
    lane: NameRef | None


class NotifyDef(Definition):
    """Who hears of flow runs that need a look. ``whole``: nothing of it is wrong; ``after`` is seconds."""

    __slots__ = ("after", "flows", "function", "on", "secret", "webhook", "whole")

    on: tuple[str, ...]
    flows: tuple[NameRef, ...]
    webhook: NameRef | None
    secret: NameRef | None
    function: ImportDef | None
    after: float
    whole: bool


class GlobalDef(Definition):
    """The ``global`` sections of all files together.

    ``predicates_module`` None means the shipped ones, ``schedules``, ``notify``, ``lanes`` and ``links``
    None that they cannot be read.
    """

    __slots__ = (
        "default_dispatcher_queue",
        "default_task_queue",
        "env",
        "lanes",
        "links",
        "migration_dir",
        "notify",
        "on_graph_change",
        "on_unreached",
        "predicates_module",
        "redact",
        "schedules",
        "trace",
        "typed_tasks",
        "vars",
    )

    predicates_module: NameRef | None
    default_task_queue: NameRef | None
    default_dispatcher_queue: NameRef | None
    migration_dir: NameRef | None
    trace: tuple[TraceDef, ...]
    on_unreached: str | None
    on_graph_change: str | None
    vars: dict[str, Json]
    env: dict[str, dict[str, Json]]
    typed_tasks: bool
    redact: tuple[str, ...]
    schedules: tuple[ScheduleDef, ...] | None
    notify: tuple[NotifyDef, ...] | None
    lanes: dict[str, LaneDef] | None
    links: dict[str, NameRef] | None


class ProjectModel:
    """Everything the files of a project say, in the order of the files.

    ``tasks``/``flows``/``storages`` hold every definition with a usable name, duplicates included; the
    dictionaries ``task_by_name``/``flow_by_name``/``storage_by_name`` hold the first of each name.
    ``flow_list`` holds all entries of all ``flows`` sections, None when no file has that section.
    ``maybe_defined`` holds names that seem to be defined in text that could not be read (after a syntax
    error, or in a broken definition): checks for unknown names have to be silent about them.
    ``files`` are the display names of the files read. ``has_expressions``: some of them have texts of the
    expression language, templates, schemas of arguments, or what ``has_operating`` is about, so that rules about
    these have something to look at.
    """

    __slots__ = (
        "files",
        "flow_by_name",
        "flow_list",
        "flows",
        "has_expressions",
        "incomplete",
        "maybe_defined",
        "settings",
        "storage_by_name",
        "storages",
        "task_by_name",
        "tasks",
    )

    def __init__(
        self,
        tasks: tuple[TaskDef, ...],
        flows: tuple[FlowDef, ...],
        storages: tuple[StorageDef, ...],
        flow_list: tuple[NameRef, ...] | None,
        settings: GlobalDef,
        files: tuple[str, ...] = (),
        maybe_defined: frozenset[str] = frozenset(),
        incomplete: bool = False,
        has_expressions: bool = False,
    ) -> None:
        self.tasks = tasks
        self.flows = flows
        self.storages = storages
        self.flow_list = flow_list
        self.settings = settings
        self.files = files
        self.maybe_defined = maybe_defined
        self.incomplete = incomplete
        nodes: tuple[FlowDef | TaskDef, ...] = (*flows, *tasks)
        self.has_expressions = (
            has_expressions
            or bool(settings.schedules or settings.notify or settings.lanes)
            or any(node.input_schema is not None for node in nodes)
        )
        self.task_by_name: dict[str, TaskDef] = {}
        self.flow_by_name: dict[str, FlowDef] = {}
        self.storage_by_name: dict[str, StorageDef] = {}
        for task in tasks:
            self.task_by_name.setdefault(task.name.name, task)
        for flow in flows:
            self.flow_by_name.setdefault(flow.name.name, flow)
        for storage in storages:
            self.storage_by_name.setdefault(storage.name.name, storage)

    def has_operating(self) -> bool:
        """Whether there are schedules, lanes, notifications, waits, labels, limits or times to keep runs."""
        settings = self.settings
        if settings.schedules or settings.notify or settings.lanes:
            return True
        return any(task.wait is not None for task in self.tasks) or any(
            part is not None for flow in self.flows for part in (flow.labels, flow.limit, flow.keep, flow.lane)
        )

    def node(self, name: str) -> TaskDef | FlowDef | None:
        """The task or flow of that name (tasks first: a clash is reported by its own rule); None when
        unknown.
        """
        return self.task_by_name.get(name) or self.flow_by_name.get(name)

    def is_flow(self, name: str) -> bool:
        """Return whether a flow and no task has the name."""
        return name in self.flow_by_name and name not in self.task_by_name
