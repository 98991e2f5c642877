"""What a rerun will do, decided before it begins: which recorded node runs it reuses, and why not the others.

Rules
-----
1. A node run is *reused* if it succeeded, is not selected, is defined as before, has the arguments that it had,
   its result is there, and everything that it came from is reused.
2. A sub-flow run is reused whole. One that failed, or in which something is selected, is *entered*: a new run of
   the sub-flow, to which these rules apply again.
3. What depends on a run that runs again *then* runs, too, as far as conditions let it.
4. Fallbacks are never reused: whether what they handled fails again is not known. They are *not run again* unless
   it does. What they did stays done.
5. A sub-flow run that is selected itself, or that began with something that runs again, runs again from its
   beginning.

The rerun follows what is decided here, so the preview is exact, but for conditions that are asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from selinon_core.dispatch.references import shown
from selinon_core.errors import RequestError
from selinon_core.plan import EdgePlan, FlowPlan, Plan
from selinon_core.rerunning.definitions import UNKNOWN, Definitions
from selinon_core.rerunning.recorded import Recorded
from selinon_core.rerunning.request import RECORDED, Request
from selinon_core.rerunning.selectors import Picker, parse_selectors
from selinon_core.runtime.trace.run_records import NodeRecord, edge_of

#: What becomes of a recorded node run. ``inside``: it is in a sub-flow run that is reused, or runs again, whole.
REUSE, AGAIN, ENTER, THEN, GIVEN, NOT_AGAIN, INSIDE = (
    "reuse",
    "again",
    "enter",
    "then",
    "given",
    "not_again",
    "inside",
)
_LONGEST_ERROR = 120


class Preview:
    """What a request does to a recorded run. ``plan`` is the project as it is now.

    ``why_missing`` says why the result of a node run cannot be reused, or why a sub-flow run that failed cannot be
    entered; None where it can. ``definitions`` say what
    is defined otherwise now. ``same`` compares arguments that were recorded with new ones.
    Raises ``RequestError`` for a flow, a node or a selector that there is not.
    """

    def __init__(
        self,
        recorded: Recorded,
        plan: Plan,
        request: Request,
        *,
        why_missing: Callable[[NodeRecord], str | None] = lambda record: None,
        definitions: Definitions = UNKNOWN,
        same: Callable[[Any, Any], bool] = lambda one, other: bool(one == other),
    ) -> None:
        root = recorded.root
        if root.flow.name not in plan.flows:
            raise RequestError(f"flow {root.flow.name} is not in the files any more")
        self.recorded, self.plan, self.request, self.same = recorded, plan, request, same
        self._why_missing = why_missing
        self._definitions = definitions
        changed = self._why_changed
        self.args = shown(root.args) if request.args is RECORDED else request.args
        self.same_args = request.args is RECORDED or same(shown(root.args), request.args)
        picker = Picker(recorded.seen, plan, recorded.records, recorded.handled, changed)
        self.excluded = picker.pick(parse_selectors(request.exclude))
        self.selected = picker.pick(parse_selectors(request.select)) - self.excluded
        self._named = picker.named
        self.given, self.given_anew = self._given(request.give)
        self._changed = {
            record.run.id: why
            for record in recorded.records
            if record.run.id not in self.excluded and (why := changed(record)) is not None
        }
        self._without_result: set[str] = set()
        self.state: dict[str, str] = {}
        self.why: dict[str, str] = {}
        #: node runs that are reused if everything that they came from is
        self.eligible: set[str] = set()
        self._decide()

    # -- what is asked for --------------------------------------------------------------------------------------

    def _given(self, give: Mapping[str, Any]) -> tuple[dict[str, Any], dict[tuple[str, str], Any]]:
        """Given results by the id of the recorded node run, and by flow and node for those that never ran."""
        by_id: dict[str, Any] = {}
        by_name: dict[tuple[str, str], Any] = {}
        for reference, value in give.items():
            found = [r for r in self.recorded.seen.runs_of(reference) if r.run.id in self.recorded.by_id]
            flow, slash, name = reference.rpartition("/")
            name = name.partition("#")[0]
            if name in self.plan.flows:
                raise RequestError(f"{reference} is a flow, and a result can be given to a task only")
            if name not in self.plan.tasks:
                from selinon_core.diagnostics.wording import hint

                raise RequestError(f"no task is named {name}{hint(name, self.plan.tasks)}")
            if len(found) > 1:
                raise RequestError(f"{reference} ran {len(found)} times: say which is meant, as {reference}#1")
            if found:
                by_id[found[0].run.id] = value
            elif "#" in reference or (slash and flow not in self.plan.flows):
                raise RequestError(f"{reference} did not run")
            else:
                self._check_in_flow(flow or self.recorded.root.flow.name, name)
                by_name[flow or self.recorded.root.flow.name, name] = value
        return by_id, by_name

    def _check_in_flow(self, flow: str, name: str) -> None:
        if not any(name in edge.destinations for edge in self.plan.flows[flow].edges):
            raise RequestError(f"no edge of flow {flow} starts {name}")

    # -- what has changed ---------------------------------------------------------------------------------------

    def _why_changed(self, record: NodeRecord) -> str | None:
        if not record.run.is_flow and self._definitions.task_changed(record.run.name):
            return "its task is defined otherwise now"
        edge = edge_of(record)
        if edge is None:
            return None
        ends = self.recorded.ends(record.flow_run.flow, edge.index)
        if self._definitions.edge_changed(record.flow_run.flow.name, ends):
            return "its edge is another one now"
        return None

    def edge_changed(self, flow: FlowPlan, edge: EdgePlan) -> bool:
        """Whether an edge decides by something else than it did, as far as that is known."""
        return self._definitions.edge_changed(flow.name, self.recorded.ends(flow, edge.index))

    # -- decisions ----------------------------------------------------------------------------------------------

    def _decide(self) -> None:
        own = {record.run.id: self._own_reason(record) for record in self.recorded.records}
        parted = self._parted(own)
        for record in self.recorded.records:
            id = record.run.id
            state, why = self._state(record, own[id], id in parted)
            self.state[id], self.why[id] = state, why
            if state == REUSE or (state == THEN and own[id] is None and id not in parted):
                self.eligible.add(id)
        #: node runs that have to run again, because their results cannot be reused
        self.missing = [
            record
            for record in self.recorded.records
            if record.run.id in self._without_result and self.state[record.run.id] == AGAIN
        ]
        self.entered = {id for id, state in self.state.items() if state == ENTER}

    def _parted(self, own: Mapping[str, str | None]) -> set[str]:
        """Sub-flow runs in which something that could be reused is not to be."""
        found: set[str] = set()
        for record in self.recorded.records:
            id = record.run.id
            wanted = id in self.selected or id in self.given
            if wanted or (own[id] is not None and record.run.status in ("success", "reused")):
                above = record.flow_run.node
                while above is not None and above.run.id not in found:
                    found.add(above.run.id)
                    above = above.flow_run.node
        return found

    def _own_reason(self, record: NodeRecord) -> str | None:
        """Why a node run is not reused whatever it came from, None if it is."""
        id, status = record.run.id, record.run.status
        if id in self.given:
            return "gets the result that is given"
        if status == "active":
            return "had not ended"
        if status == "failure":
            return self._failure(record)
        if id in self.selected:
            return "is selected"
        if id in self._changed:
            return self._changed[id]
        if self._args_differ(record):
            return "gets other arguments"
        missing = None if record.run.is_flow else self._why_missing(record)
        if missing is not None:
            self._without_result.add(id)
            return missing
        return None

    def _failure(self, record: NodeRecord) -> str:
        error = " ".join((self.recorded.seen.error(record) or "").split())
        if len(error) > _LONGEST_ERROR:
            error = error[: _LONGEST_ERROR - 3] + "..."
        attempts = f" ({record.attempts} attempts)" if record.attempts > 1 else ""
        return f"failed: {error}{attempts}" if error else f"failed{attempts}"

    def _args_differ(self, record: NodeRecord) -> bool:
        if self.same_args or record.flow_run is not self.recorded.root:
            return False
        edge, flow = edge_of(record), self.plan.flows[self.recorded.root.flow.name]
        if edge is None or edge.args is not None:
            return True
        if edge.foreach is not None and edge.foreach.propagate_result:
            return False  # the items are asked for, and compared when they are known
        if record.run.is_flow and record.run.name not in flow.propagate_node_args:
            return False
        return not (flow.node_args_from_first and record.run.sources)

    def _state(self, record: NodeRecord, own: str | None, is_parted: bool) -> tuple[str, str]:
        run, above = record.run, record.flow_run.node
        if above is not None and self.state[above.run.id] != ENTER:
            return INSIDE, ""
        if run.edge is None:
            return self._of_fallback(record)
        for source in run.sources:
            state = self.state.get(source.id)
            if state == NOT_AGAIN:
                return NOT_AGAIN, f"came from {source.name}, a fallback"
            if state != REUSE:
                return THEN, f"depends on {source.name}"
        if run.id in self.given:
            return GIVEN, "the result that is given"
        if not run.is_flow:
            return (REUSE, "results are there") if own is None else (AGAIN, own)
        ended_well = run.status in ("success", "reused")
        if run.id in self.selected and (ended_well or run.id in self._named):
            return AGAIN, own or "is selected"
        if ended_well and own is not None:
            return AGAIN, own
        if ended_well and not is_parted:
            return REUSE, "results are there"
        missing = self._why_missing(record)
        if missing is not None:
            self._without_result.add(run.id)
            return AGAIN, missing
        return ENTER, own or "something in it runs again"

    def _of_fallback(self, record: NodeRecord) -> tuple[str, str]:
        names = sorted({run.name for run in record.run.sources})
        if not names:
            return NOT_AGAIN, "a failure may not happen again; what it did stays done"
        failure = "its failure" if len(names) == 1 else "their failures"
        return (
            NOT_AGAIN,
            f"{' and '.join(names)}: {failure} may not happen again; what {record.run.name} did stays done",
        )

    # -- what is shown -------------------------------------------------------------------------------------------

    def state_of(self, id: str) -> str | None:
        """What becomes of a recorded node run; None for one that does not count."""
        return self.state.get(id)

    @cached_property
    def repeated(self) -> list[NodeRecord]:
        """Task runs that succeeded and will run once more."""
        whole = {id for id, state in self.state.items() if state in (AGAIN, THEN)}
        return [
            record
            for record in self.recorded.records
            if not record.run.is_flow
            and record.run.status in ("success", "reused")
            and record.run.id not in self.given
            and (record.run.id in whole or self._is_inside(record, whole))
            and not (self.request.if_changed and record.run.id in self.eligible)
        ]

    def _is_inside(self, record: NodeRecord, whole: set[str]) -> bool:
        above = record.flow_run.node
        while above is not None:
            if above.run.id in whole:
                return True
            above = above.flow_run.node
        return False

    @property
    def does_nothing(self) -> bool:
        """Whether everything is reused, and the run came to a good end."""
        ended = self.recorded.root.outcome
        none_runs = all(state in (REUSE, INSIDE) for state in self.state.values())
        same = self.same_args and not self.request.reconsider
        return none_runs and same and not self.given_anew and ended is not None and ended.succeeded
