"""The state of one run of an exploration, and the abstract state that the rest of the run depends on."""

from __future__ import annotations

from collections import deque
from typing import Any

from selinon_core.dispatch import FlowRun
from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.exploring.environment import Environment
from selinon_core.exploring.flow_programs import FlowPrograms
from selinon_core.exploring.limits import Limits
from selinon_core.exploring.observation import Observation

#: The arguments of the flow under exploration.
ARGUMENTS = "<arguments>"
#: The variable of the worlds of these arguments.
GIVEN = (ARGUMENTS,)
#: Virtual seconds after which an attempt is stopped in a case that shows the run, by an eager failure or a cancel.
STOP = 1.0
_IDS = tuple(map(str, range(256)))


def _id(number: int) -> str:
    return _IDS[number] if number < 256 else str(number)


class PlayState:
    """The state of one flow run under exploration, which ``play.Play`` moves on.

    ``started``: the node runs, and their ``visits`` by number. ``bits``: goals and vectors that were reached.
    ``observed``: how sub-flows ended, by number, and ``inner``: the runs of sub-flows that were run inside.
    ``fired_sources`` and ``refused_sources``: the node runs for which an edge fired, and for which a condition
    said no. ``asked``: (whether of a failures entry, index, truth) of each condition. ``states``: abstract states
    with the cost so far, for flows with cycles. ``depth`` counts the flows above. ``mode`` says what the attempt
    is to be stopped by: ``eager``, ``deadline``, ``cancel`` or nothing. ``clock`` are the virtual seconds when the
    attempt began in a case that shows the run, ``cancelled_at`` those of its end when it was cancelled.
    """

    __slots__ = (
        "answers",
        "args_variable",
        "asked",
        "bits",
        "cancelled_at",
        "chosen_last",
        "clock",
        "counts",
        "depth",
        "env",
        "fired_sources",
        "generations",
        "given",
        "inner",
        "is_order_seen",
        "is_stopped",
        "late",
        "limits",
        "machine",
        "mode",
        "model",
        "most_failures",
        "observed",
        "phase",
        "phases",
        "programs",
        "queue",
        "refused_sources",
        "selective",
        "started",
        "states",
        "stopper",
        "visits",
    )

    def __init__(
        self,
        programs: FlowPrograms,
        env: Environment,
        limits: Limits,
        has_args: bool = True,
        selective: SelectiveRun | None = None,
        depth: int = 0,
    ) -> None:
        model = programs.model
        self.depth = depth
        self.is_order_seen = False
        self.chosen_last: set[int] = set()
        self.programs = programs
        self.model = model
        self.env = env
        self.limits = limits
        self.most_failures = 1_000_000 if limits.failures is None else limits.failures
        self.machine = FlowRun(model.table, _id, model.on_unreached)
        self.selective = selective
        self.given: Any = GIVEN if has_args else None
        self.args_variable: Any = self.given
        self.queue: deque[NodeRun] = deque()
        self.late: list[NodeRun] = []
        self.stopper: NodeRun | None = None
        self.mode = ""
        self.clock = 0.0
        self.cancelled_at: float | None = None
        self.is_stopped = False
        self.phase = 0
        self.bits = 0
        self.counts: dict[str, int] = {}
        self.visits: dict[int, int] = {}
        self.started: list[NodeRun] = []
        self.observed: dict[int, Observation] = {}
        self.inner: dict[int, Any] = {}
        self.phases: dict[int, int] = {}
        self.generations: dict[int, dict[str, int]] = {}
        self.answers: dict[Any, int] = {}
        self.asked: list[tuple[bool, int, bool]] = []
        self.fired_sources: set[int] = set()
        self.refused_sources: set[int] = set()
        self.states: list[tuple[Any, int]] | None = [] if programs.has_states else None

    @property
    def outcome(self) -> FlowOutcome:
        """How the run ended."""
        assert self.machine.outcome is not None
        return self.machine.outcome


def abstract_state(play: PlayState, next_node: NodeRun | None = None) -> Any:
    """What the rest of the run depends on, apart from choices to come."""
    current, masks = play.machine.current, play.env.masks
    active = sorted(node.name for node in play.machine.active)
    if next_node is not None and next_node.number not in current.active:
        active.append(next_node.name)
    finished = []
    for name in play.model.join_sources:
        for run in current.finished.get(name, ()):
            seen = play.observed.get(run.number)
            finished.append((name, masks.get((name, play.visits[run.number]), -1), seen))
    return (
        play.machine.phase,
        play.machine.attempt,
        play.mode,
        None if play.stopper is None else play.stopper.name,
        tuple(active),
        tuple(sorted(node.name for node in play.late)),
        tuple(sorted((name, len(runs)) for name, runs in current.unhandled.items())),
        tuple(sorted(finished, key=repr)),
        bool(current.handled_for_failure),
    )
