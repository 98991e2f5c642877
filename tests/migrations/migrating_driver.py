"""Drives a dispatch machine through a scripted world in which the flow changes on the way."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from selinon_core.dispatch import FlowIndex, flow_indexes
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.replay_definition import (
    ReplayDefinition,
    definition_hash,
    definition_text,
    read_definition,
)
from selinon_core.plan import Plan
from selinon_core.plan.flow_diff import MigrationStep, compare_flows
from tests.dispatch.driver import MOST_EVENTS, Simulation, Start, TooBig
from tests.dispatch.script import Script
from tests.migrations.migrating_reference import MigratingReference


class Move(NamedTuple):
    """After so many events, bring the run over these plans, each with its strategy."""

    after: int
    chain: tuple[tuple[Plan, str], ...]
    on_unreached: str = "warn"


class Shapes:
    """The shapes that logs of a test name. ``recorded`` gives them as read from their texts."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._tables: dict[str, ReplayDefinition] = {}

    def add(self, table: FlowIndex, on_unreached: str) -> str:
        text = definition_text(table, on_unreached)
        name = definition_hash(text)
        self.texts[name] = text
        self._tables[name] = ReplayDefinition(table, on_unreached)
        return name

    def live(self, name: str) -> ReplayDefinition:
        return self._tables[name]

    def recorded(self, name: str) -> ReplayDefinition:
        return read_definition(self.texts[name])


def steps_of(old: Plan, chain: Sequence[tuple[Plan, str]], flow: str = "main") -> tuple[MigrationStep, ...]:
    """What the migrations along a chain of plans say; versions count from 1."""
    plans = [old, *(plan for plan, _ in chain)]
    return tuple(
        MigrationStep(version, strategy, compare_flows(plans[version - 1].flows[flow], plan.flows[flow]))
        for version, (plan, strategy) in enumerate(chain, 1)
    )


class MigratingSimulation(Simulation):
    """One flow run of ``main`` with moves on the way; ``strategies`` are those the reference found to apply."""

    def __init__(
        self,
        plan: Plan,
        script: Script,
        order: Random,
        start: Start,
        moves: Sequence[Move],
        *,
        check: bool = True,
    ) -> None:
        super().__init__(plan, "main", script, order, start, check=False)
        self.epoch = 0
        self.moves = list(moves)
        self.shapes = Shapes()
        self.first_shape = self.shapes.add(self.machine.table, start.on_unreached)
        self.machine.definitions = self.shapes.live
        self.with_reference = check
        self.strategies: list[str | None] = []
        self.tainted: list[bool] = []

    @property
    def label(self) -> Any:
        return (self.machine.attempt, self.epoch) if self.epoch else self.machine.attempt

    def run(self) -> MigratingSimulation:
        self.feed(self.start.event())
        if self.with_reference:
            start = self.start
            self.reference = MigratingReference(
                self.plan, self.flow, start.on_unreached, start.args, start.parent, start.failures, None
            )
            self.compare()
        while self.pending or self.moves:
            if self.moves and (not self.pending or len(self.log) >= self.moves[0].after):
                self.migrate(self.moves.pop(0))
            else:
                self.step(self.pending.pop(self.order.randrange(len(self.pending))))
            if len(self.log) > MOST_EVENTS:
                raise TooBig
            self.compare()
        return self

    def migrate(self, move: Move) -> list[do.Effect]:
        steps = steps_of(self.plan, move.chain)
        plan = move.chain[-1][0]
        shape = self.shapes.add(flow_indexes(plan)["main"], move.on_unreached)
        active = [run.number for run in self.machine.active]
        incomplete = self.machine.incomplete
        ended = self.machine.ended
        self.epoch += 1
        self.plan = plan
        event = on.Migrated(shape, len(steps), 0, steps)
        effects = self.feed(event)
        notes = [e for e in effects if isinstance(e, do.TraceNote) and e.event == "MIGRATION_TAINTED_FLOW"]
        self.tainted.append(bool(notes))
        started = sum(isinstance(effect, (do.StartTask, do.StartFlow)) for effect in effects)
        assert self.machine.incomplete == incomplete + started
        assert ended or all(self.machine.run_of(number) is not None for number in active)
        if self.reference is not None:
            assert isinstance(self.reference, MigratingReference)
            self.strategies.append(self.reference.migrate(move.chain, move.on_unreached))
        return effects
