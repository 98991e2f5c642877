"""What the runs of one flow showed: outcomes, goals, ends, states, each with a run that shows it."""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.cases.model import Invariant
from selinon_core.exploring.flow_programs import Vector
from selinon_core.exploring.goals import Goal
from selinon_core.exploring.limits import Limits
from selinon_core.exploring.observation import Context, Observation
from selinon_core.exploring.states import StateGraph

#: The choices of a run: playing them again gives the run again.
Choices = tuple[int, ...]


class OutcomeKey(NamedTuple):
    """What two runs have in common that count as one way to end.

    ``runs``: how many runs of each node were started. ``failed``: the nodes with runs that failed and were not
    taken over, as the outcome of the flow lists them. ``failing``: the nodes with runs that failed at all.
    ``active``: the nodes with runs that had not ended when the flow run was cancelled. ``attempts``: how many
    attempts of the flow a run took that succeeded.
    """

    status: str  # success, failure, timeout or cancelled
    runs: tuple[tuple[str, int], ...]
    failed: tuple[str, ...]
    failing: tuple[str, ...]
    reason: str | None
    active: tuple[str, ...] = ()
    attempts: int = 1


class Exploration:
    """What the runs of a flow showed. Everything that can happen has the choices of a run that shows it.

    ``runs`` counts complete runs. ``cuts`` are the limits that cut runs: ``visits``, ``node_runs``,
    ``failures``, ``rounds``, ``budget``, ``time``. ``reached`` are the bits of goals, ``reached_in_cut`` of those
    in runs without an outcome. ``ends``: observations and the failures they cost. ``blocked``: sub-flows that
    never end. ``most``: the most runs of each node in one run. ``silent`` and ``starved``: nodes after which no
    edge fired, and joins that waited in vain, in runs without failures that succeeded. ``considered``: how often
    each edge was considered in one run at most. ``reads_order``: a run whose end depends on which result of a task
    is the last. ``eager_orders``: two runs in which the same fails, and other nodes have run before.
    ``invariants`` are those that are about the flow, and ``broken_invariants`` say what is wrong, by name;
    ``exercised_invariants`` are the names of those that some run could have broken.
    """

    def __init__(self, context: Context, limits: Limits) -> None:
        self.context = context
        self.limits = limits
        self.runs = 0
        self.tapes = 0
        self.cuts: set[str] = set()
        self.is_sampled = False
        self.outcomes: dict[OutcomeKey, Choices] = {}
        self.reached = 0
        self.reached_in_cut = 0
        self.witnesses: dict[int, Choices] = {}
        self.cut_witnesses: dict[int, Choices] = {}
        self.ends: dict[Observation, int] = {}
        self.end_choices: dict[Observation, Choices] = {}
        self.blocked: dict[str, Choices] = {}
        self.most: dict[str, int] = {}
        self.most_node_runs = 0
        self.silent: dict[str, Choices] = {}
        self.starved: dict[int, Choices] = {}
        self.considered: dict[int, int] = {}
        self.reads_order: Choices | None = None
        self.eager_orders: tuple[Choices, Choices] | None = None
        self.invariants: tuple[Invariant, ...] = ()
        self.broken_invariants: dict[str, tuple[str, Choices]] = {}
        self.exercised_invariants: set[str] = set()
        self.states = StateGraph()
        self.goals: tuple[Goal, ...] = ()
        self.nodes: tuple[str, ...] = ()
        self.vectors: dict[Vector, Choices] = {}

    @property
    def is_complete(self) -> bool:
        """Whether every run there is was played: no limit but that of failures, visits and items cut one."""
        return not self.is_sampled and not self.cuts & {"node_runs", "rounds", "budget", "time"}

    def witness_of(self, goal: Goal) -> Choices | None:
        """A run that reaches a goal, a complete one if there is one; None when no run did."""
        bit = 1 << self.goals.index(goal)
        choices = self.witnesses.get(bit)  # () is a run without a choice
        return self.cut_witnesses.get(bit) if choices is None else choices

    def is_reached(self, goal: Goal) -> bool:
        """Whether some run reached a goal."""
        return bool((self.reached | self.reached_in_cut) >> self.goals.index(goal) & 1)
