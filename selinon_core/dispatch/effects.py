"""What the machine wants done. Names are imperative; the machine does not know which driver performs them.

A question (``Ask...``) is an effect whose answer comes back as an event with the same ``question`` number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.plan import EdgePlan, FailurePlan


class StartTask:
    """Run a task. ``parent`` belongs to the receiver.

    ``node_run.args`` and ``node_run.failures`` are shared and must be copied for user code.
    """

    __slots__ = ("node_run", "parent")

    def __init__(self, node_run: NodeRun, parent: dict[str, Any]) -> None:
        self.node_run = node_run
        self.parent = parent


class StartFlow:
    """Run a sub-flow with its own machine. ``parent`` is what its starting nodes get.

    ``rerun`` is the id of the recorded flow run whose node runs it reuses, as of ``events.FlowStarted``.
    """

    __slots__ = ("node_run", "parent", "rerun", "selective")

    def __init__(
        self,
        node_run: NodeRun,
        parent: dict[str, Any],
        selective: SelectiveRun | None,
        rerun: str | None = None,
    ) -> None:
        self.node_run = node_run
        self.parent = parent
        self.selective = selective
        self.rerun = rerun


class StartAgain:
    """Run a failed node run again, under its number and id, in a flow run that was reopened.

    ``parent`` and ``selective`` as of the effect that started it first.
    """

    __slots__ = ("node_run", "parent", "selective")

    def __init__(self, node_run: NodeRun, parent: dict[str, Any], selective: SelectiveRun | None) -> None:
        self.node_run = node_run
        self.parent = parent
        self.selective = selective


class ReuseNode:
    """An earlier node run stands in for this one, which has its id and is not started.

    In selective runs it is that of a task, in reruns that of a task or a sub-flow.
    """

    __slots__ = ("node_run",)

    def __init__(self, node_run: NodeRun) -> None:
        self.node_run = node_run


class FailNode:
    """A node run has failed without being started; ``node_run.refused`` says why. The machine has taken notice."""

    __slots__ = ("node_run",)

    def __init__(self, node_run: NodeRun) -> None:
        self.node_run = node_run


class AskCondition:
    """Evaluate the condition of an edge for one combination of finished runs."""

    __slots__ = ("args", "edge", "question", "sources")

    def __init__(self, question: int, edge: EdgePlan, sources: tuple[NodeRun, ...], args: Any) -> None:
        self.question = question
        self.edge = edge
        self.sources = sources
        self.args = args


class AskFallbackCondition:
    """Evaluate the condition of a failures entry, on arguments and environment only."""

    __slots__ = ("args", "failure", "question")

    def __init__(self, question: int, failure: FailurePlan, args: Any) -> None:
        self.question = question
        self.failure = failure
        self.args = args


class AskForeach:
    """Call the foreach function of an edge that fires. ``needs_items``: their number alone is not enough."""

    __slots__ = ("args", "edge", "needs_items", "question", "sources")

    def __init__(
        self, question: int, edge: EdgePlan, sources: tuple[NodeRun, ...], args: Any, needs_items: bool
    ) -> None:
        self.question = question
        self.edge = edge
        self.sources = sources
        self.args = args
        self.needs_items = needs_items


class AskReuse:
    """Call the selective run function of a task: run it, or reuse an earlier run?

    ``args`` are what the function is given: the item under any foreach, else the flow's arguments.
    ``task_args`` are what the task would get, None where its edge has ``args``, which are not worked out yet.
    ``position`` is the place of the item among those of foreach, None without foreach.
    """

    __slots__ = ("args", "edge", "given_item", "name", "position", "question", "sources", "task_args", "tasks")

    def __init__(
        self,
        question: int,
        edge: EdgePlan,
        sources: tuple[NodeRun, ...],
        name: str,
        args: Any,
        task_args: Any,
        given_item: bool,
        tasks: tuple[str, ...],
        position: int | None = None,
    ) -> None:
        self.question = question
        self.edge = edge
        self.sources = sources
        self.name = name
        self.args = args
        self.task_args = task_args
        self.given_item = given_item
        self.tasks = tasks
        self.position = position


class AskRecorded:
    """Ask whether the run that is run again has a node run to reuse in place of this one (reruns).

    ``node_run`` is counted and not started. ``parent`` and ``selective`` are what it is started with otherwise.
    """

    __slots__ = ("node_run", "parent", "question", "selective")

    def __init__(
        self, question: int, node_run: NodeRun, parent: dict[str, Any], selective: SelectiveRun | None
    ) -> None:
        self.question = question
        self.node_run = node_run
        self.parent = parent
        self.selective = selective


class AskFirstResult:
    """Read the result of the first task: it becomes the flow's arguments (``node_args_from_first``)."""

    __slots__ = ("node_run", "question")

    def __init__(self, question: int, node_run: NodeRun) -> None:
        self.question = question
        self.node_run = node_run


