"""A flow run of the state store as reruns look at it, as of a moment.

The run may go on later, by a retry. The rerun of it does not notice: all workers see what it was at that moment.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from selinon_core.celery.reporting.run_replay import RunReplay
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.errors import RequestError
from selinon_core.explaining.run_view import RunView
from selinon_core.migrations.versions import FlowVersions
from selinon_core.runtime.error_codec import decode_error
from selinon_core.runtime.facts import Facts
from selinon_core.runtime.trace.run_records import NodeRecord

#: In place of a digest: there were several.
_SEVERAL = "several"


class StoredRun(RunView):
    """``until`` is the moment, in seconds since the epoch.

    Raises ``UnknownRunError`` when the store has no such run, ``RequestError`` for one that never began, and
    ``MigrationError`` when its log cannot be read any more.
    """

    def __init__(self, store: Store, flows: FlowVersions, id: str, until: float) -> None:
        self._store = store
        replay = RunReplay(store, flows, until=until, with_reused=True)
        entries = list(replay.entries(id))
        if id not in replay.flow_runs:
            raise RequestError(f"flow run {id} never began, so there is nothing to run again: start its flow")
        self.header: RunHeader = replay.headers[id]
        self._replayed = replay.flow_runs
        for record in replay.flow_runs.values():
            record.node = replay.node_runs.get(record.id)
        self._add_detached_ends(replay)
        root = replay.flow_runs[id]
        flow_runs, node_runs = list(replay.flow_runs.values()), list(replay.node_runs.values())
        super().__init__(flows.plan, Facts(flows.plan, root, flow_runs, node_runs, entries))
        self.definitions, self.notes = self._definitions(replay)
        self.origin = self.header.rerun.get("origin") or self.header.rerun_of

    def _definitions(self, replay: RunReplay) -> tuple[dict[str, dict[str, str]], Sequence[str]]:
        """How tasks and edges were defined when the runs began, and what is not known of that."""
        found: dict[str, dict[str, str]] = {"tasks": {}, "edges": {}}
        names = dict.fromkeys(header.digests for header in replay.headers.values())
        unknown = False
        for name in names:
            text = self._store.get_definition(name) if name else None
            unknown = unknown or text is None
            for kind, digests in json.loads(text).items() if text is not None else ():
                for key, digest in digests.items():
                    # Defined in two ways while the run went on: it counts as changed.
                    found[kind][key] = digest if found[kind].get(key, digest) == digest else _SEVERAL
        if unknown:
            return found, ("workers of before began the run: what has changed in the files since is not known",)
        return found, ()

    def _add_detached_ends(self, replay: RunReplay) -> None:
        """The ends of node runs for which an ended run did not wait: its log does not have them."""
        open_tasks: dict[str, list[NodeRecord]] = {}
        for record in replay.node_runs.values():
            run = record.run
            if run.status != "active" or replay.headers[record.flow_run.id].status == "running":
                continue
            if not run.is_flow:
                open_tasks.setdefault(record.flow_run.id, []).append(record)
            elif run.id in replay.flow_runs and (outcome := replay.flow_runs[run.id].outcome) is not None:
                run.status, run.outcome = "success" if outcome.succeeded else "failure", outcome
        for flow_run, records in open_tasks.items():
            stored = self._store.records(flow_run, [record.run.number for record in records])
            for record in records:
                found = stored.get(record.run.number)
                if found is not None and found.done:
                    error = self._store.error(record.run.id)
                    record.run.status = "success" if error is None else "failure"
                    record.error = None if error is None else decode_error(error)

    def lacks_log(self, record: NodeRecord) -> bool:
        """Whether what happened in the run of a sub-flow is not known any more."""
        return record.run.id not in self._replayed and self._store.header(record.run.id) is None

    def count_attempts(self) -> None:
        """Fill in how often failed node runs were tried, which logs do not say."""
        failed: dict[str, list[NodeRecord]] = {}
        for record in self.records:
            if record.run.status == "failure" and not record.run.is_flow:
                failed.setdefault(record.flow_run.id, []).append(record)
        for flow_run, records in failed.items():
            stored = self._store.records(flow_run, [record.run.number for record in records])
            for record in records:
                found = stored.get(record.run.number)
                record.attempts = 0 if found is None else found.attempts + (found.begun_at > 0)
