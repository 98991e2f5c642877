"""How sub-flows can end: each flow is explored by itself, and those above take its ends instead of running it.

Flows that start each other are explored in rounds, beginning with no ends at all, until no round adds one. A flow
that has no end then never ends.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from selinon_core.cases.model import Invariant
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.exploring.environment import Environment
from selinon_core.exploring.exploration import Exploration
from selinon_core.exploring.explorer import explore
from selinon_core.exploring.flow_programs import FlowPrograms, selection_of
from selinon_core.exploring.limits import Limits
from selinon_core.exploring.model import FlowModel, ProjectModel
from selinon_core.exploring.observation import Context, Observation, PlayEnded
from selinon_core.exploring.play import Play
from selinon_core.exploring.probing import observations_at_end
from selinon_core.plan.components import components

_MOST_ROUNDS = 12


class Summaries:
    """Explorations of the flows of a project, and what they say to the flows above.

    ``can_block``: the flow that is explored may start one that never ends. ``is_over`` says that time is up.
    """

    def __init__(
        self,
        project: ProjectModel,
        limits: Limits,
        is_over: Callable[[], bool] = lambda: False,
        invariants: Sequence[Invariant] = (),
    ) -> None:
        self.project = project
        self.limits = limits
        self.can_block = False
        self._is_over = is_over
        self._invariants = invariants
        self._explored: dict[Context, Exploration] = {}
        self._ends: dict[Context, list[tuple[Observation, int]]] = {}
        self._selections: dict[str, SelectiveRun] = {}
        self._programs: dict[str, FlowPrograms] = {}

    def explore(self, context: Context) -> Exploration:
        """Explore a flow, after those that it starts."""
        if context not in self._explored:
            arcs = self._calls_from(context)
            for group in components(arcs):
                if any(member not in self._explored for member in group):
                    self._explore_group(group, len(group) > 1 or group[0] in arcs[group[0]])
        return self._explored[context]

    @property
    def explorations(self) -> tuple[Exploration, ...]:
        """All explorations so far, the last of each flow."""
        return tuple(self._explored.values())

    def explored_of(self, flow: str) -> Exploration | None:
        """What is known of a flow so far."""
        return next((found for context, found in self._explored.items() if context.flow == flow), None)

    def ends_of(self, context: Context) -> list[tuple[Observation, int]]:
        """The known ends of a flow with the failures they cost."""
        if context not in self._ends:
            self.explore(context)
        return self._ends[context]

    def selection(self, context: Context) -> SelectiveRun | None:
        """The selection of a context."""
        return None if context.selective is None else self._selections[context.selective]

    def programs_of(self, model: FlowModel) -> FlowPrograms:
        """The programs of a flow."""
        programs = self._programs.get(model.name)
        if programs is None:
            programs = self._programs[model.name] = FlowPrograms(model, self)
        return programs

    def context_of(self, model: FlowModel, node: NodeRun, inherited: SelectiveRun | None) -> Context:
        """How a sub-flow is run."""
        selection = selection_of(model, node, inherited)
        return self._context(node.name, node.args is not None, selection)

    def run_inside(self, above: Play, node: NodeRun) -> tuple[Play, Observation]:
        """Run a sub-flow with the choices of the run above it; raises ``PlayEnded``."""
        depth = above.depth + 1
        if depth > self.limits.visits + len(self.project.plan.flows):
            raise PlayEnded("visits", node.name)
        model = self.project[node.name]
        env = Environment(above.env.tape)
        env.cost = above.env.cost
        env.masks.update(above.env.variables())
        selection = selection_of(above.model, node, above.selective)
        inner = Play(self.programs_of(model), env, above.limits, node.args is not None, selection, depth)
        inner.run()
        above.env.cost = env.cost
        above.env.masks.update(env.variables())
        return inner, observations_at_end(inner)

    def _context(self, flow: str, has_args: bool, selection: SelectiveRun | None) -> Context:
        if not self.project[flow].reads_args:
            has_args = True  # it makes no difference, and the flow is explored with arguments anyway
        if selection is None:
            return Context(flow, has_args)
        text = json.dumps(selection.to_json(), sort_keys=True)
        self._selections.setdefault(text, selection)
        return Context(flow, has_args, text)

    def _calls_from(self, context: Context) -> dict[Context, list[Context]]:
        """Which contexts start which, of all that are reached from one."""
        arcs: dict[Context, list[Context]] = {}
        todo = [context]
        while todo:
            caller = todo.pop()
            if caller not in arcs:
                arcs[caller] = self._called(caller)
                todo += arcs[caller]
        return arcs

    def _called(self, caller: Context) -> list[Context]:
        model, inherited = self.project[caller.flow], self.selection(caller)
        flow, plan = model.flow, self.project.plan
        found: dict[Context, None] = {}
        for row in model.table.rows:
            for name in row.edge.destinations:
                if not plan.is_flow(name) or not model.table.destinations[name].waited_for:
                    continue
                selection = row.selective
                if selection is None and inherited is not None and name in inherited.edges:
                    selection = inherited
                item = row.foreach is not None and row.foreach.propagate_result
                given = item or (name in flow.propagate_node_args and (caller.has_args or model.first is not None))
                found[self._context(name, given, selection)] = None
        for entry in flow.failures:
            for name in entry.fallback:
                if plan.is_flow(name) and model.table.destinations[name].waited_for:
                    selection = inherited if inherited is not None and name in inherited.edges else None
                    for given in (True, False):
                        found[self._context(name, given and name in flow.propagate_node_args, selection)] = None
                    if caller.has_args is False and name in flow.propagate_node_args:
                        found[self._context(name, False, selection)] = None
        return list(found)

    def _explore_group(self, group: Sequence[Context], is_recursive: bool) -> None:
        for context in group:
            self._ends.setdefault(context, [])
        self.can_block = is_recursive or self.can_block
        for _ in range(_MOST_ROUNDS if is_recursive else 1):
            grown = False
            for context in group:
                programs = self.programs_of(self.project[context.flow])
                exploration = explore(
                    programs, context, self.selection(context), self.limits, self._is_over, self._invariants
                )
                self._explored[context] = exploration
                ends = sorted(exploration.ends.items(), key=lambda end: (end[1], repr(end[0])))
                grown = grown or ends != self._ends[context]
                self._ends[context] = ends
            if not grown:
                break
        else:
            if is_recursive:
                for context in group:
                    self._explored[context].cuts.add("rounds")
