"""The plan: what a project means, as an immutable value. The only thing both halves of selinon share.

The YAML half produces a ``Plan``; dispatch, the runtime, the drivers and the drawings consume it. Nothing in
it refers to text, and everything in it survives ``plan_from_json(plan_to_json(plan)) == plan``.

Mappings and lists that come from the user (``configuration``, predicate ``args``) are plain JSON values; who
hands them to user code hands out a copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from selinon_core.diagnostics.location import Place

Json = Any


class ImportRef(NamedTuple):
    """A function or class by name; resolved by the runtime, never by the YAML half."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Expression(NamedTuple):
    """Text of the expression language (``selinon_core.expressions``) without faults, and where it begins."""

    text: str
    place: Place


class Computed(NamedTuple):
    """A part of a template that is the value of an expression: a text that is exactly ``${expression}``."""

    expression: Expression


class ComputedText(NamedTuple):
    """A part of a template that is a text with values in it: ``order ${args.number}``."""

    parts: tuple[str | Expression, ...]


class Template(NamedTuple):
    """A JSON value with ``Computed`` and ``ComputedText`` in it, at any depth of its mappings and lists."""

    value: Any
    place: Place


#: A JSON Schema in place, or the path of its file (or ``pkg.module:file.json``).
Schema = str | Mapping[str, Json]


class Test(NamedTuple):
    """A leaf of a condition that is an expression, which gives true or false.

    ``and``, ``or`` and ``not`` at the top of a text are ``And``, ``Or`` and ``Not`` here, never inside a test.
    """

    expression: Expression

    @property
    def text(self) -> str:
        """The expression as it is written."""
        return self.expression.text

    @property
    def place(self) -> Place:
        """Where the expression begins."""
        return self.expression.place


class Leaf(NamedTuple):
    """A predicate call.

    ``node`` is the path to the result that becomes ``message``, if the function takes one; None where there is
    nothing to read (a starting edge, several sources and no ``node``). A path of one name is a source of the
    edge (a task, or a flow whose outcome is the message); a longer one leads through sub-flows to a task,
    whose last result is read, or with ``quantifier`` (``any``, ``all``, ``none``) each of its results.
    """

    function: ImportRef
    node: tuple[str, ...] | None
    args: Mapping[str, Json]
    quantifier: str | None
    place: Place


class Not(NamedTuple):
    """True when ``operand`` is false."""

    operand: Condition


class And(NamedTuple):
    """True when all operands are; evaluated left to right, stopping at the first false one."""

    operands: tuple[Condition, ...]
    kind: str = "and"


class Or(NamedTuple):
    """True when any operand is; evaluated left to right, stopping at the first true one."""

    operands: tuple[Condition, ...]
    kind: str = "or"


Condition = Leaf | Test | Not | And | Or


class Foreach(NamedTuple):
    """A fan-out computed at run time by ``function(storage_pool, node_args)``.

    ``at_most``: how many of the items are taken; None, what every file says: all. Mutants of a flow set it.
    """

    function: ImportRef
    propagate_result: bool
    place: Place
    at_most: int | None = None

    @property
    def text(self) -> str:
        """The full name of the function."""
        return str(self.function)


class ForeachItems(NamedTuple):
    """A fan-out over the list that an expression gives; ``item_name`` is how ``args`` call an item.

    Without ``args`` of its edge the item is what a destination is given.
    """

    expression: Expression
    item_name: str
    place: Place
    at_most: int | None = None

    @property
    def text(self) -> str:
        """The expression as it is written."""
        return self.expression.text

    @property
    def propagate_result(self) -> bool:
        """Items are always passed on."""
        return True


class Selective(NamedTuple):
    """How an edge runs its sub-flow selectively; ``run_subsequent`` is a bool or the flows it holds for."""

    tasks: tuple[str, ...]
    follow_subflows: bool
    run_subsequent: bool | tuple[str, ...]


class EdgePlan(NamedTuple):
    """An edge. No sources: a starting edge. A destination listed k times is started k times.

    ``condition`` None means always. ``args`` are what the destinations are given, instead of the flow's
    arguments or the item.
    """

    index: int  # type: ignore[assignment]  # hides ``tuple.index``, which is not needed here
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    condition: Condition | None
    foreach: Foreach | ForeachItems | None
    selective: Selective | None
    name: str | None
    place: Place
    args: Template | None = None


