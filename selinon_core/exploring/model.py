"""A flow prepared for exploration: its conditions as programs on worlds, its goals, and what depends on order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from selinon_core.dispatch import flow_indexes
from selinon_core.dispatch.flow_index import FlowIndex
from selinon_core.errors import ConfigurationError
from selinon_core.exploring.cycles import nodes_in_cycles
from selinon_core.exploring.goals import Goal, GoalTable
from selinon_core.exploring.leaf_truths import LeafKey, Truths, leaf_key, possible_truths
from selinon_core.exploring.variables import variable_worlds
from selinon_core.plan import Condition, FlowPlan, Leaf, Plan, TaskPlan, Test
from selinon_core.plan.functions import leaves_of, predicates_of
from selinon_core.plan.model import Schema
from selinon_core.schemas.check import ResultSchema
from selinon_core.worlds import LeafKind, ReadTest, Vector, Worlds, kind_of, read_test, truth_of, worlds_of

#: Finds the schema of a task's results, None when it has none. Raises ``ConfigurationError``.
Schemas = Callable[[TaskPlan], ResultSchema | None]


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
        self._lengths_in: dict[tuple[str, int, tuple[int, ...]], dict[int, int]] = {}
        self._find_worlds()

    @property
    def first(self) -> str | None:
        """The task whose result becomes the arguments (``node_args_from_first``)."""
        return self.table.starting[0].edge.destinations[0] if self.flow.node_args_from_first else None

    @property
    def reads_args(self) -> bool:
        """Whether the given arguments can decide something, in this flow or in one that gets them."""
        return self.name in self.project.flows_reading_args

    def truths_of(self, task: str | None, leaf: Leaf | Test) -> Truths:
        """A leaf on the results of a task, or for None on the flow's arguments."""
        return self._truths[task, leaf_key(leaf)]

    def read(self, test: Test, *, is_fallback: bool) -> ReadTest | None:
        """An expression that worlds decide, None for one that stays an unknown.

        That of a fallback reads results of runs above, and is not looked into.
        """
        found = read_test(test.text, self.flow.constants)
        if found is None or (found.node, leaf_key(test)) not in self._truths:
            return None
        return None if is_fallback and found.node is not None else found

    def lengths_of(self, text: str, lengths: tuple[int, ...]) -> tuple[int, ...]:
        """Those of the lengths that the list of an expression may have, as far as schemas bound it."""
        key = (text, lengths)
        if key not in self._lengths:
            from selinon_core.exploring.list_lengths import possible_lengths

            self._lengths[key] = possible_lengths(text, lengths, self._schema_of)
        return self._lengths[key]

    def lengths_in(self, text: str, worlds: Worlds, lengths: tuple[int, ...]) -> dict[int, int]:
        """Length -> the worlds of what an expression reads in which its list may be that long."""
        key = (text, id(worlds), lengths)
        if key not in self._lengths_in:
            from selinon_core.exploring.list_lengths import lengths_by_worlds, path_alone

            path = path_alone(text)
            self._lengths_in[key] = {} if path is None else lengths_by_worlds(path, worlds, lengths)
        return self._lengths_in[key]

    def _schema_of(self, node: str | None) -> ResultSchema | None:
        return self.project.schema_of_arguments(self.name) if node is None else self.project.schema_of(node)

    def _find_worlds(self) -> None:
        read: dict[str | None, dict[LeafKey, Leaf | ReadTest]] = {}
        for leaf in self._leaves():
            kind = kind_of(leaf)
            if isinstance(leaf, Test):
                test = read_test(leaf.text, self.flow.constants)
                if test is not None and test.node is None:
                    for what in {None, self.first}:
                        read.setdefault(what, {}).setdefault(leaf_key(test), test)
                elif test is not None and test.node in self.project.plan.tasks:
                    read.setdefault(test.node, {}).setdefault(leaf_key(test), test)
            elif kind is LeafKind.ARGUMENTS:  # until the first task has ended, the arguments are those given
                for what in {None, self.first}:
                    read.setdefault(what, {}).setdefault(leaf_key(leaf), leaf)
            elif kind is LeafKind.RESULT and leaf.node and leaf.node[0] not in self.project.plan.flows:
                read.setdefault(leaf.node[0], {}).setdefault(leaf_key(leaf), leaf)
        for probe in self.probes:
            if len(probe.path) == 1 and kind_of(probe.leaf) is LeafKind.RESULT:
                read.setdefault(probe.path[0], {}).setdefault(leaf_key(probe.leaf), probe.leaf)
        for task, leaves in read.items():
            worlds = self.project.worlds_of_task(self.name, task, list(leaves.values()))
            for one, true, undefined in zip(worlds.leaves, worlds.truths, worlds.undefined, strict=True):
                self._truths[task, leaf_key(one)] = Truths(worlds.all, true, undefined)
            if not worlds.leaves:
                continue
            if task is None:
                self.args_worlds = worlds
            else:
                self.worlds[task] = worlds

    def _leaves(self) -> list[Leaf | Test]:
        flows = [plan.flows[self.name] for plan in self.project.plans if self.name in plan.flows]
        return [leaf for flow in flows for condition in conditions_of(flow) for leaf in leaves_of(condition)]


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
        self.variables = variable_worlds(_leaves_on_variables(self.plans))
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

    def worlds_of_task(self, flow: str, task: str | None, leaves: list[Leaf | ReadTest]) -> Worlds:
        """The worlds of a task's results, for None of the arguments of the flow, for leaves of its conditions.

        Without the schema where that cannot be used. Expressions that have a truth for no value are left out.
        """
        has_tests = any(isinstance(leaf, ReadTest) for leaf in leaves)
        key = (flow if has_tests or task is None else "", task, tuple(map(leaf_key, leaves)))
        if key not in self._worlds:
            self._worlds[key] = self._new_worlds(flow, task, leaves)
        return self._worlds[key]

    def _new_worlds(self, flow: str, task: str | None, leaves: list[Leaf | ReadTest]) -> Worlds:
        schema = None
        try:
            if task is None:
                schema = self.schema_of_arguments(flow)
            elif task in self.plan.tasks:
                schema = self._schemas(self.plan.tasks[task])
            worlds = self._worlds_within(flow, leaves, schema)
        except ConfigurationError as error:
            what = "the arguments are" if task is None else f"{task}: its results are"
            self.notes.append(f"{what} tried without their schema: {error}")
            worlds = self._worlds_within(flow, leaves, None)
        self._note_sampled(task, worlds)
        return worlds

    def _worlds_within(self, flow: str, leaves: list[Leaf | ReadTest], schema: ResultSchema | None) -> Worlds:
        predicates: list[Leaf | ReadTest] = [leaf for leaf in leaves if isinstance(leaf, Leaf)]
        if len(predicates) == len(leaves):
            return worlds_of(leaves, schema)
        # What the original would fail for is not tried; what only another version fails for tells them apart.
        conditions = conditions_of(self.plans[0].flows[flow]) if flow in self.plans[0].flows else []
        keys = [leaf_key(leaf) for leaf in leaves]

        def is_possible(vector: Vector) -> bool:
            if None not in vector:
                return True
            truths = dict(zip(keys, vector, strict=True))
            return not any(None in possible_truths(condition, truths) for condition in conditions)

        worlds = worlds_of(leaves, schema, is_possible)
        is_whole = is_possible(tuple(truth_of(leaf, worlds.values[0]) for leaf in leaves))
        return worlds if is_whole else worlds_of(predicates, schema)

    def _note_sampled(self, task: str | None, worlds: Worlds) -> None:
        if worlds.sampled:
            what = "the arguments" if task is None else f"the results of {task}"
            self.notes.append(f"{what}: only pairs of values were combined")


def _leaves_on_variables(plans: tuple[Plan, ...]) -> Iterator[Leaf]:
    for flow in (flow for plan in plans for flow in plan.flows.values()):
        for condition in conditions_of(flow):
            yield from (leaf for leaf in predicates_of(condition) if kind_of(leaf) is LeafKind.ENVIRONMENT)


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
