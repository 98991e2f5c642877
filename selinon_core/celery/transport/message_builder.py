"""Builds the messages that start node runs and sub-flows: what of a start travels, and what stays in the state
store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.celery.transport.message_schema import (
    LIMIT_FORMAT,
    PAUSE_FORMAT,
    QUEUED_HEADER,
    RERUN_FORMAT,
    RETRY_FORMAT,
    SIGNAL_FORMAT,
    TASK_LIMIT_FORMAT,
    TRACE_HEADER,
    NodeMessage,
    SignalMessage,
    split_payload,
)
from selinon_core.celery.transport.publisher import DISPATCHER, ENVELOPE, OutgoingMessage
from selinon_core.celery.transport.start_batch import START_HEADER
from selinon_core.dispatch import FlowOutcome, NodeRun
from selinon_core.dispatch import effects as do
from selinon_core.plan import FlowPlan, LanePlan, Plan
from selinon_core.runtime.environment import expand

StartEffect = do.StartTask | do.StartFlow
#: The message of a start, and the payload that has to be kept for it.
StartMessageBuilt = tuple[OutgoingMessage, str | None]

_DEFAULT_QUEUE = "celery"
#: What a lane is that there is not (any more).
NO_LANE = LanePlan()
#: Seconds after a task's time-out at which the worker kills the process that did not stop.
HARD_STOP_AFTER = 5.0


class RunRef(NamedTuple):
    """The fields of a flow run that its messages carry."""

    flow: FlowPlan
    id: str
    trace: str
    result_locations: Mapping[str, str]
    #: The run at the top of this one; empty: an older worker started it, and did not say.
    root: str
    #: The lane of the run; empty: none.
    lane: str = ""


class MessageBuilder:
    """Builds the messages of one plan; queues are looked up once.

    With a ``clock``, that of the store, messages of a trace say since when their node runs are queued.
    """

    def __init__(self, plan: Plan, default_queue: str, clock: Callable[[], float] | None = None) -> None:
        self._plan = plan
        self._clock = clock
        self._default_queue = default_queue
        self._queues: dict[tuple[str, str], str] = {}

    def knows(self, name: str) -> bool:
        """Whether there is a task or a flow of that name."""
        return name in self._plan.tasks or name in self._plan.flows

    def is_sent(self, name: str) -> bool:
        """Whether node runs of that name have messages: there is such a flow, or such a task that runs code."""
        task = self._plan.tasks.get(name)
        return name in self._plan.flows if task is None else task.wait is None

    def lane_of(self, flow: str) -> str:
        """The lane of runs of a flow that were not asked for in another one; empty: none."""
        plan = self._plan.flows.get(flow)
        return "" if plan is None else plan.lane or ""

    def queues(self, names: Iterable[str], lanes: Iterable[str] | None = None) -> dict[str, list[str]]:
        """The queues of tasks and flows, sorted, and for which of them each is: in some lanes, or in all."""
        found: dict[str, list[str]] = {}
        for name in names:
            for lane in ("", *self._plan.settings.lanes) if lanes is None else lanes:
                of_queue = found.setdefault(self.queue(name, lane), [])
                if name not in of_queue[-1:]:
                    of_queue.append(name)
        return dict(sorted(found.items()))

    def queue(self, name: str, lane: str = "") -> str:
        """The queue of a task, or the dispatcher queue of a flow, with the environment filled in."""
        queue = self._queues.get((name, lane))
        if queue is None:
            plan = self._plan
            written = plan.flows[name].queue if plan.is_flow(name) else plan.tasks[name].queue
            queue = expand(written)
            if queue == _DEFAULT_QUEUE:  # what a project that names none gets: the app's own default
                queue = self._default_queue
            suffix = plan.settings.lanes.get(lane, NO_LANE).queue_suffix
            queue = self._queues[name, lane] = queue + suffix
        return queue

    def of_start(self, run: RunRef, effect: StartEffect, delivery: int = 0) -> StartMessageBuilt:
        """The message that starts a node run, and the payload that has to be kept for it."""
        node = effect.node_run
        inline, payload = split_payload(
            {
                "args": node.args,
                "parent": effect.parent,
                "failures": node.failures,
                "result_locations": result_locations(run, effect),
            }
        )
        if delivery:
            inline["delivery"] = delivery
        if payload is not None:
            inline["has_payload"] = True
        if run.lane:
            inline["lane"] = run.lane
        if isinstance(effect, do.StartTask):
            kwargs = {"flow": run.flow.name, "id": run.id, "number": node.number, "task": node.name, **inline}
            task = self._plan.tasks[node.name]
            if task.limit is not None:
                kwargs["v"] = TASK_LIMIT_FORMAT
            limit = None if task.timeout is None else task.timeout + HARD_STOP_AFTER
            shown = f"selinon.task.{node.name}"
            return OutgoingMessage(
                self.queue(node.name, run.lane),
                ENVELOPE,
                shown,
                node.id,
                run.id,
                kwargs,
                limit,
                self._queued_now(run.trace) if not delivery else _traced(run.trace),
            ), payload
        if node.serial:
            inline |= {"serial": node.serial, "v": RETRY_FORMAT}
        inline["caller"] = [run.id, node.number, run.flow.name]
        if run.root:
            inline["root"] = run.root
        if effect.rerun is not None:
            inline |= {"rerun": {"of": effect.rerun}, "v": RERUN_FORMAT}
        selective = None if effect.selective is None else effect.selective.to_json()
        return self._start(node.name, node.id, run.id, inline, selective, run.trace), payload

    def of_request(
        self,
        flow: str,
        id: str,
        node_args: Any,
        selective: dict[str, Any] | None,
        trace: str,
        key: str | None = None,
        rerun: Mapping[str, Any] | None = None,
        lane: str | None = None,
        expires: float | None = None,
    ) -> OutgoingMessage:
        """The message that starts a flow run that a caller asks for; ``rerun`` as of ``RunHeader``.

        ``lane`` None: in that of the flow. ``expires``: from then on it is of no use, in seconds since the
        epoch.
        """
        parts = {} if node_args is None else {"args": node_args}
        if lane := self.lane_of(flow) if lane is None else lane:
            parts["lane"] = lane
        if key is not None:
            parts["key"] = key
        if expires is not None:
            parts["expires"] = round(expires, 3)
        if rerun is not None:
            parts |= {"rerun": dict(rerun), "v": RERUN_FORMAT}
        message = self._start(flow, id, id, parts, selective, trace)
        return message._replace(headers={**(message.headers or {}), START_HEADER: 1})

    def _start(
        self, flow: str, id: str, root_id: str, parts: dict[str, Any], selective: dict[str, Any] | None, trace: str
    ) -> OutgoingMessage:
        kwargs = {"action": "start", "flow": flow, "id": id, **parts}
        if selective is not None:
            kwargs["selective"] = selective
        if self._plan.flows[flow].limit is not None:
            kwargs["v"] = max(LIMIT_FORMAT, kwargs.get("v", 0))
        shown, headers = f"selinon.flow.{flow}", _traced(trace)
        queue = self.queue(flow, parts.get("lane", ""))
        return OutgoingMessage(queue, DISPATCHER, shown, id, root_id, kwargs, None, headers)

    def of_message(self, message: NodeMessage, task_id: str, delivery: int) -> OutgoingMessage:
        """The message of a task's next attempt."""
        kwargs: dict[str, Any] = {"flow": message.flow, "id": message.id, "number": message.number}
        parts = {"args": message.given}
        parts |= {key: getattr(message, key) for key in ("parent", "failures", "result_locations")}
        inline, payload = split_payload(parts)
        kwargs |= {"task": message.task, "delivery": delivery, **inline}
        if payload is not None:
            kwargs["has_payload"] = True
        task = self._plan.tasks[message.task]
        if task.limit is not None:
            kwargs["v"] = TASK_LIMIT_FORMAT
        limit = None if task.timeout is None else task.timeout + HARD_STOP_AFTER
        queue = self.queue(message.task, message.lane)
        if message.lane:
            kwargs["lane"] = message.lane
        shown, headers = f"selinon.task.{message.task}", _traced(message.trace)
        return OutgoingMessage(queue, ENVELOPE, shown, task_id, message.id, kwargs, limit, headers)

    def _queued_now(self, trace: str) -> dict[str, Any] | None:
        """The headers of the first message of a node run."""
        headers: dict[str, Any] | None = _traced(trace)
        if headers is not None and self._clock is not None:
            headers[QUEUED_HEADER] = round(self._clock(), 3)
        return headers

    def retry(
        self, flow: str, id: str, version: int, numbers: Sequence[int] | None, by: str | None, queue: str
    ) -> OutgoingMessage:
        """The message that lets a failed run go on, see ``RetryMessage``."""
        kwargs: dict[str, Any] = {"v": RETRY_FORMAT, "action": "retry", "flow": flow, "id": id, "version": version}
        if numbers is not None:
            kwargs["numbers"] = list(numbers)
        if by is not None:
            kwargs["by"] = by
        return OutgoingMessage(queue, DISPATCHER, f"selinon.flow.{flow}", id, id, kwargs)

    def signal(self, message: SignalMessage, queue: str) -> OutgoingMessage:
        """The message that gives a task what it waits for."""
        kwargs: dict[str, Any] = {"v": SIGNAL_FORMAT, "action": "signal"}
        kwargs |= {name: value for name, value in message._asdict().items() if value not in (None, False, 0)}
        return OutgoingMessage(queue, DISPATCHER, f"selinon.flow.{message.flow}", message.id, message.id, kwargs)

    def pause(self, flow: str, id: str, number: int, by: str | None = None, queue: str = "") -> OutgoingMessage:
        """The message that pauses or resumes a run, see ``PauseMessage``."""
        action = "pause" if number % 2 == 1 else "resume"
        kwargs: dict[str, Any] = {"v": PAUSE_FORMAT, "action": action, "flow": flow, "id": id, "pause": number}
        if by is not None:
            kwargs["by"] = by
        return OutgoingMessage(queue or self.queue(flow), DISPATCHER, f"selinon.flow.{flow}", id, id, kwargs)

    def wake(
        self,
        flow: str,
        id: str,
        queue: str | None = None,
        *,
        cancel: bool = False,
        limited: bool = False,
        lane: str | None = None,
    ) -> OutgoingMessage:
        """The message that makes a dispatcher advance or cancel a run; ``limited``: one that was queued begins.

        ``lane`` is that of the run; None: not known, that of the flow is taken.
        """
        kwargs: dict[str, Any] = {"action": "cancel" if cancel else "wake", "flow": flow, "id": id}
        if limited:
            kwargs["v"] = LIMIT_FORMAT
        lane = self.lane_of(flow) if lane is None else lane
        if lane:
            kwargs["lane"] = lane
        return OutgoingMessage(queue or self.queue(flow, lane), DISPATCHER, f"selinon.flow.{flow}", id, id, kwargs)


