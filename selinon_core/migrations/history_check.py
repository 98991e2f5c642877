"""What recorded runs would have done with the present configuration: the safety net before a deployment.

A history is the trace of a run, one JSON object a line (``selinon run --trace``, ``selinon status --history``); it
may hold several flow runs. Each is judged as if it had been in flight when the new configuration arrived:

- ``tainted``: at some event of it a migration would have tainted it, by the same rules as for real runs;
- otherwise it is replayed: a machine gets the new flow, the recorded completions and the recorded answers. When it
  starts and asks what was recorded, the run is ``unaffected``, or ``mapped`` where edges have other indexes now;
- ``diverging`` where it does something else; the result has the first event that differs from the record.

No user code is called, and nothing outside of the trace is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.config.yaml.files import refuse_named_pipe
from selinon_core.dispatch.flow_index import FlowIndex
from selinon_core.dispatch.rules.migration import taints
from selinon_core.errors import RequestError
from selinon_core.migrations.describe import WHAT_HAPPENS, edge_text
from selinon_core.migrations.recorded_fields import check_fields
from selinon_core.migrations.replay import Replay, ReplayMismatch, edge_recorded
from selinon_core.migrations.repository import Migrations
from selinon_core.plan import FlowPlan, Plan
from selinon_core.plan.flow_diff import MigrationStep, compare_flows, explains, strongest


class ReplayResult(NamedTuple):
    """How one recorded flow run would go on. ``line`` and ``event`` are the first that decided it."""

    file: str
    flow: str
    id: str
    kind: str  # unaffected, mapped, tainted, diverging
    why: str = ""
    strategy: str | None = None
    line: int = 0
    event: str = ""
    places: tuple[str, ...] = ()


class Recorded(NamedTuple):
    """An event of a history and the line it stands in."""

    line: int
    event: str
    details: Mapping[str, Any]


def judge_histories(
    paths: Sequence[str], old: Plan, new: Plan, migrations: Migrations, since: int
) -> tuple[ReplayResult, ...]:
    """Judge the flow runs of all histories in files and directories.

    ``old`` is the configuration they were recorded with, ``since`` the newest migration it knew. Raises
    ``RequestError`` for a file that is not a history.
    """
    found = []
    for file in _files(paths):
        for (flow, id), events in read_history(file).items():
            found.append(judge(file, flow, id, events, old, new, migrations, since))
    return tuple(found)


def _files(paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        if not os.path.isdir(path):
            yield path
            continue
        for root, directories, files in os.walk(path):
            directories.sort()
            yield from (os.path.join(root, name) for name in sorted(files) if name.endswith((".jsonl", ".json")))


def read_history(file: str) -> dict[tuple[str, str], list[Recorded]]:
    """The events of each flow run in a file, by flow name and id, in order. Raises ``RequestError``."""
    runs: dict[tuple[str, str], list[Recorded]] = {}
    number = 0
    try:
        refuse_named_pipe(file)
        with open(file, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    event = _event(json.loads(line), number)
                    flow, id = event.details.get("flow_name"), event.details.get("dispatcher_id")
                    if isinstance(flow, str) and isinstance(id, str):
                        runs.setdefault((flow, id), []).append(event)
    except OSError as error:
        raise RequestError(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{file}:{number}: this is not an event of a trace: {error}") from error
    return runs


def _event(value: Any, line: int) -> Recorded:
    if not isinstance(value, dict):
        raise ValueError("it is not a mapping")
    event, given = value.get("event"), value.get("details")
    if not isinstance(event, str):
        raise ValueError("it has no field event with the name of an event")
    details = given if isinstance(given, dict) else value
    check_fields(event, details)
    return Recorded(line, event, details)


def judge(
    file: str,
    flow: str,
    id: str,
    events: Sequence[Recorded],
    old: Plan,
    new: Plan,
    migrations: Migrations,
    since: int,
) -> ReplayResult:
    """Judge one flow run."""
    verdict = ReplayResult(file, flow, id, "unaffected")
    if flow not in new.flows:
        return verdict._replace(kind="diverging", why="there is no such flow any more")
    now = new.flows[flow]
    was = old.flows.get(flow, now)
    steps = migrations.steps(flow, min(since, migrations.latest))
    if not explains(steps, was, now):
        policy = new.settings.on_graph_change.upper()
        steps = (MigrationStep(migrations.latest, policy, compare_flows(was, now)),)
    tainted = _tainted(events, was, now, steps)
    if tainted is not None:
        return verdict._replace(kind="tainted", **tainted)
    replay = Replay(FlowIndex(new, now), was, steps, new.settings.on_unreached)
    for event in events:
        try:
            replay.take(event.event, event.details)
        except ReplayMismatch as difference:
            return verdict._replace(
                kind="diverging",
                why=str(difference),
                line=event.line,
                event=event.event,
                places=difference.places,
            )
    moved = any(change.translation for change in (step.change for step in steps))
    return verdict._replace(kind="mapped" if moved else "unaffected")


def _tainted(
    events: Sequence[Recorded], was: FlowPlan, now: FlowPlan, steps: Sequence[MigrationStep]
) -> dict[str, Any] | None:
    """Where a run became one that the change taints, None if it never did."""
    fired: set[int] = set()
    finished: set[str] = set()
    for event in events:
        details = event.details
        if event.event == "FLOW_RETRY":
            fired, finished = set(), set()
        elif event.event == "NODE_SUCCESSFUL" and not details.get("abandoned"):
            finished.add(details.get("node_name", ""))
        elif event.event in ("TASK_SCHEDULE", "SUBFLOW_SCHEDULE", "EDGE_COND_TRUE") and "edge" in details:
            index = edge_recorded(details, was)
            if index is not None:
                fired.add(index)
        else:
            continue
        found = taints(steps, fired, finished)
        if found:
            strategy = strongest([taint.strategy for taint in found])
            assert strategy is not None
            taint = next(taint for taint in found if taint.strategy == strategy)
            if taint.edge is not None:
                gone = was.edges[taint.edge]
                why = f"{edge_text(gone)} has fired and is gone"
                places: tuple[str, ...] = (str(gone.place),)
            else:
                missed = [e for e in now.edges if set(e.sources) == set(taint.nodes)]
                why = f"it has missed {', '.join(edge_text(e) for e in missed) or 'an edge'}, which is new"
                places = tuple(str(e.place) for e in missed)
            why = f"{why}; {strategy}: {WHAT_HAPPENS[strategy]}"
            return {"why": why, "strategy": strategy, "line": event.line, "event": event.event, "places": places}
    return None
