"""What the schedules of a campaign share."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from selinon_core.cases.model import Outcome
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.dispatch import events as on
from selinon_core.local.run_setup import RunSetup
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import Plan
from selinon_core.simulating.aftermath import Aftermath
from selinon_core.simulating.names import Labels
from selinon_core.simulating.options import SimulationOptions, Subject
from selinon_core.simulating.slots import Coroutine

#: How an attempt ends; None: as the code of the task says.
Scripted = Outcome | BaseException | None
#: Flow run, its attempt, what is asked, index of the edge or failures entry, keys of the node runs it is about.
AnswerKey = tuple[str, int, str, int, tuple[str, ...]]


class Memo:
    """What scripts and mocked conditions said in the undisturbed run: in any order, a run gets the same."""

    def __init__(self) -> None:
        self.outcomes: dict[tuple[str, int], Scripted] = {}
        self.answers: dict[AnswerKey, on.ConditionAnswered | on.ForeachAnswered] = {}

    def learn(self, other: Memo) -> None:
        """Take over what another run learned."""
        self.outcomes.update(other.outcomes)
        self.answers.update(other.answers)


class Stores:
    """A new store for each schedule, made by ``new``."""

    def __init__(self, new: Callable[[], MemoryStore]) -> None:
        self._new = new
        self._current: MemoryStore | None = None

    def fresh(self) -> MemoryStore:
        """The store of the next schedule."""
        self._current = self._new()
        return self._current

    def definition(self, name: str) -> str | None:
        """A definition that the store of the schedule keeps."""
        return None if self._current is None else self._current.get_definition(name)


class Shared(NamedTuple):
    """What the schedules of a campaign share: it never changes once the undisturbed one was played."""

    subject: Subject
    options: SimulationOptions
    settings: AdapterSettings
    setup: RunSetup
    labels: Labels
    memo: Memo
    new_coroutine: Callable[[Callable[[], None]], Coroutine]
    stores: Stores
    #: The plans that workers have, at first and after a deployment, each with its flows.
    plans: tuple[tuple[Plan, FlowVersions], ...]
    aftermath: Aftermath
