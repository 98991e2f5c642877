"""A flow prepared for exploration: its conditions as programs on worlds, its goals, and what depends on order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from selinon_core.dispatch import flow_indexes
from selinon_core.dispatch.flow_index import FlowIndex
from selinon_core.errors import ConfigurationError
from selinon_core.exploring.cycles import nodes_in_cycles
from selinon_core.exploring.goals import Goal, GoalTable
from selinon_core.plan import Condition, FlowPlan, Leaf, Plan, TaskPlan, Test
from selinon_core.plan.functions import predicates_of
from selinon_core.plan.model import Schema
from selinon_core.schemas.check import ResultSchema
from selinon_core.worlds import LeafKind, Worlds, kind_of, worlds_of

#: Finds the schema of a task's results, None when it has none. Raises ``ConfigurationError``.
Schemas = Callable[[TaskPlan], ResultSchema | None]
#: What a leaf is known by: equal leaves have equal truths.
LeafKey = tuple[str, str, str | None]


def leaf_key(leaf: Leaf | Test) -> LeafKey:
    """What makes two leaves on one value the same."""
    if isinstance(leaf, Test):
        return ("", leaf.text, None)
    return (str(leaf.function), repr(sorted(leaf.args.items())), leaf.quantifier)


def conditions_of(flow: FlowPlan) -> list[Condition]:
    """The conditions of the edges, then those of the failures entries."""
    conditions = [edge.condition for edge in flow.edges] + [entry.condition for entry in flow.failures]
    return [condition for condition in conditions if condition is not None]


class Probe(NamedTuple):
    """What flows above read of this one: ``leaf`` at the end of ``path``, from this flow on.

    An empty path reads the outcome of the flow. ``inner`` is the index of the probe in the sub-flow that a path of
    several names leads through.
    """

    leaf: Leaf
    path: tuple[str, ...]
    inner: int | None = None


class Truths(NamedTuple):
    """A leaf on the worlds of a variable: ``all`` of them, and those in which it holds."""

    all: int
    true: int


class FlowModel:
    """One flow. ``worlds`` are those of the results of tasks, ``args_worlds`` those of the flow's arguments."""

    def __init__(self, project: ProjectModel, table: FlowIndex) -> None:
        self.project = project
        self.table = table
        self.flow: FlowPlan = table.flow
        self.name = table.flow.name
        self.goals = GoalTable(table)
        #: by goal, or by a plain tuple equal to it, which is faster to make
        self.bits: Mapping[tuple[str, str | int, int | None], int] = self.goals.bits
        self.node_bits = {name: self.bits[Goal("node", name)] for name in table.destinations}
        self.fired_bits = [self.bits[Goal("edge_fired", edge.index)] for edge in self.flow.edges]
        self.on_unreached = project.plan.settings.on_unreached
        self.cyclic = nodes_in_cycles(table)
        self.joins = tuple(row.edge for row in table.rows if len(row.sources) > 1)
        self.join_sources = frozenset(name for edge in self.joins for name in edge.sources)
        self.has_conditions = any(edge.condition is not None for edge in self.flow.edges)
        self.eager = self.flow.eager_failures & table.destinations.keys()
        self.probes: tuple[Probe, ...] = tuple(project.probes.get(self.name, ()))
        self.reads_last = any(probe.leaf.quantifier is None and probe.path for probe in self.probes)
        self.worlds: dict[str, Worlds] = {}
        self.args_worlds: Worlds | None = None
        self._truths: dict[tuple[str | None, LeafKey], Truths] = {}
        self._lengths: dict[tuple[str, tuple[int, ...]], tuple[int, ...]] = {}
        self._find_worlds()

    @property
    def first(self) -> str | None:
        """The task whose result becomes the arguments (``node_args_from_first``)."""
        return self.table.starting[0].edge.destinations[0] if self.flow.node_args_from_first else None

    @property
    def reads_args(self) -> bool:
        """Whether the given arguments can decide something, in this flow or in one that gets them."""
        return self.name in self.project.flows_reading_args

    def truths_of(self, task: str | None, leaf: Leaf) -> Truths:
        """A shipped predicate on the results of a task, or for None on the flow's arguments."""
        return self._truths[task, leaf_key(leaf)]

    def lengths_of(self, text: str, lengths: tuple[int, ...]) -> tuple[int, ...]:
        """Those of the lengths that the list of an expression may have, as far as schemas bound it."""
        key = (text, lengths)
        if key not in self._lengths:
            from selinon_core.exploring.list_lengths import possible_lengths

            self._lengths[key] = possible_lengths(text, lengths, self._schema_of)
        return self._lengths[key]

    def _schema_of(self, node: str | None) -> ResultSchema | None:
        return self.project.schema_of_arguments(self.name) if node is None else self.project.schema_of(node)

    def _find_worlds(self) -> None:
        read: dict[str | None, dict[LeafKey, Leaf]] = {}
        for leaf in self._leaves():
            kind = kind_of(leaf)
            if kind is LeafKind.ARGUMENTS:  # until the first task has ended, the arguments are those given
                for what in {None, self.first}:
                    read.setdefault(what, {}).setdefault(leaf_key(leaf), leaf)
            elif kind is LeafKind.RESULT and leaf.node and leaf.node[0] not in self.project.plan.flows:
                read.setdefault(leaf.node[0], {}).setdefault(leaf_key(leaf), leaf)
        for probe in self.probes:
            if len(probe.path) == 1 and kind_of(probe.leaf) is LeafKind.RESULT:
                read.setdefault(probe.path[0], {}).setdefault(leaf_key(probe.leaf), probe.leaf)
        for task, leaves in read.items():
            worlds = self.project.worlds_of_task(task, list(leaves.values()))
            for key, true in zip(leaves, worlds.truths, strict=True):
                self._truths[task, key] = Truths(worlds.all, true)
            if task is None:
                self.args_worlds = worlds
            else:
                self.worlds[task] = worlds

    def _leaves(self) -> list[Leaf]:
        flows = [plan.flows[self.name] for plan in self.project.plans if self.name in plan.flows]
        return [leaf for flow in flows for condition in conditions_of(flow) for leaf in predicates_of(condition)]