class AskArgs:
    """Work out the ``args`` of an edge for a combination, or of a failures entry for the runs that it handles.

    ``items`` are those of foreach, and ``positions`` their places among all items; None without foreach, and one
    answer is wanted. ``destinations`` are the nodes to be started for each item. ``args`` are the flow's.
    ``refused`` is the node run that failed for want of them, when they are asked for once more in a run that was
    reopened.
    """

    __slots__ = ("args", "destinations", "entry", "items", "positions", "question", "refused", "sources")

    def __init__(
        self,
        question: int,
        entry: EdgePlan | FailurePlan,
        sources: tuple[NodeRun, ...],
        args: Any,
        items: Sequence[Any] | None,
        positions: Sequence[int],
        destinations: tuple[str, ...],
        refused: NodeRun | None = None,
    ) -> None:
        self.question = question
        self.entry = entry
        self.sources = sources
        self.args = args
        self.items = items
        self.positions = positions
        self.destinations = destinations
        self.refused = refused


class AskOutput:
    """Work out the ``output`` of the flow from the ``finished`` runs by name, which are in canonical order."""

    __slots__ = ("args", "finished", "question")

    def __init__(self, question: int, finished: Mapping[str, tuple[NodeRun, ...]], args: Any) -> None:
        self.question = question
        self.finished = finished
        self.args = args


Question = (
    AskCondition
    | AskFallbackCondition
    | AskForeach
    | AskReuse
    | AskRecorded
    | AskFirstResult
    | AskArgs
    | AskOutput
)


class AskAgain:
    """Ask ``asked`` once more in ``delay`` seconds.

    ``deferrals`` counts how often that happened, ``reason`` says why it did this time.
    """

    __slots__ = ("asked", "deferrals", "delay", "reason")

    def __init__(self, asked: Question, delay: float, deferrals: int, reason: str = "") -> None:
        self.asked = asked
        self.delay = delay
        self.deferrals = deferrals
        self.reason = reason


class ScheduleRetry:
    """Report ``RetryDue`` in ``delay`` seconds; ``outcome`` is how the attempt that ended failed."""

    __slots__ = ("delay", "outcome")

    def __init__(self, delay: float, outcome: FlowOutcome) -> None:
        self.delay = delay
        self.outcome = outcome


class FinishFlow:
    """The flow run is over: it is the last of all effects, unless the run failed and is reopened."""

    __slots__ = ("outcome",)

    def __init__(self, outcome: FlowOutcome) -> None:
        self.outcome = outcome


class CancelFlows:
    """Cancel these sub-flow runs."""

    __slots__ = ("runs",)

    def __init__(self, runs: tuple[NodeRun, ...]) -> None:
        self.runs = runs


class TraceNote:
    """A trace entry that does not follow from events and other effects. ``event`` is its trace name."""

    __slots__ = ("details", "event")

    def __init__(self, event: str, details: dict[str, Any]) -> None:
        self.event = event
        self.details = details


Effect = (
    StartTask
    | StartFlow
    | StartAgain
    | ReuseNode
    | FailNode
    | AskCondition
    | AskFallbackCondition
    | AskForeach
    | AskReuse
    | AskRecorded
    | AskFirstResult
    | AskArgs
    | AskOutput
    | AskAgain
    | ScheduleRetry
    | FinishFlow
    | CancelFlows
    | TraceNote
)
