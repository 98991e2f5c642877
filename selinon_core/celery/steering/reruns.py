"""Runs ended flow runs again: says what a new run would reuse and what would run, and sends its start.

The start names the recorded run, the moment as of which it counts, and what was asked for. What follows from these
is worked out by the workers in the same way as here, so the preview is exact.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from selinon_core.celery.rerunning.stored_run import StoredRun
from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.steering.auditing import asker, record
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.broker_deadline import within
from selinon_core.celery.transport.message_limits import check_json
from selinon_core.celery.transport.publisher import OutgoingMessage
from selinon_core.diagnostics.wording import listed
from selinon_core.dispatch.references import shown
from selinon_core.errors import RequestError, ResultMissingError, StorageError, UnknownRunError
from selinon_core.rerunning.definitions import Definitions
from selinon_core.rerunning.preview import Preview
from selinon_core.rerunning.recorded import Recorded
from selinon_core.rerunning.request import RECORDED, Request
from selinon_core.runtime.ids import keyed_flow_id, random_flow_id
from selinon_core.runtime.trace.run_records import NodeRecord

#: So many of the node runs without results are named.
_SHOWN = 5


class Rerun(NamedTuple):
    """What a rerun of the flow run ``id`` does, as ``preview`` says; the run counts as it was ``at`` that time.

    ``version`` is the number of batches of its log.
    """

    id: str
    flow: str
    version: int
    at: float
    preview: Preview
    seen: StoredRun

    @property
    def args(self) -> Any:
        """The arguments of the new run."""
        return self.preview.args

    @property
    def missing(self) -> list[tuple[str, str]]:
        """Node runs that cannot be reused as their results are gone: the name of each, and why."""
        rows = self.preview.missing
        return [(self.seen.label(row), self.preview.why[row.run.id]) for row in rows]

    def to_json(self) -> dict[str, Any]:
        """What the start message and the header of the new run say of it."""
        request = self.preview.request
        asked = request.to_json() | ({"give": dict(request.give)} if request.give else {})
        return {"of": self.id, "origin": self.seen.origin or self.id, "at": self.at, **asked}


class Reruns:
    """Reruns of the flow runs of one ``Selinon``. Needs the state store, the storages and the broker."""

    def __init__(self, selinon: Owner) -> None:
        self._selinon = selinon

    def preview(self, id: str, request: Request) -> Rerun:
        """What a rerun would do; raises ``RequestError`` with the reason why it cannot be done.

        All results that would be reused are read, to see that they are there.
        """
        services = self._selinon.services
        version, at = self._ended(id)
        seen = StoredRun(services.store, services.flow_versions, id, at)
        seen.count_attempts()
        request = self._checked(seen, request)

        def why_missing(record: NodeRecord) -> str | None:
            return self._why_missing(seen, record)

        plan = services.plan
        definitions = Definitions(seen.definitions, plan)
        preview = Preview(Recorded(seen), plan, request, why_missing=why_missing, definitions=definitions)
        return Rerun(id, seen.header.flow, version, at, preview, seen)

    def _ended(self, id: str) -> tuple[int, float]:
        """The version of a run that ended, and as of when it counts."""
        store = self._selinon.services.store
        fields = store.header(id)
        if fields is None:
            raise UnknownRunError(
                f"there is no flow run {id}: its id is another one, or its state was removed since it ended"
            )
        header = RunHeader.read(fields)
        if header.caller is not None:
            top = header.root or header.caller.flow_id
            raise RequestError(
                f"flow run {id} is that of a sub-flow: run flow run {top} again, and select what is in "
                f"{header.flow} as {header.flow}/NAME"
            )
        if header.status == "running":
            raise RequestError(f"flow run {id} is {header.shown_status}: it can be run again when it has ended")
        return int(fields["version"]), max(store.clock(), header.updated)

    def _checked(self, seen: StoredRun, request: Request) -> Request:
        """The request with arguments as a run would get them.

        Raises ``RequestError``, ``SchemaMismatchError`` and ``ArgumentError`` for values that do not fit.
        """
        services, plan = self._selinon.services, self._selinon.services.plan
        for reference, value in request.give.items():
            task = plan.tasks.get(reference.rpartition("/")[2].partition("#")[0])
            if task is None:
                continue  # the preview says what is wrong
            if task.storage_readonly:
                raise RequestError(f"{reference} cannot be given a result: its storage is only read")
            if task.output_schema is not None:
                services.check_schema(task, value)
        if request.args is RECORDED:
            return request
        flow = seen.header.flow
        check_json(request.args, services.settings.selinon_max_message_bytes)
        if flow not in plan.flows:
            return request
        args = services.accept(plan.flows[flow], request.args)
        return request._replace(args=RECORDED if args == shown(seen.root.args) else args)

    def _why_missing(self, seen: StoredRun, record: NodeRecord) -> str | None:
        run = record.run
        if run.is_flow:
            return "the state of its flow run was removed" if seen.lacks_log(record) else None
        task = self._selinon.services.plan.tasks.get(run.name)
        if task is None:
            return "its task is not in the files any more"
        if task.storage is None or task.storage_readonly:
            return None
        try:
            self._selinon.services.storages.retrieve(record.flow_run.flow.name, run.name, run.id)
        except ResultMissingError:
            return f"storage {task.storage} does not have its result any more"
        except StorageError as error:
            raise RequestError(f"it is not known which results can be reused: {error}") from error
        return None

    def rerun(
        self, id: str, request: Request, by: str | None = None, *, timeout: float | None = 10.0
    ) -> tuple[Rerun, str]:
        """Ask for a rerun; returns what it does, and the id of the new run. Raises as ``preview`` and ``send``."""
        planned = self.preview(id, request)
        return planned, self.send(planned, by, timeout=timeout)

    def send(
        self, planned: Rerun, by: str | None = None, *, once: bool = False, timeout: float | None = 10.0
    ) -> str:
        """Ask for a rerun that was looked at; returns the id of the new run.

        Raises ``RequestError`` for one that would do nothing or lacks results, and as ``Selinon.run_flow`` for the
        broker. ``by`` says who asks, for the audit. ``once``: as ``message``.
        """
        services, pending = self._selinon.services, self._selinon.pending_starts
        message = self.message(planned, by, once=once)
        record(services.store, "rerun", planned.id, by, new=message.task_id)
        note = pending.note(message) if pending.enabled else None
        within(timeout, lambda: services.publisher.send([message], note), f"the rerun of {planned.id}")
        return message.task_id

    def message(self, planned: Rerun, by: str | None = None, *, once: bool = False) -> OutgoingMessage:
        """The start message of a rerun; raises ``RequestError`` as ``send``.

        ``once``: the id of the new run follows from what is asked for, so the second start does nothing. It is
        refused while there is the run of the first one.
        """
        self.require_possible(planned)
        services, asked = self._selinon.services, planned.to_json()
        id = self.id_once(planned) if once else random_flow_id()
        asked |= {"by": asker(by)}
        most = services.settings.selinon_max_message_bytes
        check_json({"args": planned.args, "rerun": asked}, most, "arguments and given results")
        selective, trace = planned.seen.root.selective, services.spans.current()
        selected = None if selective is None else selective.to_json()
        lane = planned.seen.header.lane
        about = (planned.flow, id, planned.args, selected, trace)
        known = lane if lane in services.plan.settings.lanes else None
        return services.messages.of_request(*about, rerun=asked, lane=known)

    def id_once(self, planned: Rerun) -> str:
        """The id of the one new run that is started for what is asked of this state of the run.

        Raises ``RequestError`` if there is that run.
        """
        asked = json.dumps({**planned.to_json(), "at": planned.version}, sort_keys=True)
        id = keyed_flow_id(planned.flow, f"rerun {asked}")
        if self._selinon.services.store.header(id) is not None:
            raise RequestError(f"flow run {planned.id} was run again already, as flow run {id}")
        return id

    def require_possible(self, planned: Rerun) -> None:
        """Raise ``RequestError`` for a rerun that would do nothing, or lacks results."""
        missing = planned.missing
        if missing:
            names = listed([name for name, _ in missing[:_SHOWN]])
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            raise RequestError(f"{names}{more} cannot be reused: {missing[0][1]}; select them, or give results")
        if planned.preview.does_nothing:
            raise RequestError(f"nothing of flow run {planned.id} is to run again: select what is to")