def _traced(trace: str) -> dict[str, Any] | None:
    return {TRACE_HEADER: trace} if trace else None


def result_locations(run: RunRef, effect: StartEffect) -> dict[str, str]:
    """Where the ids in a node's parent and failures were: id -> flow name, where the names do not say it.

    A task looks for a parent's result in its own flow, or in the flow it names on the way down. What was handed
    into the flow from outside, and what compound propagation flattened, is elsewhere.
    """
    node = effect.node_run
    found: dict[str, str] = {}
    sources = node.sources
    if node.edge is None or not sources:
        found.update(run.result_locations)
    if node.edge is None:
        sources = (*sources, *(above for source in sources for above in source.sources))
    for source in sources:
        if source.is_flow and source.outcome is not None and _is_flattened(run, source):
            _collect(source.outcome, source.name, found)
    if isinstance(effect, do.StartFlow):
        for id in effect.parent.values():
            if isinstance(id, str):
                found.setdefault(id, run.flow.name)
    return found


def _is_flattened(run: RunRef, source: NodeRun) -> bool:
    flow = run.flow
    return source.name in flow.propagate_compound_finished or source.name in flow.propagate_compound_failures


def _collect(outcome: FlowOutcome, flow: str, found: dict[str, str]) -> None:
    for by_name in (outcome.finished, outcome.failed):
        for name, ids in by_name.items():
            below = outcome.subflows.get(name)
            if below is None:
                found.update(dict.fromkeys(ids, flow))
            else:
                for sub in below:
                    _collect(sub, name, found)
