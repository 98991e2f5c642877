"""Selects, of the tasks just made ready, the one that this worker runs itself instead of publishing it (inline
execution).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from selinon_core.celery.execution.transition import Transition
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores.outbox_keys import OutboxKey
from selinon_core.celery.surroundings import Surroundings
from selinon_core.celery.transport.batching import DurationEstimates
from selinon_core.celery.transport.message_builder import MessageBuilder, StartMessageBuilt
from selinon_core.celery.transport.message_schema import NodeMessage
from selinon_core.dispatch import effects as do
from selinon_core.dispatch.references import Referring
from selinon_core.plan import Plan


class InlineBudget:
    """How much may be run inline for one message; ``carrier`` is its node run number (0: the start of the flow).

    The message stays unacknowledged meanwhile, so its redelivery means that the worker is dead.
    """

    __slots__ = ("_monotonic", "carrier", "left", "until")

    def __init__(self, carrier: int, settings: AdapterSettings, surroundings: Surroundings) -> None:
        self.carrier = carrier
        self.left = settings.selinon_inline_count
        self._monotonic = surroundings.monotonic
        self.until = self._monotonic() + settings.selinon_inline_seconds

    def allows(self, seconds: float | None = 0.0) -> bool:
        """Whether one more may be run that takes about so long; None: that is not known."""
        return self.left > 0 and self._monotonic() + (seconds or 0.0) < self.until

    def take(self, seconds: float | None) -> None:
        """One more is run that takes about so long."""
        self.left -= 1


class Round:
    """How much work the tasks may hold that several flow runs run inline in turn, before their ends are committed.

    ``left`` are seconds.
    """

    __slots__ = ("_most", "left")

    def __init__(self, most: float) -> None:
        self._most = self.left = most

    def begin(self) -> None:
        """A new round begins."""
        self.left = self._most


class SharedBudget(InlineBudget):
    """The budget of a flow run that others take turns with: they wait while its task runs.

    So a task that is of unknown length gets a message of its own, and so does one that a round has no time for.
    """

    __slots__ = ("_round",)

    def __init__(self, carrier: int, settings: AdapterSettings, surroundings: Surroundings, round: Round) -> None:
        super().__init__(carrier, settings, surroundings)
        self._round = round

    def allows(self, seconds: float | None = 0.0) -> bool:
        """Whether this round has time for a task that takes about so long."""
        return seconds is not None and seconds <= self._round.left and super().allows(seconds)

    def take(self, seconds: float | None) -> None:
        """One more is run in this round."""
        super().take(seconds)
        self._round.left -= seconds or 0.0


class InlineTask(NamedTuple):
    """A task to be run here and now."""

    message: NodeMessage
    task_id: str


class InlineChoice(NamedTuple):
    """The key that need not be published, and its task."""

    key: OutboxKey
    task: InlineTask


class InlineSelector:
    """Chooses tasks of one plan; ``serves(queue)`` says whether this worker consumes that queue.

    A task that is known to take long gets a message of its own: monitors show it by its name then, and the process
    that advances flows is free for others.
    """

    def __init__(
        self,
        plan: Plan,
        messages: MessageBuilder,
        serves: Callable[[str], bool],
        durations: DurationEstimates,
    ) -> None:
        self._plan = plan
        self._messages = messages
        self._serves = serves
        self._durations = durations

    def choose(
        self, transition: Transition, built: Mapping[OutboxKey, StartMessageBuilt], budget: InlineBudget
    ) -> InlineChoice | None:
        """The first task that may be run here, taken from the budget; ``built`` has the messages of starts."""
        if not transition.outbox or budget.left <= 0 or transition.run.machine.ended:
            return None
        for key in transition.outbox:
            effect = transition.start_effects.get(key)
            if not isinstance(effect, do.StartTask):
                continue
            task = self._plan.tasks[effect.node_run.name]
            if task.timeout is not None or task.limit is not None:
                continue  # Celery enforces a time-out for a message of its own; a place may have to be waited for
            expected = self._durations.expected(task.function)
            queue = self._messages.queue(task.name, transition.run.header.lane)
            if budget.allows(expected) and self._serves(queue):
                budget.take(expected)
                return InlineChoice(key, self._task(transition, effect, built[key]))
        return None

    @staticmethod
    def _task(transition: Transition, effect: do.StartTask, built: StartMessageBuilt) -> InlineTask:
        run, node = transition.run, effect.node_run
        header, args = run.header, node.args
        message, payload = built
        refers = isinstance(args, Referring)
        inline = NodeMessage(
            run.machine.table.flow.name,
            run.id,
            node.number,
            node.name,
            args.value if refers else args,
            effect.parent,
            node.failures or {},
            message.kwargs.get("result_locations") or {},
            0,
            False,
            header.trace,
            refers,
            header.lane,
        )
        return InlineTask(inline if payload is None else inline.with_payload(payload), node.id)
