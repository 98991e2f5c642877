"""Takes the places of tasks with a limit for attempts, and gives them back (``stores/limits.py``).

A message whose task has no place is dropped: its node run counts as not begun, and has a timer by which its
message is sent again. Who gives a place back makes that timer due, and wakes a dispatcher. The timer is due by
itself too, much later: so a node run does not wait for ever where a worker died in between.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from typing import Any

from selinon_core.celery.services import WorkerServices
from selinon_core.celery.stores.limits import LimitPlace, holder_of, read_holder
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.message_schema import NodeMessage
from selinon_core.celery.transport.publisher import OutgoingMessage, waiting_priority
from selinon_core.errors import (
    ArgumentError,
    ResultMissingError,
    StateStoreError,
    StorageError,
    UserFunctionError,
)
from selinon_core.plan import TaskPlan
from selinon_core.runtime.results import Asking, ReferredResults
from selinon_core.runtime.scope import Scope
from selinon_core.runtime.task_runner import Attempt, Failed

_log = logging.getLogger("selinon")

#: Seconds after which the message of a node run that waits is sent again anyway, and at most so many more.
LOOK_AGAIN = 600.0
_SPREAD = 300.0


class TaskPlaces:
    """The places of the tasks of one plan."""

    def __init__(self, services: WorkerServices) -> None:
        self._services = services

    def attempt(
        self, message: NodeMessage, task: TaskPlan, task_id: str, run: Callable[[], Attempt]
    ) -> Attempt | None:
        """Run an attempt that has its place; None: there is none, and the node run waits.

        Raises ``StateStoreError`` when the store stays away.
        """
        services = self._services
        assert task.limit is not None
        try:
            key = self._key(task, message)
        except ArgumentError as error:
            return Failed(error)
        most, limits = task.limit.max, services.store.task_limits
        place = self._place(message, task, key)
        placed = services.retry_while_unavailable(lambda: limits.claim(place, most, place.at))
        self._wake(placed.granted)
        if not placed.holds:
            self._wait(message, task_id, place, most)
            return None
        try:
            return run()
        finally:
            self._give_back(place)

    def free(self, message: NodeMessage) -> None:
        """The process was killed that ran an attempt: give back its place."""
        holder = holder_of(message.id, message.number)
        found = self._services.store.task_limits.of([holder]).get(holder)
        if found is not None:
            self._give_back(found[0])

    def _key(self, task: TaskPlan, message: NodeMessage) -> str:
        """The key of the limit, over the arguments of the node run.

        Raises ``ArgumentError`` where it cannot be worked out, ``StateStoreError`` while arguments that are stored
        cannot be read.
        """
        services = self._services
        assert task.limit is not None
        flow, args = services.plan.flows[message.flow], None
        if not isinstance(task.limit.key.value, str):
            try:
                args = ReferredResults(services.storages).decoded(message.given)
            except (ResultMissingError, UserFunctionError) as error:
                raise ArgumentError(str(error)) from error
            except StorageError as error:
                raise StateStoreError(f"the arguments of task {task.name} cannot be read: {error}") from error
        reader: Any = ReferredResults(services.storages)  # the key names no node runs
        scope = Scope(Asking(flow, message.id, 1, {}), reader, services.plan.settings.environment, (), args)
        return services.limit_keys.of(task, scope)

    def _place(self, message: NodeMessage, task: TaskPlan, key: str) -> LimitPlace:
        services = self._services
        queue = services.messages.queue(message.flow, message.lane)
        priority = waiting_priority(services.plan.settings.lanes, message.lane)
        return LimitPlace(key, holder_of(message.id, message.number), task.name, queue, priority, services.clock())

    def _wait(self, message: NodeMessage, task_id: str, place: LimitPlace, most: int) -> None:
        """The node run waits: its message is sent when it has a place."""
        services = self._services
        missed = services.settings.selinon_resend_after
        pause = LOOK_AGAIN + random.uniform(0, _SPREAD)  # noqa: S311  (spreads load, hides nothing)
        delivery = services.retry_while_unavailable(
            lambda: services.store.retry(
                message.id, message.number, message.delivery, False, pause, 0.0, services.clock(), attempted=False
            )
        )
        if delivery is None:
            return
        node = {"node_name": message.task, "node_id": task_id, "key": place.key, "max": most}
        services.tracer.emit("LIMIT_WAIT", {"flow_name": message.flow, "dispatcher_id": message.id, **node})
        _log.info("%s (%s) waits: %d have the key %r of its limit", message.task, task_id, most, place.key)
        holds = services.store.task_limits.holds
        if services.retry_while_unavailable(lambda: holds(place.key, place.run)):
            # It was granted one before it had its timer: the next message is due now, and missed soon.
            due = services.retry_while_unavailable(
                lambda: services.store.retry(
                    message.id, message.number, delivery, False, 0.0, missed, services.clock(), attempted=False
                )
            )
            if due is not None:
                services.relay.send_safely([services.messages.of_message(message, task_id, due)])

    def _give_back(self, place: LimitPlace) -> None:
        services = self._services
        try:
            self._wake(services.store.task_limits.give_back(place, services.clock()))
        except StateStoreError as error:  # the upkeep gives it back
            _log.warning("%s; the place of a task under the key %r is given back later", error, place.key)

    def _wake(self, granted: Sequence[LimitPlace]) -> None:
        if granted:
            self._services.relay.send_safely(wakes_of(self._services, granted))


def wakes_of(services: WorkerServices, granted: Sequence[LimitPlace]) -> list[OutgoingMessage]:
    """The messages that have those node runs executed which were granted places: one for each flow run."""
    wakes = []
    for flow_id in dict.fromkeys(read_holder(place.run)[0] for place in granted):
        fields = services.store.header(flow_id)
        if fields is not None:
            header = RunHeader.read(fields)
            wakes.append(services.messages.wake(header.flow, flow_id, header.queue, lane=header.lane))
    return wakes