class FailurePlan(NamedTuple):
    """A fallback for a combination of failed nodes; ``fallback`` is empty for ``fallback: true``.

    ``nodes`` is sorted and free of repetitions.
    """

    index: int  # type: ignore[assignment]  # hides ``tuple.index``, which is not needed here
    nodes: tuple[str, ...]
    fallback: tuple[str, ...]
    condition: Condition | None
    propagate_failure: bool
    place: Place
    args: Template | None = None


class Strategy(NamedTuple):
    """A sampling strategy ``function(status, **args)``: how long a silence the sweep lets pass."""

    function: ImportRef
    args: Mapping[str, Json]


class CachePlan(NamedTuple):
    """A cache and the keyword arguments of its class."""

    function: ImportRef
    configuration: Mapping[str, Json]


class FlowLimit(NamedTuple):
    """How many runs there may be at once whose ``key`` is the same text.

    ``when_full`` says what a further start does: ``queue``, ``skip`` or ``cancel_running``.
    """

    key: Template
    max: int
    when_full: str = "queue"


class TaskLimit(NamedTuple):
    """How many attempts of tasks there may be at once whose ``key``, over their arguments, is the same text."""

    key: Template
    max: int


class LanePlan(NamedTuple):
    """A lane: ``priority`` is 0 to 9 (9 first, None: that of runs without a lane); ``queue_suffix`` is put
    behind the names of the queues.
    """

    priority: int | None = None
    queue_suffix: str = ""


class FlowPlan(NamedTuple):
    """A flow. The ``propagate_*`` sets hold names of sub-flows; ``true`` is spelled out by the compiler.

    ``eager_failures`` is spelled out too. Times are seconds. ``queue`` may hold ``{ENVIRONMENT}`` references.
    ``output`` None: the flow declares none. ``labels`` is a mapping by whose values runs are found. ``keep``
    says how long a run is kept that ended with success, failure or cancelled, ``expires`` how long a start
    may wait. ``tags`` change nothing: selectors read them. ``constants`` are the ``vars`` of expressions: the
    flow's own over the global ones.
    """

    name: str
    edges: tuple[EdgePlan, ...]
    failures: tuple[FailurePlan, ...]
    queue: str
    max_retry: int
    retry_countdown: float
    timeout: float | None
    throttling: float | None
    nowait: frozenset[str]
    eager_failures: frozenset[str]
    node_args_from_first: bool
    propagate_node_args: frozenset[str]
    propagate_parent: frozenset[str]
    propagate_finished: frozenset[str]
    propagate_compound_finished: frozenset[str]
    propagate_failures: frozenset[str]
    propagate_compound_failures: frozenset[str]
    propagate_parent_failures: frozenset[str]
    sampling: Strategy
    cache: CachePlan | None
    place: Place
    input_schema: Schema | None = None
    output: Template | None = None
    output_schema: Schema | None = None
    constants: Mapping[str, Json] = {}
    labels: Template | None = None
    keep: Mapping[str, float] | None = None
    limit: FlowLimit | None = None
    lane: str | None = None
    expires: float | None = None
    tags: tuple[str, ...] = ()


class Wait(NamedTuple):
    """What a task waits for: a signal from outside. ``timeout`` in seconds; None: it waits without end.

    ``title`` is a text, or a ``Template`` over the arguments of the node run.
    """

    title: Template | None = None
    timeout: float | None = None


class RetryPolicy(NamedTuple):
    """What ``retry`` of a task says beside ``max_retry`` and ``retry_countdown``, which it sets.

    Times are seconds. ``only`` and ``never`` are patterns of exception classes. ``jitter`` is the part of a wait
    by which it varies.
    """

    factor: float = 1
    max_wait: float | None = None
    jitter: float = 0
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


