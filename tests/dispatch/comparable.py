"""What must not depend on the order of events, of a simulated flow run: a form in which two can be compared."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.dispatch.driver import NEW_RUNS, Simulation, clear_parents


def summary(outcome: Any) -> Any:
    """An outcome without ids: which failed run of a name met a fallback may depend on the order."""
    counts = [{name: len(ids) for name, ids in which.items()} for which in (outcome.finished, outcome.failed)]
    return outcome.succeeded, counts, outcome.unreached


def comparable(simulation: Simulation) -> dict[str, Any]:
    """The runs by key, without what rule 8 leaves out.

    That is what a fallback is told about the runs it handles where several runs of one name failed, or where
    two of their parents have the same name: the later-started wins, and starting follows finishing.
    """
    attempts = {run.flow_attempt: Counter[str]() for run in all_runs(simulation)}
    for run in all_runs(simulation):
        if run.status == "failure":
            attempts[run.flow_attempt][run.name] += 1
    unclear_failures = any(count > 1 for failed in attempts.values() for count in failed.values())
    rows = {}
    for key, run in simulation.runs.items():
        parent: Any = run.parent
        if run.edge is None and (unclear_failures or not clear_parents(simulation.runs, run)):
            parent = "unclear"
        failures = "unclear" if unclear_failures else by_name(run.failures)
        sources = run.sources if run.edge is not None else len(run.sources)
        rows[key] = (run.name, run.args, parent, failures, sources, run.reused, run.position, run.refused)
    return rows


def all_runs(simulation: Simulation) -> list[Any]:
    effects = [effect for effects in simulation.effects for effect in effects]
    return [effect.node_run for effect in effects if isinstance(effect, NEW_RUNS)]


def by_name(failures: dict[str, Any] | None) -> Any:
    """Inherited failures are merged in the order of the sources; their ids are compared as sets."""
    if failures is None:
        return None
    return {name: by_name(value) if isinstance(value, dict) else sorted(value) for name, value in failures.items()}