class ProjectModel:
    """The flows of a plan, prepared when first asked for. ``notes`` are sentences about what could not be used.

    ``like``: the model of another version of the plan, with which this one shares its worlds. ``beside``: a plan
    whose conditions count as well, so that a model of it can share them.
    """

    def __init__(
        self,
        plan: Plan,
        schemas: Schemas = lambda task: None,
        *,
        beside: Plan | None = None,
        like: ProjectModel | None = None,
    ) -> None:
        self.plan = plan
        self.plans: tuple[Plan, ...] = (plan,) if beside is None else (plan, beside)
        if like is not None:
            self.plans = like.plans
        self.notes: list[str] = []
        self._schemas = schemas
        self._tables = flow_indexes(plan)
        self._flows: dict[str, FlowModel] = {}
        self._worlds: dict[Any, Worlds] = {} if like is None else like._worlds
        self.probes: dict[str, list[Probe]] = _find_probes(self.plans)
        self.flows_reading_args = _find_flows_reading_args(plan)

    def __getitem__(self, flow: str) -> FlowModel:
        model = self._flows.get(flow)
        if model is None:
            model = self._flows[flow] = FlowModel(self, self._tables[flow])
        return model

    def schema_of(self, task: str) -> ResultSchema | None:
        """The schema of a task's results; None when it has none, or one that cannot be used."""
        plan = self.plan.tasks.get(task)
        try:
            return None if plan is None else self._schemas(plan)
        except ConfigurationError:
            return None

    def schema_of_arguments(self, node: str) -> ResultSchema | None:
        """The schema of the arguments of a flow or task; None when it has none, or one that cannot be used."""
        found = self.plan.flows.get(node) or self.plan.tasks.get(node)
        return None if found is None else self._schema(found.input_schema, found)

    def schema_of_output(self, flow: str) -> ResultSchema | None:
        """The schema of a flow's output; None when it has none, or one that cannot be used."""
        return self._schema(self.plan.flows[flow].output_schema, self.plan.flows[flow])

    def _schema(self, schema: Schema | None, of: FlowPlan | TaskPlan) -> ResultSchema | None:
        task = next(iter(self.plan.tasks.values()), None)
        if schema is None or task is None:
            return None
        # Schemas are found for tasks; this is one whose results are such values.
        giver = task._replace(name=of.name, output_schema=schema, place=of.place)
        try:
            return self._schemas(giver)
        except ConfigurationError:
            return None

    def worlds_of_task(self, task: str | None, leaves: list[Leaf]) -> Worlds:
        """The worlds of a task's results for these leaves; without the schema where that cannot be used."""
        key = (task, tuple(map(leaf_key, leaves)))
        if key not in self._worlds:
            self._worlds[key] = self._new_worlds(task, leaves)
        return self._worlds[key]

    def _new_worlds(self, task: str | None, leaves: list[Leaf]) -> Worlds:
        plan = None if task is None else self.plan.tasks.get(task)
        if plan is not None:
            try:
                worlds = worlds_of(leaves, self._schemas(plan))
            except ConfigurationError as error:
                self.notes.append(f"{task}: its results are tried without their schema: {error}")
            else:
                self._note_sampled(task, worlds)
                return worlds
        worlds = worlds_of(leaves)
        self._note_sampled(task, worlds)
        return worlds

    def _note_sampled(self, task: str | None, worlds: Worlds) -> None:
        if worlds.sampled:
            what = "the arguments" if task is None else f"the results of {task}"
            self.notes.append(f"{what}: only pairs of values were combined")


