"""Which flow run made the results that a rerun reuses: logs of reruns have the ids of node runs only."""

from __future__ import annotations

from collections.abc import Iterable

from selinon_core.celery.reporting.run_reader import RunReader
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.dispatch import NodeRun
from selinon_core.migrations.versions import FlowVersions
from selinon_core.runtime.ids import id_maker


class ReusedRuns:
    """Looks into the recorded runs of one store; each is read once."""

    def __init__(self, store: Store, flows: FlowVersions) -> None:
        self._store = store
        self._reader = RunReader(store, flows)
        self._read: dict[str, tuple[RunHeader, frozenset[str]] | None] = {}

    def origins(self, id: str, header: RunHeader, nodes: Iterable[NodeRun]) -> dict[int, str | None]:
        """By the numbers of the node runs that a rerun reuses: the flow run that made each; None: it was given.

        ``header`` is that of the flow run ``id``, which the node runs are of. Empty for one that is not a rerun.
        """
        reused = [node for node in nodes if node.status == "reused"] if header.rerun else []
        if not reused:
            return {}
        top, own = self._top(header), id_maker(id)  # what was given has an id of its own
        return {
            node.number: None if node.id == own(node.number) else self.made_by(header, top, node.id)
            for node in reused
        }

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
        if id not in self._read:
            self._read[id] = self._reused(id)
        found = self._read[id]
        return found[0] if found is not None and node in found[1] else None

    def _reused(self, id: str) -> tuple[RunHeader, frozenset[str]] | None:
        """The header of a rerun, and the ids of the node runs that it reused; None for any other run."""
        if self._store.header(id) is None:
            return None
        with self._reader.reading(id) as folded:
            if folded is None or not folded.header.rerun:
                return None
            return folded.header, frozenset(run.id for run in folded.nodes if run.status == "reused")

    def _top(self, header: RunHeader) -> RunHeader:
        fields = self._store.header(header.root) if header.root else None
        return header if fields is None else RunHeader.read(fields)
