"""Plays schedules of one flow run: workers, store and mocks of each are new, what never changes is shared."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cached_property
from typing import Any

from selinon_core.celery.services import flow_versions_of
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.errors import RequestError
from selinon_core.local.executor import LocalExecutor
from selinon_core.plan import Plan
from selinon_core.simulating.aftermath import Aftermath
from selinon_core.simulating.built_in import MOST_EACH, broken
from selinon_core.simulating.decisions import Decisions, Given
from selinon_core.simulating.names import Labels
from selinon_core.simulating.options import SimulationOptions, Subject
from selinon_core.simulating.order_dependence import early_end_notes, order_notes
from selinon_core.simulating.performance import Performance
from selinon_core.simulating.production import check_simulated, silence
from selinon_core.simulating.results import Found, Judge, ScheduleResult
from selinon_core.simulating.schedule_tree import ScheduleTree
from selinon_core.simulating.shared import Memo, Shared, Stores
from selinon_core.simulating.slots import coroutines

#: Faults that change what tasks do: the run may end otherwise than undisturbed.
_CHANGING = frozenset({"poison", "task"})
#: Messages and sweeps that a schedule may take before the first one was played.
_FIRST = 20_000


class Player:
    """Plays schedules. Raises ``RequestError`` for options that a simulation cannot have, and for wrong mocks."""

    def __init__(
        self,
        subject: Subject,
        options: SimulationOptions,
        judge: Judge,
        store: Callable[[], MemoryStore],
        tree: ScheduleTree | None = None,
    ) -> None:
        self.notes: tuple[str, ...] = ()
        #: Schedules that were played, without the undisturbed one.
        self.played = 0
        self._judge = judge
        local = subject.options
        local.check()
        check_simulated(subject.plan, local)
        for task in options.durations:
            if task not in subject.plan.tasks:
                raise RequestError(f'durations name the task "{task}", which the files do not have')
        plan, setup = subject.plan, subject.setup
        if options.deploy is not None:
            plan, setup = _both(plan, options.deploy), None
        setup = LocalExecutor(plan, local, setup).prepare(subject.flow, subject.node_args)
        settings = AdapterSettings(selinon_store_retry_timeout=1.0)
        stores = Stores(store)
        plans = [subject.plan] if options.deploy is None else [subject.plan, options.deploy]
        versions = tuple((each, flow_versions_of(each, stores.definition)) for each in plans)
        about = (settings, setup, Labels(), Memo(), coroutines(), stores, versions, Aftermath(versions[0][1]))
        self._shared = Shared(subject, options, *about)
        self._most = _FIRST
        self._expected: Any = None
        self._tree = (ScheduleTree(options) if tree is None else tree) if local.mock_all else None

    @cached_property
    def undisturbed(self) -> ScheduleResult:
        """The schedule without deviations: it gives labels, outcomes of mocks and what to expect."""
        self.notes = tuple(order_notes(self._shared.subject))
        if self._shared.options.deploy is not None:
            self.notes = ("same as undisturbed is not looked at: workers change to other files",)
        first = self._perform(Given())
        played = first.played
        lineage = played.run.facts.lineage
        self._shared.labels.learn(lineage, played.run.records)
        self._shared.memo.learn(played.memo)
        self._most = MOST_EACH * (len(played.run.records) + 10)
        first.close()
        again = self._perform(Given())  # now with the labels of the first
        self.notes = self.notes or tuple(early_end_notes(again.played))
        if played.is_over and not self.notes:
            self._expected = again.played.canonical
        return self._result(again, -1)

    def play(self, decisions: Decisions, seed: int = -1, transcript: list[str] | None = None) -> ScheduleResult:
        """Play a schedule."""
        assert self.undisturbed is not None
        self.played += 1
        return self._result(self._perform(decisions, transcript, self.deploy_at(seed)), seed)

    def play_drawn(self, draw: Callable[[int], Decisions], seed: int) -> tuple[ScheduleResult, Decisions]:
        """Play the schedule of a seed, unless another seed drew it before: then that is the result."""
        assert self.undisturbed is not None
        tree, decisions = self._tree, draw(seed)
        if tree is None:
            return self.play(decisions, seed), decisions
        deploy_at = self.deploy_at(seed)
        result = tree.find(decisions, deploy_at)
        if result is not None:
            return result._replace(seed=seed), decisions
        decisions = tree.remembering(draw(seed), deploy_at)
        result = self.play(decisions, seed)
        tree.keep(decisions, result)
        return result, decisions

    def deploy_at(self, seed: int) -> int | None:
        """The message from which on workers change to other files: as asked for, else by the seed."""
        options = self._shared.options
        if options.deploy is None or options.deploy_at is not None:
            return options.deploy_at if options.deploy is not None else None
        most = self.undisturbed.messages + len(self._shared.plans)
        chooser = random.Random(f"deployment {seed}")  # noqa: S311  (reproducible)
        return chooser.randint(1, most)

    def _perform(
        self, decisions: Decisions, transcript: list[str] | None = None, deploy_at: int | None = None
    ) -> Performance:
        performance = Performance(self._shared, decisions, transcript)
        with silence():
            performance.perform(self._most, deploy_at)
        return performance

    def _result(self, performance: Performance, seed: int) -> ScheduleResult:
        """What came of a schedule; its world is given up."""
        stage, played = performance.stage, performance.played
        performance.close()
        deviations = tuple(played.deviations)
        if not _CHANGING & {each.kind for each in deviations}:
            played.expected = self._expected
        violations = list(broken(played))
        if played.is_over and not violations:
            violations += [Found(*found) for found in self._judge(played.run)]
        return ScheduleResult(
            seed,
            played.run,
            played.outcome,
            deviations,
            getattr(stage.decisions, "stale", ()),
            stage.decisions.made,
            tuple(violations),
            played.run.virtual_seconds,
            played.attempts,
            played.completed,
            stage.messages,
            stage.crashes,
            tuple(stage.agenda.transcript or ()),
        )


def _both(plan: Plan, other: Plan) -> Plan:
    """What a run may meet whose workers have one plan or the other."""
    return plan._replace(
        tasks={**other.tasks, **plan.tasks},
        flows={**other.flows, **plan.flows},
        storages={**other.storages, **plan.storages},
    )
