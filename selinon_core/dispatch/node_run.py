"""The values a flow run is made of: its node runs and, in the end, its outcome."""

from __future__ import annotations

from typing import Any, Literal

from selinon_core.dispatch.references import Referring, shown

NodeStatus = Literal["active", "success", "failure", "reused"]

#: Why flows end that are stopped from outside: ``FlowOutcome.reason`` beside ``timed_out`` and ``cancelled``.
TIMED_OUT, CANCELLED = "the flow's timeout is over", "the flow run was cancelled"


class NodeRun:
    """One execution of a task or sub-flow inside a flow run.

    ``number`` counts from 1 in the flow run and never repeats, not even over retries of the flow. ``id`` is
    its name outside the flow run. ``edge`` is the index of the edge that started it and ``sources`` the
    combination of finished runs that edge fired for; for a fallback ``edge`` is None and ``sources`` are the
    failed runs it handles. ``position`` is the place of its item in the list of foreach, for a fallback the index
    of the entry. ``args`` are the node's arguments, shared and therefore never to be changed.
    ``parent`` is kept for fallbacks only (merged from the runs they handle); for everything else it follows
    from ``sources`` (see ``propagation.parent_of``); ``parent_numbers`` goes with it and holds the numbers of
    the runs it names, 0 for runs outside the flow run. ``failures`` is what a fallback, and every task behind
    it, sees as ``self.failures``. ``outcome`` is set once a sub-flow has ended. ``refused`` says why a node run
    failed without being started: its arguments could not be worked out; ``refused_item``, unset in others, holds
    the item of foreach that they were for, if there was one. ``serial`` counts how often the node run was run
    again in a run that was reopened. ``nearest`` belongs to ``ancestors``: the runs that names mean for it, kept
    once some expression asks.
    """

    __slots__ = (
        "args",
        "edge",
        "failures",
        "flow_attempt",
        "id",
        "is_flow",
        "name",
        "nearest",
        "number",
        "outcome",
        "parent",
        "parent_numbers",
        "position",
        "refused",
        "refused_item",
        "serial",
        "sources",
        "status",
    )

    refused_item: tuple[Any, ...]

    def __init__(
        self,
        number: int,
        id: str,
        name: str,
        is_flow: bool,
        edge: int | None,
        sources: tuple[NodeRun, ...],
        args: Any,
        failures: dict[str, Any] | None,
        flow_attempt: int,
        position: int = 0,
    ) -> None:
        self.number = number
        self.id = id
        self.name = name
        self.is_flow = is_flow
        self.edge = edge
        self.sources = sources
        self.args = args
        self.failures = failures
        self.flow_attempt = flow_attempt
        self.position = position
        self.refused: str | None = None
        self.serial = 0
        self.nearest: dict[str, tuple[NodeRun, ...]] | None = None
        self.parent: dict[str, Any] | None = None
        self.parent_numbers: dict[str, int] | None = None
        self.status: NodeStatus = "active"
        self.outcome: FlowOutcome | None = None

    def __repr__(self) -> str:
        return f"<NodeRun {self.number} {self.name} {self.status}>"


class FlowOutcome:
    """How a flow run ended.

    ``finished`` and ``failed`` map node names to ids in order of finishing; the last attempt's only.
    ``active`` lists the node runs that still ran when the flow failed, as ``{"name", "id"}``. ``subflows`` maps
    names of sub-flows to the outcomes of their runs, in order of ending: ``propagate_finished`` and conditions
    on sub-flows read them. ``reason`` says in a sentence why a flow failed, ``timed_out`` and ``cancelled``
    whether it was stopped from outside, ``unreached`` which nodes never had a chance to run. ``has_output``: the
    flow declares an output, and succeeded; ``output`` is its value.
    """

    __slots__ = (
        "_finished",
        "_finished_runs",
        "active",
        "cancelled",
        "failed",
        "has_output",
        "output",
        "reason",
        "subflows",
        "succeeded",
        "timed_out",
        "unreached",
    )

    def __init__(
        self,
        succeeded: bool,
        finished: dict[str, list[str]],
        failed: dict[str, list[str]],
        active: list[dict[str, str]],
        subflows: dict[str, list[FlowOutcome]],
        reason: str | None = None,
        timed_out: bool = False,
        cancelled: bool = False,
        unreached: tuple[str, ...] = (),
    ) -> None:
        self.succeeded = succeeded
        self._finished = finished
        self._finished_runs: dict[str, list[NodeRun]] = {}
        self.failed = failed
        self.active = active
        self.subflows = subflows
        self.reason = reason
        self.timed_out = timed_out
        self.cancelled = cancelled
        self.unreached = unreached
        self.output: Any = None
        self.has_output = False

    @classmethod
    def of_runs(cls, succeeded: bool, finished: dict[str, list[NodeRun]], **rest: Any) -> FlowOutcome:
        """An outcome that lists its ``finished`` ids on first access: most outcomes are never asked for them.

        The outcome owns the given runs from now on.
        """
        outcome = cls(succeeded, {}, **rest)
        outcome._finished_runs = finished
        return outcome

    def with_output(self, value: Any) -> FlowOutcome:
        """This outcome, which has an output from now on."""
        self.output, self.has_output = value, True
        return self

    @property
    def finished(self) -> dict[str, list[str]]:
        """The finished node runs: name -> ids in order of finishing."""
        if self._finished_runs:
            self._finished = {
                name: [node_run.id for node_run in runs] for name, runs in self._finished_runs.items()
            }
            self._finished_runs = {}
        return self._finished

    @property
    def state(self) -> dict[str, Any]:
        """The result of the flow as users see it."""
        state = {"finished_nodes": self.finished, "failed_nodes": self.failed, "active_nodes": self.active}
        return state | {"output": shown(self.output)} if self.has_output else state

    def to_json(self) -> dict[str, Any]:
        """A JSON value that ``from_json`` turns back into an equal outcome."""
        value: dict[str, Any] = {
            "succeeded": self.succeeded,
            "finished": self.finished,
            "failed": self.failed,
            "active": self.active,
            "subflows": {name: [o.to_json() for o in runs] for name, runs in self.subflows.items()},
            "reason": self.reason,
            "timed_out": self.timed_out,
            "cancelled": self.cancelled,
            "unreached": list(self.unreached),
        }
        if not self.has_output:
            return value
        value["output"] = shown(self.output)
        return value | {"output_refers": True} if isinstance(self.output, Referring) else value

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> FlowOutcome:
        """The inverse of ``to_json``."""
        subflows = {name: [cls.from_json(o) for o in runs] for name, runs in value["subflows"].items()}
        outcome = cls(
            value["succeeded"],
            value["finished"],
            value["failed"],
            value["active"],
            subflows,
            value["reason"],
            value["timed_out"],
            value["cancelled"],
            tuple(value["unreached"]),
        )
        if "output" not in value:
            return outcome
        return outcome.with_output(Referring(value["output"]) if value.get("output_refers") else value["output"])