class TaskPlan(NamedTuple):
    """A task. Times are seconds.

    A task with ``wait`` has no ``function``: nothing runs it, and it ends by a signal or by its time-out.
    With ``retry`` None every error is retried after the same time. ``tags`` change nothing: selectors read them.
    ``limit`` says how many attempts there may be at once.
    """

    name: str
    function: ImportRef | None
    max_retry: int
    retry_countdown: float
    timeout: float | None
    throttling: float | None
    output_schema: Schema | None
    storage: str | None
    storage_readonly: bool
    storage_task_name: str
    selective_run_function: ImportRef | None
    queue: str
    place: Place
    input_schema: Schema | None = None
    wait: Wait | None = None
    retry: RetryPolicy | None = None
    tags: tuple[str, ...] = ()
    limit: TaskLimit | None = None


class StoragePlan(NamedTuple):
    """A storage.

    ``configuration``: a mapping is keyword arguments, None is no argument, any other value is the one argument.
    """

    name: str
    function: ImportRef
    configuration: Json
    cache: CachePlan | None
    place: Place


class SchedulePlan(NamedTuple):
    """A start of a flow by the clock: ``cron`` has five fields, ``timezone`` is a name, ``jitter`` is seconds.

    ``overlap``: ``skip``, ``queue``, ``allow`` or ``cancel``. ``catch_up``: ``last``, ``none`` or ``all``.
    """

    name: str
    flow: str
    cron: str
    timezone: str
    args: Json
    overlap: str
    catch_up: str
    jitter: float
    place: Place
    lane: str | None = None


class NotifyPlan(NamedTuple):
    """Who hears of flow runs that need a look: a webhook or a function.

    ``on``: of ``failure``, ``review`` and ``stuck``. ``flows`` empty: all runs that are not of sub-flows.
    ``webhook`` and ``secret`` may hold ``{ENVIRONMENT}`` references. ``after`` is seconds without progress.
    """

    on: tuple[str, ...]
    flows: tuple[str, ...]
    webhook: str | None
    secret: str | None
    function: ImportRef | None
    after: float
    place: Place


class Settings(NamedTuple):
    """The ``global`` section. ``trace`` holds one mapping per sink: ``{"logging": True}``, ...

    ``migration_dir``, queue names and strings in storage configurations may hold ``{ENVIRONMENT}`` references.
    ``environment`` has the variables that expressions may read: name -> ``{}`` or ``{"default": value}``. A plan
    that a test case runs may have a ``"value"`` there, which counts before that of the process (None: not set).
    ``typed_tasks``: arguments of tasks are converted to the types that ``run`` is annotated with. ``redact`` are
    patterns of keys whose values traces, statuses and pages do not show. ``schedules`` and ``notify`` are in the
    order of the file. ``lanes`` are by name, ``links`` are templates of addresses by name, see ``link_templates``.
    """

    migration_dir: str | None
    trace: tuple[Mapping[str, Json], ...]
    on_unreached: str
    on_graph_change: str
    environment: Mapping[str, Mapping[str, Json]] = {}
    typed_tasks: bool = False
    redact: tuple[str, ...] = ()
    schedules: tuple[SchedulePlan, ...] = ()
    notify: tuple[NotifyPlan, ...] = ()
    lanes: Mapping[str, LanePlan] = {}
    links: Mapping[str, str] = {}


class _Plan(NamedTuple):
    tasks: Mapping[str, TaskPlan]
    flows: Mapping[str, FlowPlan]
    storages: Mapping[str, StoragePlan]
    settings: Settings


class Plan(_Plan):
    """A whole project: tasks, flows and storages by name, in the order of the files."""

    def is_flow(self, name: str) -> bool:
        """Return whether a node is a sub-flow; nodes have one name space."""
        return name in self.flows

    @cached_property
    def starts(self) -> int:
        """How many nodes the edges of all flows start when each fires once."""
        return sum(len(edge.destinations) for flow in self.flows.values() for edge in flow.edges)

    @cached_property
    def top_level_flows(self) -> tuple[str, ...]:
        """The flows that no other flow starts."""
        started = {
            node
            for flow in self.flows.values()
            for group in (*(e.destinations for e in flow.edges), *(f.fallback for f in flow.failures))
            for node in group
            if node != flow.name
        }
        return tuple(name for name in self.flows if name not in started)
