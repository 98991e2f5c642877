"""After the update: what the logs say, held against counting, local runs and the migration file.

- every flow run ended, and so did every sub-flow that began,
- a run was brought to version 2 at most once, by exactly the step that the file has for its flow,
- a tainted run did what its strategy says, every other one what the flow says that it ended on,
- every task run that was decided on was performed, unless its attempt was given up, and nothing else was,
- nothing is left anywhere.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from selinon_core.celery import Selinon
from selinon_core.dispatch import flow_indexes
from selinon_core.migrations.repository import Migrations
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import Plan
from selinon_core.plan.flow_diff import MigrationStep
from tests.celery.reported import report_of
from tests.conformance.canonical import canonical_runs
from tests.rolling.arithmetic import is_tainted, starts
from tests.rolling.expected import Undisturbed, rows_of
from tests.rolling.histories import History, Launch, Reader
from tests.rolling.versions import Edition

Json = dict[str, Any]


class Reckoning(NamedTuple):
    """What is wrong (nothing, if all is well), and figures."""

    wrong: list[str]
    figures: Json


def _shapes(plan: Plan) -> dict[str, str]:
    flows = FlowVersions(plan, flow_indexes(plan), Migrations(None, ()))
    return {flow: flows.version(flow).definition for flow in plan.flows}


class Judge:
    """Judges histories, one by one; ``kinds`` counts what there was."""

    def __init__(self, edition: Edition, strategy: str) -> None:
        self._edition = edition
        self._strategy = strategy
        self._changes = Migrations.load(str(edition.new.directory / "migrations")).file(1).changes
        self._old, self._new, self._seen = (Undisturbed(version.plan) for version in edition)
        self._old_shapes, self._new_shapes = _shapes(edition.old.plan), _shapes(edition.new.plan)
        self.kinds: Counter[str] = Counter()
        #: Ids of task runs that are not awaited any more, and of sub-flows that need not begin.
        self.given_up: set[str] = set()

    def version(self, history: History) -> str:
        """old, new (as it ended), or both where they have the same."""
        if self._old_shapes.get(history.flow) == self._new_shapes[history.flow]:
            return "both"
        if history.began == self._new_shapes[history.flow]:
            return "new"
        return "new" if history.migrations else "old"

    def judge(self, history: History) -> list[str]:
        """What is wrong with a flow run."""
        wrong = [f"{history.undecided} left in its inbox"] if history.undecided else []
        if history.status not in ("success", "failure"):
            return [*wrong, f"its status is {history.status}"]
        began = history.began
        if began not in (self._old_shapes.get(history.flow), self._new_shapes[history.flow]):
            return [*wrong, f"it began with the shape {began}, which is of no version"]
        if not history.migrations:
            version = self.version(history)
            self.kinds[{"old": "ended on 1", "new": "began on 2", "both": "unchanged"}[version]] += 1
            plan, local = (
                (self._edition.old.plan, self._old) if version == "old" else (self._edition.new.plan, self._new)
            )
            return wrong + self._went_on(history, 1, plan, local, None)
        self.kinds["migrated"] += 1
        return wrong + self._migrated(history)

    def _migrated(self, history: History) -> list[str]:
        event, flow = history.migrations[0], history.flow
        expected = (MigrationStep(1, self._strategy, self._changes[flow]),) if self._changes.get(flow) else ()
        wrong = [f"it was migrated {len(history.migrations)} times"] if len(history.migrations) > 1 else []
        if (event.steps, event.version, event.before, event.forgotten) != (expected, 1, 0, None):
            told = [step.to_json() for step in event.steps]
            wrong.append(f"it was migrated by {told} from {event.before} to {event.version}")
        if history.began != self._old_shapes.get(flow) or not expected:
            return [*wrong, "it was migrated without need"]
        old, new = (version.plan.flows[flow] for version in (self._edition.old, self._edition.new))
        before = [launch for launch in history.launches if not launch.late]
        if is_tainted(old, new, history.finished):
            self.kinds["tainted"] += 1
            if self._strategy != "IGNORE":
                self.given_up.update(x.node.id for x in before if x.node.number not in history.over)
                given_up = self._failed if self._strategy == "FAIL" else self._began_again
                return wrong + given_up(history)
            local = None
        else:
            self.kinds["untainted"] += 1
            local = self._seen
        counts = (Counter(launch.node.name for launch in before), history.finished)
        return wrong + self._went_on(history, 1, self._edition.new.plan, local, counts)

    def _failed(self, history: History) -> list[str]:
        wrong = []
        if history.status != "failure" or not history.reason.startswith("migration 1 taints it"):
            wrong.append(f"it is tainted, and a {history.status} because {history.reason!r}")
        late = [launch.node.name for launch in history.launches if launch.late]
        if late or history.attempts != 1:
            wrong.append(f"it failed, and {late} was started afterwards in {history.attempts} attempts")
        return wrong

    def _began_again(self, history: History) -> list[str]:
        if [launch for launch in history.launches if launch.late != (launch.node.flow_attempt == 2)]:
            return ["its first attempt went on although it is tainted"]
        return self._went_on(history, 2, self._edition.new.plan, self._new, None)

    def _went_on(
        self,
        history: History,
        attempt: int,
        plan: Plan,
        local: Undisturbed | None,
        before: tuple[Counter[str], Counter[str]] | None,
    ) -> list[str]:
        """What is wrong with the last attempt of a run that went on to its end."""
        if history.attempts != attempt:
            return [f"it has {history.attempts} attempts instead of {attempt}"]
        launches = history.of_attempt(attempt)
        failed = Counter(launch.node.name for launch in launches if launch.status == "failure")
        wrong = self._unfit(launches)
        counts, unhandled = starts(plan.flows[history.flow], failed, before)
        found = Counter(launch.node.name for launch in launches)
        if found != counts:
            wrong.append(f"it started {dict(found - counts)} too often and {dict(counts - found)} too rarely")
        if (history.status == "failure") != bool(unhandled):
            wrong.append(f"it is a {history.status} although {unhandled} failed: {history.reason}")
        if local is not None and not unhandled:
            rows, expected = rows_of(launches), local.rows(history.flow, history.args)
            if rows != expected:
                wrong.append(f"unlike a local run it has {rows - expected}, and not {expected - rows}")
        return wrong

    def _unfit(self, launches: list[Launch]) -> list[str]:
        """Node runs that ended otherwise than they had to, or whose parents are not theirs."""
        wrong = []
        ids = {launch.node.id: launch.node.name for launch in launches if launch.status == "success"}
        for node, parent, _, status in launches:
            if status == "failure" and not node.is_flow and node.name not in self._edition.new.plan.tasks:
                self.kinds["failed for want of a task"] += 1
                self.given_up.add(node.id)
            elif status != ("failure" if node.name.startswith("Bad") else "success") and not (
                node.is_flow and status == "failure"  # the sub-flow is judged for itself
            ):
                wrong.append(f"node run {node.number} of {node.name} is {status}")
            for name, id in parent.items():
                if ids.get(id) != name and not name.startswith("Bad"):
                    wrong.append(f"node run {node.number} of {node.name} has {id} for its parent {name}")
        return wrong

    def undisturbed(self, version: str, flow: str, args: Any) -> list[list[Any]]:
        """All node runs of a local run."""
        return (self._old if version == "old" else self._new).tree(flow, args)


def reckon(selinon: Selinon, edition: Edition, strategy: str, ids: list[str], performed: list[str]) -> Reckoning:
    """Judge all flow runs; ``ids`` are those that were asked for, ``performed`` has the ids of task runs."""
    judge = Judge(edition, strategy)
    histories, never = Reader(edition.new.plan, selinon.store).tree(ids)
    wrong = [f"{history.id} ({history.flow}): {what}" for history in histories for what in judge.judge(history)]
    wrong += [f"{id} never began" for id in never if id not in judge.given_up]
    by_id = {history.id: history for history in histories}
    wrong += [
        f"{history.id} ({history.flow}): sub-flow {node.name} is a {status} here, and {by_id[node.id].status}"
        for history in histories
        for node, _, _, status in history.launches
        if node.id in by_id and by_id[node.id].status != status
    ]
    versions = {id: _only_version(judge, by_id, by_id[id]) for id in ids if id in by_id}
    in_peace = {id: version for id, version in versions.items() if version is not None}
    for id, version in in_peace.items():
        tree = canonical_runs(report_of(edition.new.plan, selinon.store, id)["nodes"])
        if tree != judge.undisturbed(version, by_id[id].flow, by_id[id].args):
            wrong.append(f"{id} ({by_id[id].flow}): it was left in peace and did not do as a local run")
    wrong += _backend(selinon, by_id, ids)
    decided = [launch.node.id for h in histories for launch in h.launches if not launch.node.is_flow]
    wrong += [f"task run {id} was decided on twice" for id, count in Counter(decided).items() if count > 1]
    missed, unasked = set(decided) - set(performed) - judge.given_up, set(performed) - set(decided)
    wrong += [f"task run {id} was decided on and never performed" for id in missed]
    wrong += [f"task run {id} was performed without being decided on" for id in unasked]
    figures = {"flow runs with sub-flows": len(histories), **dict(sorted(judge.kinds.items()))}
    figures |= {"left in peace with all sub-flows": len(in_peace), "task runs": len(set(decided))}
    figures |= {"task runs given up": len(judge.given_up), "attempts beyond": len(performed) - len(set(performed))}
    return Reckoning(wrong, figures)


def _only_version(judge: Judge, by_id: dict[str, History], history: History) -> str | None:
    """The version that a run and all below it were made for, None when there were several or a migration."""
    found, left = set(), [history]
    while left:
        one = left.pop()
        found.add("migrated" if one.migrations else judge.version(one))
        left += [by_id[launch.node.id] for launch in one.launches if launch.node.id in by_id]
    found.discard("both")
    if len(found) > 1 or "migrated" in found:
        return None
    return found.pop() if found else "new"


def _backend(selinon: Selinon, by_id: dict[str, History], ids: list[str]) -> list[str]:
    wrong = []
    for id in ids:
        state = selinon.app.AsyncResult(id).state
        if id in by_id and state != ("SUCCESS" if by_id[id].status == "success" else "FAILURE"):
            wrong.append(f"{id}: the result backend says {state}, the log {by_id[id].status}")
    return wrong
