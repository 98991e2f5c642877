"""How long node runs of ended flow runs waited for a worker, read from the logs of those runs.

The index of runs knows nothing of nodes, so logs are read: of few runs at a time, whatever number ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from selinon_core.celery.reporting.run_reader import RunReader
from selinon_core.celery.selinon_protocol import Owner

#: Flow runs, sub-flows among them, that are read at one time, and node runs after which no further run is read.
MOST_RUNS = 100
MOST_NODES = 10_000


class NodeWaits:
    """Calls ``observe(flow, node, seconds)`` for the tasks of ended flow runs. Not safe under threads.

    The seconds are those from the decision that the task runs to its begin at a worker. Tasks that were tried
    more than once are left out: the store knows the begin of their newest attempt only.
    """

    def __init__(self, selinon: Owner, observe: Callable[[str, str, float], None]) -> None:
        self._selinon = selinon
        self._observe = observe
        self._reader: RunReader | None = None

    def take(self, ids: Sequence[str]) -> None:
        """Read the runs with these ids, with their sub-flows; where there are too many, some of each part."""
        runs, nodes = MOST_RUNS, MOST_NODES
        for id in ids[:: max(-(-len(ids) // MOST_RUNS), 1)]:
            below: list[tuple[str, float | None]] = [(id, None)]
            while below:
                if runs <= 0 or nodes <= 0:
                    return
                read, subflows = self._read(*below.pop())
                runs, nodes = runs - 1, nodes - read
                below += subflows

    def _read(self, id: str, since: float | None) -> tuple[int, list[tuple[str, float | None]]]:
        """Observe the tasks of a run; returns the number of its node runs, and its sub-flows.

        ``since`` is when the run at the top was last retried: what it did before was observed at its first end.
        None: this is the run at the top.
        """
        if self._reader is None:
            services: Any = self._selinon.services
            self._reader = RunReader(services.store, services.flow_versions, 1)
        with self._reader.reading(id) as folded:
            if folded is None or folded.run is None:
                return 0, []
            since = folded.reopened if since is None else since
            tasks = {node.number: node.name for node in folded.nodes if not node.is_flow}
            asked = [number for number in tasks if folded.queued[number] >= since]
            for number, record in self._selinon.store.records(id, asked).items():
                if record.begun_at and not record.attempts:
                    seconds = max(record.begun_at - folded.queued[number], 0.0)
                    self._observe(folded.header.flow, tasks[number], seconds)
            return len(folded.nodes), [(node.id, since) for node in folded.nodes if node.is_flow]
