"""Which flow run made the results that a rerun reuses: logs of reruns have the ids of node runs only."""

from __future__ import annotations

from selinon_core.celery.reporting.run_reader import RunReader
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.migrations.versions import FlowVersions


class ReusedRuns:
    """Looks into the recorded runs of one store; each is read once."""

    def __init__(self, store: Store, flows: FlowVersions) -> None:
        self._store = store
        self._reader = RunReader(store, flows)

    def made_by(self, header: RunHeader, top: RunHeader, id: str) -> str | None:
        """The flow run that made the node run ``id``, which a rerun reuses; None: the run is not a rerun.

        ``header`` is that of the flow run that reuses it, ``top`` that of the run at the top. A rerun may reuse
        what another one reused; the answer is the first run then, or the last one that the store still knows.
        """
        of, made_by = header.rerun_of, top.rerun_of
        while of is not None:
            before = self._reused_by(of, id)
            if before is None:
                return made_by
            of = before.rerun_of
            made_by = self._top(before).rerun_of or of
        return made_by

    def _reused_by(self, id: str, node: str) -> RunHeader | None:
        """The header of a flow run that is a rerun and did not make the node run itself, but reused it."""
        if self._store.header(id) is None:
            return None
        with self._reader.reading(id) as folded:
            if folded is None or not folded.header.rerun:
                return None
            reused = any(run.id == node and run.status == "reused" for run in folded.nodes)
            return folded.header if reused else None

    def _top(self, header: RunHeader) -> RunHeader:
        fields = self._store.header(header.root) if header.root else None
        return header if fields is None else RunHeader.read(fields)
