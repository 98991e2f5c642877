"""Pauses flow runs and lets them go on: refuses with the reason, and sends the message.

The message names the number of the pause as the run has it, so it counts once, however often it is sent.
"""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.steering.auditing import asker, record
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.broker_deadline import within
from selinon_core.diagnostics.wording import suggestion
from selinon_core.errors import RequestError, UnknownFlowError, UnknownRunError


class Pause(NamedTuple):
    """What a request to pause or resume does."""

    id: str
    flow: str
    queue: str
    #: The number of the pause that the request makes, odd to pause and even to resume; 0: the run is as asked for
    #: already, and nothing is sent.
    number: int
    #: How many batches the log of the run has.
    version: int = 0


class Pausing:
    """Acts on the flow runs of one ``Selinon``. Needs the state store and the broker."""

    def __init__(self, selinon: Owner) -> None:
        self._selinon = selinon

    def preview(self, id: str, pauses: bool, flow: str | None = None) -> Pause:
        """What a request would do; raises ``RequestError`` with the reason why it cannot be done.

        ``flow`` is that of a run that no worker has begun. Without it such a run is not known.
        """
        verb = "paused" if pauses else "resumed"
        fields = self._selinon.services.store.header(id)
        if fields is None:
            if flow is None:
                raise UnknownRunError(f"there is no flow run {id}, or no worker has begun it")
            if not pauses:
                raise RequestError(f"flow run {id} has not begun, and was not paused")
            return Pause(id, flow, self._selinon.services.messages.queue(flow), 1)
        header = RunHeader.read(fields)
        if header.status != "running":
            ended = {"success": "succeeded", "failure": "failed", "cancelled": "was cancelled"}
            what = ended.get(header.status, header.status)
            raise RequestError(f"flow run {id} {what}: it cannot be {verb}")
        if header.caller is not None:
            above = header.root or header.caller.flow_id
            raise RequestError(f"flow run {id} is that of a sub-flow: what is {verb} is flow run {above}")
        number = header.paused + 1 if header.is_paused != pauses else 0
        return Pause(id, header.flow, header.queue, number, int(fields["version"]))

    def ask(
        self,
        id: str,
        pauses: bool,
        by: str | None = None,
        flow: str | None = None,
        *,
        timeout: float | None = 10.0,
    ) -> bool:
        """Ask for a pause of a flow run, or for a paused one to go on; False: it is as asked for already.

        While it is paused nothing of it and of its sub-flows starts; tasks that run end. ``flow`` is that of a run
        that no worker has begun, ``by`` says who asks. Raises ``UnknownFlowError`` for an unknown flow,
        ``RequestError`` with the reason when the run has ended, is not known or is that of a sub-flow, and as
        ``Selinon.run_flow`` for the broker.
        """
        if flow is not None and flow not in self._selinon.plan.flows:
            raise UnknownFlowError(f'no flow is named "{flow}"{suggestion(flow, self._selinon.plan.flows)}')
        planned = self.preview(id, pauses, flow)
        self.send(planned, by, timeout=timeout)
        return bool(planned.number)

    def send(self, planned: Pause, by: str | None = None, *, timeout: float | None = 10.0) -> None:
        """Ask for what was looked at; nothing happens when the run was paused or resumed since then.

        ``by`` says who asks, None: this user.
        """
        if not planned.number:
            return
        services = self._selinon.services
        verb = "pause" if planned.number % 2 == 1 else "resume"
        by = asker(by) if by else None
        record(services.store, verb, planned.id, by)
        message = services.messages.pause(planned.flow, planned.id, planned.number, by, planned.queue)
        within(timeout, lambda: services.publisher.send([message]), f"the request to {verb} {planned.id}")
