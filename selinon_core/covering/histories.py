"""From traces and histories of runs to the goals they met: what production did, and what it never did.

A trace is a file of JSON objects, one event a line: what ``run --local --trace``, ``status --history`` and the
``json`` sink write. Events of several runs may be mixed in a file.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from selinon_core.covering.collector import evaluated, foreach_size, used_up
from selinon_core.covering.data import CoverageData, FlowData
from selinon_core.covering.elements import elements_of
from selinon_core.dispatch.node_run import CANCELLED, TIMED_OUT
from selinon_core.errors import RequestError
from selinon_core.plan import EdgePlan, FailurePlan, Plan
from selinon_core.plan.condition_text import condition_text
from selinon_core.plan.functions import leaves_of

#: A flow run that ends so has not used up its retries.
_STOPPED = {TIMED_OUT: True, CANCELLED: False}

Event = Mapping[str, Any]


def history_files(path: str) -> list[str]:
    """The files of a directory and of those below it, hidden ones left out; a file is itself.

    Raises ``RequestError`` when there is none.
    """
    if not os.path.isdir(path):
        return [path]
    found = []
    for directory, below, files in os.walk(path):
        below[:] = sorted(name for name in below if not name.startswith("."))
        found += [os.path.join(directory, name) for name in sorted(files) if not name.startswith(".")]
    if not found:
        raise RequestError(f"{path} has no history: selinon status ID --history > FILE writes one")
    return found


def read_history(plan: Plan, path: str, data: CoverageData) -> None:
    """Add what the runs of a file met to ``data``; each run is a case, named by the file and the run's id.

    Raises ``RequestError`` with file and line for what is not an event.
    """
    reading = _Reading(plan, os.path.basename(path), data)
    for line, event in events_of(path):
        try:
            reading.take(event)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise RequestError(
                f"{path}:{line}: the event {event['event']} is not complete ({type(error).__name__}: {error})"
            ) from None
    reading.end()


def events_of(path: str) -> Iterator[tuple[int, Event]]:
    """The events of a trace with their lines. Raises ``RequestError`` with file and line for what is not one."""
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, _event(path, number, line)
    except UnicodeDecodeError as error:
        raise RequestError(f"{path} is not a text file: {error}") from None
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from None


def _event(path: str, number: int, line: str) -> Event:
    try:
        found = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        cut = "" if line.endswith("\n") else ", perhaps the file was cut off"
        raise RequestError(f"{path}:{number}: not a JSON object a line as traces have it ({error}){cut}") from None
    if not isinstance(found, dict) or not isinstance(found.get("event"), str):
        raise RequestError(
            f"{path}:{number}: not the event of a trace; selinon run --local --trace FILE and "
            "selinon status ID --history write traces"
        )
    details = found.get("details")  # as the sink for JSON nests them
    return {"time": found.get("time"), **details, "event": found["event"]} if isinstance(details, dict) else found


class _Reading:
    """The runs of one file. ``_roots`` maps the id of a flow run to that of the run it belongs to."""

    def __init__(self, plan: Plan, file: str, data: CoverageData) -> None:
        self._plan = plan
        self._file = file
        self._data = data
        self._roots: dict[str, str] = {}
        self._retries: Counter[str] = Counter()
        self._attempted: set[str] = set()
        self._cancelled: set[str] = set()
        self._ran_tasks: set[str] = set()

    def take(self, event: Event) -> None:
        handle = _HANDLERS.get(event["event"])
        flow = event.get("flow_name")
        if handle is None or not isinstance(flow, str) or flow not in self._plan.flows:
            return
        part = self._data.flows.get(flow)
        if part is None:
            part = self._data.of_flow(flow, elements_of(self._plan.flows[flow]))
        handle(self, event, flow, part, self._case(event))

    def end(self) -> None:
        """Count the runs that started tasks of which no attempt is in the file."""
        self._data.without_attempts += len(self._ran_tasks - self._attempted)

    def _case(self, event: Event) -> str:
        id = str(event["dispatcher_id"])
        while id in self._roots and self._roots[id] != id:
            id = self._roots[id]
        return f"{self._file}::{id}"

    # -- events ------------------------------------------------------------------------------------------------

    def _task_scheduled(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        self._ran_tasks.add(case)
        self._scheduled(event, flow, part, case, event["task_name"])

    def _flow_scheduled(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        self._roots[str(event["child_dispatcher_id"])] = str(event["dispatcher_id"])
        self._scheduled(event, flow, part, case, event["child_flow_name"])

    def _scheduled(self, event: Event, flow: str, part: FlowData, case: str, name: str) -> None:
        part.hit(f"node:{name}/ran", case)
        self._followed(event, flow, part, case, name)

    def _left_out(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        self._followed(event, flow, part, case, event["omitted_node"])

    def _followed(self, event: Event, flow: str, part: FlowData, case: str, name: str) -> None:
        """A node was started, or left out by a selective run: an edge that asks nothing has fired."""
        edge = self._edge(event, flow)
        if edge is not None and edge.condition is None and edge.foreach is None and name == edge.destinations[0]:
            part.hit(f"edge:{edge.index}/fired", case)

    def _reused(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        part.hit(f"node:{event['task_name']}/reused", case)

    def _condition(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        edge = self._edge(event, flow)
        if edge is not None:
            value = event["event"] == "EDGE_COND_TRUE"
            part.hit(f"edge:{edge.index}/{'fired' if value else 'no'}", case)
            self._leaves(event, part, f"edge:{edge.index}", edge, value, case)

    def _leaves(
        self, event: Event, part: FlowData, element: str, of: EdgePlan | FailurePlan, value: bool, case: str
    ) -> None:
        leaves = _values(event["condition"])
        if len(leaves) != len(tuple(leaves_of(of.condition))) or len(leaves) < 2:
            return
        if set(leaves) == {None}:
            self._data.without_leaves += 1
        else:
            evaluated(part, element, leaves, value, case)

    def _foreach(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        edge = self._edge(event, flow)
        if edge is not None and edge.foreach is not None:
            part.hit(f"edge:{edge.index}/{foreach_size(int(event['count']))}", case)
            if edge.condition is None:
                part.hit(f"edge:{edge.index}/fired", case)

    def _unanswered(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        """A question about an edge without a condition is one about its destinations: the edge has fired."""
        edge = self._edge(event, flow) if "edge" in event else None
        if edge is not None and edge.condition is None:
            part.hit(f"edge:{edge.index}/fired", case)

    def _fallback_used(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        entry = self._failure(event, flow, [str(node["name"]) for node in event["nodes"]])
        if entry is not None:
            part.hit(f"failure:{entry.index}/used", case)

    def _fallback_condition(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        entry = self._failure(event, flow, event["nodes"])
        if entry is not None:
            value = event["event"] == "FALLBACK_COND_TRUE"
            part.hit(f"failure:{entry.index}/{'true' if value else 'false'}", case)
            self._leaves(event, part, f"failure:{entry.index}", entry, value, case)

    def _attempt(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        self._attempted.add(case)

    def _task_retried(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        if not event["user_retry"]:
            self._retries[event["task_id"]] += 1

    def _task_failed(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        if used_up(self._plan, event["task_name"], int(event["retried_count"])):
            part.hit(f"node:{event['task_name']}/retry-gave-up", case)

    def _task_timed_out(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        part.hit(f"node:{event['task_name']}/timeout", case)

    def _node_succeeded(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        if event["node_name"] in self._plan.tasks and self._retries[event["node_id"]]:
            part.hit(f"node:{event['node_name']}/retry-helped", case)

    def _node_failed(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        name, plan = event["node_name"], self._plan.flows[flow]
        if name in plan.nowait:
            part.hit(f"node:{name}/nowait-failure", case)
        is_cancelled = event["node_id"] in self._cancelled
        if name in self._plan.flows and not is_cancelled and any(name in entry.nodes for entry in plan.failures):
            part.hit(f"node:{name}/subflow-failure", case)

    def _eager(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        part.hit(f"node:{event['node_name']}/eager-failure", case)

    def _flow_retried(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        self._retries[event["dispatcher_id"]] += 1

    def _flow_succeeded(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        if self._retries[event["dispatcher_id"]]:
            part.hit("flow/retry-helped", case)

    def _flow_failed(self, event: Event, flow: str, part: FlowData, case: str) -> None:
        if event["will_retry"]:
            return
        stopped = _STOPPED.get(event["reason"])
        if stopped:
            part.hit("flow/timeout", case)
        elif stopped is False:
            self._cancelled.add(event["dispatcher_id"])
        elif 0 < self._plan.flows[flow].max_retry <= self._retries[event["dispatcher_id"]]:
            part.hit("flow/retry-gave-up", case)

    # -- edges and entries of the plan --------------------------------------------------------------------------

    def _edge(self, event: Event, flow: str) -> EdgePlan | None:
        """The edge that an event is about, as the plan has it now; None when there is none that is the same."""
        index = event.get("edge")
        if not isinstance(index, int):
            return None
        edges = self._plan.flows[flow].edges
        known = edges[index] if 0 <= index < len(edges) else None
        if known is not None and _is_same(event, known):
            return known
        same = [edge for edge in edges if _is_same(event, edge)]
        return same[0] if len(same) == 1 else None

    def _failure(self, event: Event, flow: str, names: Iterable[str]) -> FailurePlan | None:
        """The failures entry that an event is about; of several that are equal, the one at the same place."""
        nodes, fallback = tuple(sorted(names)), event["fallback"]
        chosen = () if fallback is True else tuple(fallback)
        same = [e for e in self._plan.flows[flow].failures if e.nodes == nodes and e.fallback == chosen]
        if "condition_str" in event:
            same = [e for e in same if e.condition and condition_text(e.condition) == event["condition_str"]]
        if len(same) > 1:
            same = [entry for entry in same if str(entry.place) == event["where"]]
        return same[0] if len(same) == 1 else None


def _is_same(event: Event, edge: EdgePlan) -> bool:
    """Whether an event is about this edge: the same ends, and where the event says it the same condition."""
    if tuple(event["nodes_from"]) != edge.sources or tuple(event["nodes_to"]) != edge.destinations:
        return False
    text = event.get("condition_str")
    if text is None:
        return event["event"] not in ("EDGE_COND_TRUE", "EDGE_COND_FALSE")
    return edge.condition is not None and condition_text(edge.condition) == text


def _values(condition: Any) -> list[bool | None]:
    """The truths of the leaves of a condition as an event has it, in reading order."""
    if "not" in condition:
        return _values(condition["not"])
    for kind in ("and", "or"):
        if kind in condition:
            return [value for operand in condition[kind] for value in _values(operand)]
    value = condition["value"]
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"{value!r} is not a truth")
    return [value]


_Handler = Callable[[_Reading, Event, str, FlowData, str], None]
_HANDLERS: dict[str, _Handler] = {
    "TASK_SCHEDULE": _Reading._task_scheduled,
    "SUBFLOW_SCHEDULE": _Reading._flow_scheduled,
    "SELECTIVE_OMIT_NODE": _Reading._left_out,
    "SELECTIVE_TASK_REUSE": _Reading._reused,
    "EDGE_COND_TRUE": _Reading._condition,
    "EDGE_COND_FALSE": _Reading._condition,
    "FOREACH_RESULT": _Reading._foreach,
    "DISPATCHER_FAILURE": _Reading._unanswered,
    "FALLBACK_START": _Reading._fallback_used,
    "FALLBACK_COND_TRUE": _Reading._fallback_condition,
    "FALLBACK_COND_FALSE": _Reading._fallback_condition,
    "TASK_START": _Reading._attempt,
    "TASK_RETRY": _Reading._task_retried,
    "TASK_FAILURE": _Reading._task_failed,
    "TASK_TIMEOUT": _Reading._task_timed_out,
    "NODE_SUCCESSFUL": _Reading._node_succeeded,
    "NODE_FAILURE": _Reading._node_failed,
    "EAGER_FAILURE": _Reading._eager,
    "FLOW_RETRY": _Reading._flow_retried,
    "FLOW_END": _Reading._flow_succeeded,
    "FLOW_FAILURE": _Reading._flow_failed,
}
