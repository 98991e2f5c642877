"""Gives tasks of flow runs what they wait for: finds the task, checks the value, sends the message.

The worker that takes the message looks at the run again: between the two another signal may have come first.
"""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from typing import Any, NamedTuple

from selinon_core.celery.execution.early_signals import EarlySignal, TooManyEarly, kept
from selinon_core.celery.execution.wait_endings import is_wait, open_waits
from selinon_core.celery.reporting.run_reader import FoldedRun, RunReader
from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.steering.auditing import asker, record
from selinon_core.celery.stores.index import RunQuery
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.stores.waits import WaitQuery, WaitRow
from selinon_core.celery.transport.broker_deadline import within
from selinon_core.celery.transport.message_limits import MAX_DEPTH, is_too_deep
from selinon_core.celery.transport.message_schema import SignalMessage
from selinon_core.diagnostics.wording import hint
from selinon_core.dispatch import NodeRun
from selinon_core.errors import RequestError, SchemaMismatchError, UnknownRunError
from selinon_core.plan.started import nodes_of
from selinon_core.runtime.json_values import copy_json, describe_json_error
from selinon_core.runtime.signals import MAX_REASON

#: The most characters of who gives a signal, and the most bytes of its value.
MAX_VALUE = 64 * 1024
#: Rows of waits that are read at once.
_PAGE = 1000


class Signalled(NamedTuple):
    """A signal. ``number`` and ``node_id`` of an early one are 0 and empty."""

    id: str
    flow: str
    node: str
    number: int
    node_id: str
    #: How many batches the log of the run has.
    version: int = 0
    value: Any = None
    #: Why the task fails; None: it gets the value.
    reject: str | None = None


