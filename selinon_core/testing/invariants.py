"""Invariants: sentences that have to hold for every run of a flow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from selinon_core.cases.model import Invariant
from selinon_core.cases.references import edges_called
from selinon_core.diagnostics.wording import listed
from selinon_core.errors import ConfigurationError
from selinon_core.explaining.explanation import Explanation
from selinon_core.explaining.reason import Reason
from selinon_core.explaining.words import shown, times
from selinon_core.plan import FlowPlan, ImportRef
from selinon_core.runtime.error_codec import USER_ERRORS, name_error_and_place
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.testing.observation import Observation
from selinon_core.testing.results import Finding

#: From the name of a function to the function; raises ``ConfigurationError``.
Load = Callable[[ImportRef], Any]


def judge_invariant(invariant: Invariant, seen: Observation, why: Explanation, load: Load) -> Iterator[Finding]:
    """What is wrong with a run: one finding for each flow run that breaks the invariant."""
    where = None if invariant.place is None else str(invariant.place)
    if invariant.kind == "function":
        broken = _call(invariant, seen, load)
        if broken is not None:
            yield Finding("invariant", f"{_called(invariant)} to hold", broken, where)
        return
    judged = _JUDGED[invariant.kind]
    for inside in _flow_runs(invariant, seen):
        for text, reasons in judged(invariant.value, inside, why):
            of = "" if inside.flow_run is seen.facts.root else f" in {_flow_label(seen, inside.flow_run)}"
            wanted = f"{_called(invariant)} to hold{of}"
            yield Finding("invariant", wanted, text, where, invariant.value, None, reasons)


def is_exercised(invariant: Invariant, seen: Observation) -> bool:
    """Whether a run could have broken an invariant: its ``if`` was so, and what has to come second came."""
    if invariant.kind == "function":
        return True
    for inside in _flow_runs(invariant, seen):
        if invariant.kind == "if_then":
            if all(_has(reference, status, inside) for reference, status in invariant.value["if"].items()):
                return True
        elif invariant.kind != "before" or any(map(inside.runs, invariant.value)):
            return True
    return False


def what_exercises(invariant: Invariant) -> str:
    """What a run would need to put an invariant to the test, as the end of a sentence."""
    if invariant.kind == "if_then":
        return listed(f"{name}: {status}" for name, status in invariant.value["if"].items())
    return f"a run of {listed(_nodes(invariant)) if invariant.kind != 'before' else listed(invariant.value)}"


def _flow_runs(invariant: Invariant, seen: Observation) -> Iterator[_Inside]:
    """The flow runs that an invariant is about."""
    for flow_run in seen.facts.flows:
        if invariant.flow is None or flow_run.flow.name == invariant.flow:
            inside = _Inside(seen, flow_run)
            if all(inside.knows(name) for name in _nodes(invariant)):
                yield inside


def _called(invariant: Invariant) -> str:
    return f"the invariant {shown(invariant.name)}"


class _Inside:
    """The node runs in one flow run. References lead through the sub-flows that it starts."""

    def __init__(self, seen: Observation, flow_run: FlowRecord) -> None:
        self.seen = seen
        self.flow_run = flow_run

    @property
    def flow(self) -> FlowPlan:
        """The flow."""
        return self.flow_run.flow

    def knows(self, reference: str) -> bool:
        """Whether the flow has the node that a reference begins with."""
        name = self._path(reference)[0]
        groups = (*(e.destinations for e in self.flow.edges), *(f.fallback for f in self.flow.failures))
        return any(name in group for group in groups)

    def runs(self, reference: str) -> list[NodeRecord]:
        """The node runs that a reference names."""
        within = {self.flow_run.id}
        found: list[NodeRecord] = []
        for name in self._path(reference):
            found = [r for r in self.seen.facts.nodes if r.flow_run.id in within and r.run.name == name]
            within = {record.run.id for record in found}
        return found

    def _path(self, reference: str) -> list[str]:
        path = reference.split("/")
        return path[1:] if len(path) > 1 and path[0] == self.flow.name else path


_Found = Iterator[tuple[str, tuple[Reason, ...]]]


def _counted(fits: Callable[[int, int], bool], words: str) -> Callable[[Any, _Inside, Explanation], _Found]:
    def judge(value: Mapping[str, int], inside: _Inside, why: Explanation) -> _Found:
        for reference, number in value.items():
            runs = inside.runs(reference)
            if not fits(len(runs), number):
                reasons = tuple(dict.fromkeys(why.ran(record) for record in runs[:3]))
                reasons = reasons or why.not_ran(reference)
                ran = f"{reference} ran {times(len(runs))}" if runs else f"{reference} did not run"
                yield f"{ran}, not {words}{times(number)}", reasons

    return judge


def _before(value: Mapping[str, Any], inside: _Inside, why: Explanation) -> _Found:
    """Each run of a node begins after one of the alternatives: a node has succeeded, or an edge has fired."""
    seen = inside.seen
    for reference, alternatives in value.items():
        for record in inside.runs(reference):
            began = seen.moment(record).began
            if began is None or any(_was_before(each, record, began, inside) for each in alternatives):
                continue
            names = listed(each if isinstance(each, str) else f"edge {each['edge']}" for each in alternatives)
            yield f"{seen.label(record)} ran without {names} before it", (why.ran(record),)


def _was_before(alternative: Any, record: NodeRecord, began: int, inside: _Inside) -> bool:
    seen = inside.seen
    if isinstance(alternative, str):
        for other in inside.runs(alternative):
            ended = seen.moment(other).ended
            if ended is not None and ended < began and other.run.status in ("success", "reused"):
                return True
        return False
    edges = {edge.index for _, edge in edges_called(seen.plan, inside.flow.name, alternative["edge"])}
    order = {id(node): number for number, node in enumerate(seen.facts.nodes)}
    return any(
        other.run.edge in edges and order[id(other)] <= order[id(record)]
        for other in seen.facts.nodes
        if other.flow_run is record.flow_run
    )


def _never_both(value: Any, inside: _Inside, why: Explanation) -> _Found:
    ran = {reference: inside.runs(reference) for reference in value}
    if all(ran.values()):
        reasons = tuple(dict.fromkeys(why.ran(runs[0]) for runs in ran.values()))
        yield f"{listed(ran)} all ran" if len(ran) > 2 else f"{listed(ran)} both ran", reasons


def _if_then(value: Mapping[str, Mapping[str, str]], inside: _Inside, why: Explanation) -> _Found:
    if not all(_has(reference, status, inside) for reference, status in value["if"].items()):
        return
    for reference, status in value["then"].items():
        if not _has(reference, status, inside):
            given = listed(f"{name}: {wanted}" for name, wanted in value["if"].items())
            if reference == "status":
                yield f"{given} is so, and the flow ended with {_status(inside.flow_run)}, not with {status}", ()
                continue
            runs = inside.runs(reference)
            are = listed(dict.fromkeys(record.run.status for record in runs))
            found = f"{reference} is {are}, not {status}" if runs else f"{reference} did not run"
            yield f"{given} is so, and {found}", () if runs else why.not_ran(reference)


def _has(reference: str, status: str, inside: _Inside) -> bool:
    """Whether the flow run (``status``) or one of the runs of a node has a status; ``not_run``: there is none."""
    if reference == "status":
        return _status(inside.flow_run) == status
    runs = inside.runs(reference)
    if status == "not_run":
        return not runs
    return bool(runs) if status == "ran" else any(record.run.status == status for record in runs)


def _status(flow_run: FlowRecord) -> str:
    outcome = flow_run.outcome
    return "active" if outcome is None else "success" if outcome.succeeded else "failure"


def _call(invariant: Invariant, seen: Observation, load: Load) -> str | None:
    """What the function of an invariant says, None where all is well."""
    try:
        function = load(_function(invariant.value))
        said = function(seen.run)
    except ConfigurationError as error:
        return str(error)
    except USER_ERRORS as error:
        return f"{invariant.value} raised {name_error_and_place(error)}"
    if said is None or isinstance(said, str):
        return said or None
    return f"{invariant.value} returned {type(said).__name__}, not None or a sentence"


def _function(name: str) -> ImportRef:
    module, _, function = name.rpartition(".")
    return ImportRef(module, function)


_JUDGED: dict[str, Callable[[Any, _Inside, Explanation], _Found]] = {
    "at_most": _counted(lambda found, number: found <= number, "at most "),
    "at_least": _counted(lambda found, number: found >= number, "at least "),
    "exactly": _counted(lambda found, number: found == number, ""),
    "before": _before,
    "never_both": _never_both,
    "if_then": _if_then,
}


def _nodes(invariant: Invariant) -> list[str]:
    """The nodes that an invariant names, as far as they decide which flows it is about."""
    value = invariant.value
    if invariant.kind == "if_then":
        return [name for part in (value["if"], value["then"]) for name in part if name != "status"]
    return list(value)


def _flow_label(seen: Observation, flow_run: FlowRecord) -> str:
    return flow_run.flow.name if flow_run.node is None else seen.label(flow_run.node)
