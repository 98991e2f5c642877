"""The cache of replayed flow runs in a worker process, so that loading a run reads only new log batches."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from selinon_core.celery.execution.log_codec import decode_batch
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.message_builder import RunRef
from selinon_core.dispatch import FlowRun
from selinon_core.dispatch.codec import decode_event
from selinon_core.errors import MigrationError
from selinon_core.migrations.versions import FlowVersions, RunVersion
from selinon_core.plan import FlowPlan
from selinon_core.runtime.ids import id_maker


class CachedRun:
    """A flow run as of ``version``: its machine, and the header that it was first read with.

    ``run_version`` is the flow that it was last migrated to. Raises ``MigrationError`` when its initial definition
    is lost.
    """

    __slots__ = (
        "created",
        "evaluated_at",
        "evaluated_up_to",
        "header",
        "id",
        "idle_check_after",
        "inbox_threshold",
        "machine",
        "run_version",
        "skip_analysis",
        "version",
    )

    def __init__(self, id: str, header: RunHeader, flows: FlowVersions) -> None:
        if header.initial_definition is None:
            raise MigrationError(f"flow run {id} was never begun")
        self.id = id
        self.header = header
        self.run_version = version_in(header)
        definition = flows.definition(header.initial_definition)
        self.machine = FlowRun(definition.table, id_maker(id), definition.on_unreached, flows.definition)
        self.version = 0
        self.inbox_threshold = 0
        self.skip_analysis = 0
        self.idle_check_after: float | None = None
        self.evaluated_at = 0.0
        self.evaluated_up_to = 0  # the last node run that the sampling strategy was shown
        self.created = header.created

    @property
    def flow(self) -> FlowPlan:
        """The flow as this run has it now."""
        return self.machine.table.flow

    @property
    def ref(self) -> RunRef:
        """The fields of the run that messages carry."""
        header = self.header
        root = self.id if header.caller is None else header.root
        return RunRef(self.machine.table.flow, self.id, header.trace, header.result_locations, root, header.lane)

    @property
    def root(self) -> str:
        """The run at the top of this one; empty: an older worker started it, and did not say."""
        return self.id if self.header.caller is None else self.header.root

    def replay(self, batches: Sequence[str]) -> None:
        """Replay what other workers committed; they also performed its effects."""
        advance = self.machine.advance
        for batch in batches:
            for event in decode_batch(batch).events:
                advance(decode_event(event))
        self.version += len(batches)

    def is_last_open_node(self, number: int) -> bool:
        """Whether only the end of that node run can happen next in this flow run."""
        machine = self.machine
        return machine.incomplete == 1 and machine.run_of(number) is not None and not machine.questions.open


class RunCache:
    """The most recently advanced runs. One that was taken out belongs to the thread that took it."""

    def __init__(self, most: int) -> None:
        self._capacity = most
        self._lock = threading.Lock()
        self._runs: OrderedDict[str, CachedRun] = OrderedDict()

    def take(self, id: str) -> CachedRun | None:
        """Take a run out."""
        with self._lock:
            return self._runs.pop(id, None)

    def put(self, run: CachedRun) -> None:
        """Give it back, unless it is over."""
        if run.machine.ended and not run.machine.incomplete:
            return
        with self._lock:
            self._runs[run.id] = run
            while len(self._runs) > self._capacity:
                self._runs.popitem(last=False)


def version_in(header: RunHeader) -> RunVersion:
    """The flow that a run was last migrated to."""
    return RunVersion(header.migration, header.graph, header.definition)