class Signals:
    """Signals for the flow runs of one ``Selinon``. Needs the state store and the broker."""

    def __init__(self, selinon: Owner) -> None:
        self._selinon = selinon
        services = selinon.services
        self._plan = services.plan
        self._store = services.store
        self._check = services.check_schema.signal
        self._reader = RunReader(services.store, services.flow_versions)

    def run_of_key(self, key: str) -> str:
        """The id of the flow run that was started with a key; raises ``RequestError`` for none and for several."""
        rows = self._store.index.find(RunQuery(key=key), None, 10).rows
        if not rows:
            raise UnknownRunError(f'no flow run was started with the key "{key}", or no worker has begun it')
        if len(rows) > 1:
            listed = ", ".join(f"{row.id} of {row.flow}" for row in rows)
            raise RequestError(f'several flow runs have the key "{key}": {listed}: name one of them')
        return rows[0].id

    def signal(
        self,
        id: str,
        node: str,
        value: Any = None,
        *,
        reject: str | None = None,
        by: str | None = None,
        early: bool = False,
        timeout: float | None = 10.0,
    ) -> Signalled:
        """Give a task that waits its result, or with ``reject`` the reason why it fails.

        ``node`` is the name of the task, in the flow run or in a sub-flow below it, or the id of the node run.
        Where several node runs of one name wait, the id is needed. ``early``: if none waits yet, the signal is
        kept for the first of that name. ``by`` says who gives it, None: this user. Raises ``RequestError`` with
        the reason when nothing waits or the value does not fit the task's ``output_schema``, and as
        ``Selinon.run_flow`` for the broker.
        """
        planned = self.preview(id, node, value, reject=reject, early=early)
        self.send(planned, by, timeout=timeout)
        return planned

    def preview(
        self, id: str, node: str, value: Any = None, *, reject: str | None = None, early: bool = False
    ) -> Signalled:
        """What ``signal`` would send; raises ``RequestError`` with the reason why it would have no effect."""
        if reject is not None and not reject.strip():  # an empty variable of a script, for instance
            raise RequestError("a rejection says why: its reason is empty")
        found = self._found(id, node, early)
        if reject is not None:
            return found._replace(value=None, reject=reject[:MAX_REASON])
        return found._replace(value=self._fitted(found.node, value))

    def send(self, planned: Signalled, by: str | None = None, *, timeout: float | None = 10.0) -> None:
        """Send a signal that was looked at; the worker refuses it when another one came first."""
        services = self._selinon.services
        by = asker(by)
        is_early = not planned.number
        record(
            services.store,
            "signal",
            planned.id,
            by,
            node=planned.node,
            rejected=planned.reject is not None,
            early=is_early,
        )
        about = (planned.flow, planned.id, planned.node, planned.number)
        message = SignalMessage(*about, planned.value, planned.reject, by, is_early)
        outgoing = services.messages.signal(message, services.messages.queue(planned.flow))
        what = f"the signal for {planned.node} of {planned.id}"
        within(timeout, lambda: services.publisher.send([outgoing]), what)

    def _fitted(self, name: str, value: Any) -> Any:
        task = self._plan.tasks[name]
        try:
            value = copy_json(value)
        except (TypeError, ValueError, RecursionError):
            raise RequestError(
                f"the signal for {name} is not a JSON value: {describe_json_error(value)}"
            ) from None
        text = json.dumps(value)
        if len(text) > MAX_VALUE or is_too_deep(value, text, MAX_DEPTH):
            raise RequestError(
                f"the signal for {name} is too large: at most {MAX_VALUE} bytes of JSON, {MAX_DEPTH} levels deep "
                "(store the value, and give its id)"
            )
        try:
            self._check(task, value)
        except SchemaMismatchError as error:
            raise RequestError(str(error)) from None
        return value

    def _found(self, id: str, node: str, early: bool) -> Signalled:
        """What a signal is for; raises ``RequestError``."""
        with self._reader.reading(id) as folded:
            if folded is None:
                raise UnknownRunError(f"there is no flow run {id}, or no worker has begun it")
            header, version = folded.header, folded.version
            if header.status != "running":
                raise RequestError(f"flow run {id} has ended ({header.status}): nothing of it waits")
            if folded.run is None:
                raise RequestError(f"flow run {id} cannot be read: {folded.problem or 'it never began'}")
            here = self._waiting(folded)
            known = nodes_of(folded.run.flow)
            active = {run.number for run in folded.run.machine.active}
            ended = [run for run in folded.nodes if run.status != "active" and node in (run.name, run.id)]
        found = [run for run in here if node in (run.name, run.id)]
        if len(found) > 1:
            raise RequestError(self._several(id, node, [run.id for run in found]))
        if found:
            run = found[0]
            if self._is_done(id, run.number):
                raise RequestError(f"{run.name} of flow run {id} has its end already: the first signal counts")
            return Signalled(id, header.flow, run.name, run.number, run.id, version)
        below = self._below(id, header, node)
        if len(below) > 1:
            raise RequestError(self._several(id, node, [row.id for row in below]))
        if below:
            row = below[0]
            return Signalled(row.run, row.flow, row.node, row.number, row.id, version)
        if early and is_wait(self._plan.tasks.get(node)) and node in known:
            self._check_room(id, header, active)
            return Signalled(id, header.flow, node, 0, "", version)
        if ended:
            state = {"success": "succeeded", "failure": "failed"}.get(ended[-1].status, ended[-1].status)
            raise RequestError(f"{node} of flow run {id} is not waiting: it has {state}")
        if node in known:
            more = "" if early else " (an early signal is kept until it does: --early)"
            if is_wait(self._plan.tasks.get(node)):
                raise RequestError(f"{node} of flow run {id} is not waiting yet{more}")
            raise RequestError(f"{node} is not a task that waits for signals")
        names = [run.name for run in here] or [name for name in known if is_wait(self._plan.tasks.get(name))]
        raise RequestError(f'no task "{node}" waits in flow run {id}{hint(node, dict.fromkeys(names))}')

    @staticmethod
    def _check_room(id: str, header: RunHeader, active: Container[int]) -> None:
        """Raise ``RequestError`` when a run keeps as many early signals as it may, whatever their values."""
        try:
            kept(header.early, EarlySignal("", None, None, None), active)
        except TooManyEarly as error:
            raise RequestError(f"flow run {id} cannot keep the signal: {error}") from None

    def _waiting(self, folded: FoldedRun) -> list[NodeRun]:
        assert folded.run is not None
        return open_waits(self._plan, folded.run.machine)

    def _is_done(self, id: str, number: int) -> bool:
        record = self._store.records(id, [number]).get(number)
        return record is not None and record.done

    def _below(self, id: str, header: RunHeader, node: str) -> list[WaitRow]:
        """The tasks of that name or id that wait in the sub-flows below a run."""
        query, cursor = WaitQuery(root=header.root or id), None
        found: list[WaitRow] = []
        while True:
            page = self._store.waits.find(query, cursor, _PAGE)
            found += [row for row in page.rows if row.run != id and node in (row.node, row.id)]
            cursor = page.next
            if cursor is None:
                break
        # The rows are those of the whole run at the top: sub-flows beside this one are in it, too.
        return found if header.caller is None else [row for row in found if self._is_below(row.run, id)]

    def _is_below(self, run: str, id: str) -> bool:
        while run != id:
            fields = self._store.header(run)
            caller = None if fields is None else RunHeader.read(fields).caller
            if caller is None:
                return False
            run = caller.flow_id
        return True

    def _several(self, id: str, node: str, ids: Sequence[str]) -> str:
        listed = ", ".join(list(ids)[:5]) + (", ..." if len(ids) > 5 else "")
        return f"{len(ids)} runs of {node} wait in flow run {id}: name one by its id: {listed}"