def _find_flows_reading_args(plan: Plan) -> frozenset[str]:
    """The flows with a condition on arguments, and those that hand their arguments to such a flow."""
    reading = {
        flow.name
        for flow in plan.flows.values()
        for condition in conditions_of(flow)
        if any(kind_of(leaf) is LeafKind.ARGUMENTS for leaf in predicates_of(condition))
    }
    while True:
        more = {name for name, flow in plan.flows.items() if flow.propagate_node_args & reading} - reading
        if not more:
            return frozenset(reading)
        reading |= more


def _find_probes(plans: tuple[Plan, ...]) -> dict[str, list[Probe]]:
    """What the conditions of all flows read in their sub-flows, by the flow that is read."""
    found: dict[str, list[Probe]] = {}

    def add(flow: str, leaf: Leaf, path: tuple[str, ...]) -> int:
        inner = add(path[0], leaf, path[1:]) if len(path) > 1 else None
        probe = Probe(leaf, path, inner)
        known = found.setdefault(flow, [])
        for index, other in enumerate(known):
            if other.path == path and leaf_key(other.leaf) == leaf_key(leaf):
                return index
        known.append(probe)
        return len(known) - 1

    for plan in plans:
        for edge in (edge for flow in plan.flows.values() for edge in flow.edges):
            for leaf in predicates_of(edge.condition):
                reads = kind_of(leaf) in (LeafKind.RESULT, LeafKind.UNKNOWN)
                if reads and leaf.node and leaf.node[0] in plan.flows:
                    add(leaf.node[0], leaf, leaf.node[1:])
    return found


def probe_index(model: FlowModel, leaf: Leaf) -> int:
    """The index among the probes of ``model``, a sub-flow, of a leaf of the flow above."""
    assert leaf.node is not None
    for index, probe in enumerate(model.probes):
        if probe.path == leaf.node[1:] and leaf_key(probe.leaf) == leaf_key(leaf):
            return index
    raise LookupError(f"{model.name} has no probe for {leaf.function}")
