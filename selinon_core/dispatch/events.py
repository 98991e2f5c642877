"""What can happen to a flow run. Events are the only input of the machine, and the log of them is the truth.

Names are in the past tense. Numbers refer to ``NodeRun.number`` and to the ``question`` of an effect. An answer
carries everything the machine needs, so that replaying the log needs no storage, clock or user code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selinon_core.dispatch.node_run import FlowOutcome
from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.plan.flow_diff import MigrationStep


class FlowStarted:
    """The flow run was asked for. All arguments are kept for its retries.

    ``refused`` says why the arguments do not fit the flow's ``input_schema``: the run fails at once. ``rerun`` is
    the id of the flow run that is run again: what it did may be reused, so this is asked for every node run.
    """

    __slots__ = ("args", "failures", "parent", "refused", "rerun", "selective")

    def __init__(
        self,
        args: Any = None,
        parent: dict[str, Any] | None = None,
        failures: dict[str, Any] | None = None,
        selective: SelectiveRun | None = None,
        refused: str | None = None,
        rerun: str | None = None,
    ) -> None:
        self.args = args
        self.parent = parent or {}
        self.failures = failures
        self.selective = selective
        self.refused = refused
        self.rerun = rerun


class NodeSucceeded:
    """A node run ended well; ``outcome`` is given for sub-flows only.

    ``ended`` is when, seconds since the epoch; 0: when its batch of the log was committed. The machine ignores it:
    an end may wait in the inbox for others, and users want to know how long a task took.
    """

    __slots__ = ("ended", "number", "outcome")

    def __init__(self, number: int, outcome: FlowOutcome | None = None, ended: float = 0.0) -> None:
        self.number = number
        self.outcome = outcome
        self.ended = ended


class NodeFailed:
    """A node run failed for good: its retries are used up. The rest is as of ``NodeSucceeded``."""

    __slots__ = ("ended", "number", "outcome")

    def __init__(self, number: int, outcome: FlowOutcome | None = None, ended: float = 0.0) -> None:
        self.number = number
        self.outcome = outcome
        self.ended = ended


class ConditionAnswered:
    """A condition was evaluated. ``leaves`` has the value of each leaf, None for a leaf that was not evaluated.

    ``seen`` has what its expressions read: ``{"LoadOrder.total": 0}``. The machine ignores both: they explain the
    value to users. Logs of older workers have neither.
    """

    __slots__ = ("leaves", "question", "seen", "value")

    def __init__(
        self,
        question: int,
        value: bool,
        leaves: Sequence[bool | None] = (),
        seen: dict[str, Any] | None = None,
    ) -> None:
        self.question = question
        self.value = value
        self.leaves = leaves
        self.seen = seen


class ForeachAnswered:
    """A foreach function returned; None counts as no items."""

    __slots__ = ("items", "question")

    def __init__(self, question: int, items: list[Any] | None) -> None:
        self.question = question
        self.items = items


class ReuseAnswered:
    """The id of an earlier run to reuse is known, or that the node is to be run (None).

    In selective runs a selective run function says so. In reruns the answer is to ``AskRecorded``: ``outcome`` is
    that of a sub-flow that is reused, and ``enters`` the recorded run of a sub-flow that is run again in part.
    """

    __slots__ = ("enters", "outcome", "question", "reused_id")

    def __init__(
        self,
        question: int,
        reused_id: str | None,
        outcome: FlowOutcome | None = None,
        enters: str | None = None,
    ) -> None:
        self.question = question
        self.reused_id = reused_id
        self.outcome = outcome
        self.enters = enters


class FirstResultAnswered:
    """The result of the first task is known and becomes the flow's arguments."""

    __slots__ = ("args", "question")

    def __init__(self, question: int, args: Any) -> None:
        self.question = question
        self.args = args


class ArgsAnswered:
    """The arguments of node runs were worked out: one entry for each item, one in all without foreach.

    ``[0, args]``: the destinations are started with these. ``[0, args, {name: reason}]``: except those that cannot
    take them, each for its reason. ``[0, args, {...}, 1]``: what is here is the value of a ``Referring``.
    ``[0, args, {...}, 0, {name: [args, 0]}]``: tasks whose input schema gives defaults are started with these;
    1 as before. ``[1, reason]``: they could not be worked out. Destinations with a reason fail without being
    started.
    """

    __slots__ = ("given", "question")

    def __init__(self, question: int, given: Sequence[Sequence[Any]]) -> None:
        self.question = question
        self.given = given


class OutputAnswered:
    """The output of the flow was worked out."""

    __slots__ = ("question", "value")

    def __init__(self, question: int, value: Any) -> None:
        self.question = question
        self.value = value


class QuestionDeferred:
    """A question cannot be answered now because a storage is away (``reason`` says how); ask again later."""

    __slots__ = ("question", "reason")

    def __init__(self, question: int, reason: str = "") -> None:
        self.question = question
        self.reason = reason


class QuestionFailed:
    """A question can never be answered: the user's function raised, or a result is known to be missing."""

    __slots__ = ("question", "reason")

    def __init__(self, question: int, reason: str) -> None:
        self.question = question
        self.reason = reason


class RetryDue:
    """The countdown before a retry of the whole flow is over."""

    __slots__ = ()


class DeadlinePassed:
    """The flow's ``timeout``, counted from its first start, is over."""

    __slots__ = ()


class FlowCancelled:
    """A user or the calling flow cancelled the flow run."""

    __slots__ = ()


class Migrated:
    """The run follows another definition of its flow from here on; ``rules.migration`` has the rules.

    ``definition`` names the flow index that holds now (see ``replay_definition``). ``steps`` are what the
    migrations between version ``before`` and ``version`` say about the flow, in order; none when the graph is the
    same. ``forgotten`` is set when the graph changed without a migration: it is the strategy that the policy
    prescribes. ``steps`` then has the steps that a migration would have had.
    """

    __slots__ = ("before", "definition", "forgotten", "steps", "version")

    def __init__(
        self,
        definition: str,
        version: int,
        before: int,
        steps: tuple[MigrationStep, ...] = (),
        forgotten: str | None = None,
    ) -> None:
        self.definition = definition
        self.version = version
        self.before = before
        self.steps = steps
        self.forgotten = forgotten


class Reopened:
    """A flow run that failed goes on: node runs with these numbers run again. ``by`` says who asked for it."""

    __slots__ = ("by", "numbers")

    def __init__(self, numbers: Sequence[int], by: str | None = None) -> None:
        self.numbers = numbers
        self.by = by


Event = (
    FlowStarted
    | NodeSucceeded
    | NodeFailed
    | ConditionAnswered
    | ForeachAnswered
    | ReuseAnswered
    | FirstResultAnswered
    | ArgsAnswered
    | OutputAnswered
    | QuestionDeferred
    | QuestionFailed
    | RetryDue
    | DeadlinePassed
    | FlowCancelled
    | Migrated
    | Reopened
)
