"""Settings of Celery without which node runs get lost (late acknowledgement, ...), unless the user sets them."""

from __future__ import annotations

import re
from typing import Any

from selinon_core.errors import ConfigurationError

CONFIGURATION: dict[str, Any] = {
    # Running tasks are redelivered when their worker dies, and a worker prefetches no further messages.
    "worker_prefetch_multiplier": 1,
    "task_track_started": False,
    "broker_connection_retry_on_startup": True,
    "accept_content": ["json"],
    "task_serializer": "json",
    "result_serializer": "json",
    # As long as the state store keeps finished runs (selinon_state_ttl).
    "result_expires": 7 * 86400,
}

#: Redis redelivers the messages of a dead worker after this many seconds ...
VISIBILITY_TIMEOUT = 6
#: ... because live workers extend the visibility of theirs this often (``worker.bootsteps``).
REFRESH_EVERY = 1.5

_REDIS = {
    "visibility_timeout": VISIBILITY_TIMEOUT,
    # A connection whose other end is gone without a word is given up: kombu would wait for ever.
    "socket_timeout": 30,
    "socket_keepalive": True,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    # Keys of our own: workers of other apps on the same database redeliver after another time.
    "unacked_key": "selinon.unacked",
    "unacked_index_key": "selinon.unacked_index",
    "unacked_mutex_key": "selinon.unacked_mutex",
    "unacked_mutex_expire": 5,
}


def is_redis(url: str | None) -> bool:
    """Whether a broker URL is of Redis or Valkey."""
    return bool(url) and str(url).partition("://")[0] in ("redis", "rediss", "redis+socket", "sentinel")


def check_accepts_json(conf: Any) -> None:
    """Raise ``ConfigurationError`` for workers that would throw our messages away."""
    if not {"json", "application/json"} & set(conf.accept_content):
        raise ConfigurationError(
            'messages of flows are JSON: add "json" to accept_content in the Celery configuration'
        )


def check_result_backend(app: Any) -> None:
    """Raise ``ConfigurationError`` for a result backend that Celery cannot make: its libraries raise anything."""
    try:
        app.backend  # noqa: B018  (makes it, and connects to nothing)
    except Exception as error:
        why = " ".join(str(error.args[0] if error.args else type(error).__name__).split())
        # The libraries' reasons quote the URL, too, which may have a password.
        problem = re.sub(
            r"//\S*@", "//**@", f"result_backend {str(app.conf.result_backend)!r} cannot be used: {why}"
        )
        raise ConfigurationError(
            f"{problem}: correct it, as redis://HOST:PORT/DATABASE or "
            "db+postgresql://USER:PASSWORD@HOST/DATABASE, or leave it out (handle.result() asks the state store)"
        ) from None


def improve_transport(sender: Any = None, **_: Any) -> None:
    """Fill in the transport's options when an app is configured: recovery within seconds, not hours."""
    conf = sender.conf
    if is_redis(conf.broker_url):
        given = dict(conf.broker_transport_options or {})
        if "visibility_timeout" not in given:
            conf.broker_transport_options = {**_REDIS, **given}
