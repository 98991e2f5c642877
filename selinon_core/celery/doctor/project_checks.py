"""Checks that need no server of Celery: versions, settings that lose runs, storages."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from selinon_core.celery.doctor.finding import FAILED, OK, WARNING, Check, Finding
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.transport.celery_defaults import REFRESH_EVERY, check_accepts_json, is_redis
from selinon_core.celery.transport.message_builder import MessageBuilder
from selinon_core.celery.worker.bootsteps import private_storages, queues_that_drop
from selinon_core.diagnostics.wording import suggestion
from selinon_core.version import __version__

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon

#: A longer visibility timeout leaves the messages of a dead worker alone for that long.
_LONG = 3600.0


def project_checks(selinon: Selinon) -> Iterator[Check]:
    """The checks, in their order."""
    yield Check("app", lambda: _app(selinon))
    yield Check("settings", lambda: _settings(selinon), "correct the Celery configuration")
    for name in sorted(selinon.plan.storages):
        remedy = "see its configuration in the YAML files, the variables that it names, and its server"
        yield Check(f"storage {name}", lambda name=name: _storage(selinon, name), remedy)  # type: ignore[misc]


def _app(selinon: Selinon) -> Iterator[Finding]:
    import celery

    plan = selinon.plan
    numbers = ", ".join(
        f"{len(some)} {word if len(some) == 1 else word + 's'}"
        for some, word in ((plan.flows, "flow"), (plan.tasks, "task"), (plan.storages, "storage"))
    )
    versions = f"selinon {__version__}, Celery {celery.__version__}, Python {platform.python_version()}"
    yield Finding("app", OK, f"{selinon.app.main or 'without a name'}: {numbers}; {versions}")


def _settings(selinon: Selinon) -> Iterator[Finding]:
    conf = selinon.app.conf
    AdapterSettings.of(conf)  # raises for a value of a wrong type
    check_accepts_json(conf)
    found = [*_unknown(selinon), *_losing(selinon), *_unranked(selinon)]
    yield from found or [Finding("settings", OK, "none of them loses flow runs")]


def _unknown(selinon: Selinon) -> Iterator[Finding]:
    known = AdapterSettings._fields
    for name in sorted(str(key) for key in selinon.app.conf):
        if name.startswith("selinon_") and name not in known:
            near = suggestion(name, known).lstrip("; ")
            yield Finding("settings", WARNING, f"{name} is not a setting, and has no effect", near)


def _losing(selinon: Selinon) -> Iterator[Finding]:
    conf = selinon.app.conf
    if is_redis(conf.broker_url):
        timeout = float((conf.broker_transport_options or {}).get("visibility_timeout", 3600))
        if timeout < 2 * REFRESH_EVERY:
            yield Finding(
                "settings",
                FAILED,
                f"visibility_timeout is {timeout:g} s: Redis gives messages to another worker while they are "
                "worked on",
                "leave visibility_timeout out of broker_transport_options",
            )
        elif timeout > _LONG:
            yield Finding(
                "settings",
                WARNING,
                f"visibility_timeout is {timeout:g} s: for so long the messages of a dead worker stay with it",
                "leave visibility_timeout out of broker_transport_options: workers extend it for what they hold",
            )
    for queue in queues_that_drop(selinon.app):
        yield Finding(
            "settings",
            WARNING,
            f"the quorum queue {queue!r} has no dead-letter exchange: RabbitMQ 4 drops a message whose workers "
            "died 20 times",
            "set x-dead-letter-exchange, or x-delivery-limit to -1",
        )
    for name in private_storages(selinon.plan):
        yield Finding(
            "settings",
            WARNING,
            f'storage "{name}" keeps results in the memory of one process: other processes do not find them',
            "name one that processes share (files, Redis, SQL, ...)",
        )


def _unranked(selinon: Selinon) -> Iterator[Finding]:
    """On RabbitMQ, queues in which the priorities of lanes change nothing."""
    app, plan = selinon.app, selinon.plan
    if not any(lane.priority is not None for lane in plan.settings.lanes.values()):
        return
    if str(app.conf.broker_url or "").partition("://")[0] not in ("amqp", "amqps", "pyamqp"):
        return
    builder = MessageBuilder(plan, app.conf.task_default_queue)
    queues = (app.amqp.queues[name] for name in builder.queues((*plan.flows, *plan.tasks)))
    unranked = [queue.name for queue in queues if not _has_priorities(queue)]
    if unranked:
        yield Finding(
            "settings",
            WARNING,
            f"lanes have priorities, and the queues have none: {', '.join(unranked)}",
            "set task_queue_max_priority = 9, and delete the queues once, when they are empty",
        )


def _has_priorities(queue: Any) -> bool:
    arguments = queue.queue_arguments or {}
    return bool(queue.max_priority or arguments.get("x-max-priority") or arguments.get("x-queue-type") == "quorum")


def _storage(selinon: Selinon, name: str) -> Iterator[Finding]:
    from selinon_core.runtime.imports import Imports
    from selinon_core.runtime.storages import Storages

    storages = Storages(selinon.plan, Imports(selinon.pythonpath), lambda event, details: None)
    try:
        storage = storages.connected(name)
        yield Finding(f"storage {name}", OK, f"connected ({type(storage).__name__})")
    finally:
        storages.close()
