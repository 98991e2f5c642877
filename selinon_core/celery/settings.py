"""The ``selinon_*`` settings of the Celery configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from selinon_core.errors import ConfigurationError


class AdapterSettings(NamedTuple):
    """The settings, with their defaults; times are seconds.

    The comment above a field is its row in docs/production/settings.md: what it is, then when to change it.
    """

    #: The URL of the state store (default: the result backend). | Flow runs should live elsewhere.
    selinon_state_url: str | None = None
    #: The beginning of names of keys and tables (default `selinon:` and `selinon_`). | Two deployments share a
    #: database.
    selinon_state_prefix: str | None = None
    #: How long the store keeps a finished run. | Finished runs are needed for longer, or fill the store.
    selinon_state_ttl: float = 7 * 86400.0
    #: How long the run of a worker that died while it decided stays locked. | Workers pause for longer than
    #: that (a suspended virtual machine): more.
    selinon_lease: float = 4.0
    #: After how many deliveries without an end a node run counts as failed (`WorkerKilled`). | Tasks that kill
    #: their worker should fail sooner, or machines die often.
    selinon_max_deliveries: int = 5
    #: How long a worker executes what follows inline before it takes the next message. | Other messages wait
    #: too long behind one flow: less.
    selinon_inline_seconds: float = 1.0
    #: How many node runs a worker executes inline. | 0: every node goes through the broker, which is fairer
    #: among flows and slower.
    selinon_inline_count: int = 1000
    #: How much work, by the times this process saw, one message may hold. | Short tasks should be spread more
    #: finely over many workers: less.
    selinon_batch_seconds: float = 0.02
    #: How many node runs one message may hold. | 1: every node run has a message of its own, and Flower shows
    #: each.
    selinon_batch_count: int = 32
    #: After how long in an idle run a message that did not arrive is sent again, then after twice that, and so
    #: on. | Messages get lost often: less. Queues are long: more.
    selinon_resend_after: float = 10.0
    #: After how long without a heartbeat another worker gets a node run. | A task whose worker and message are
    #: both gone should run again sooner.
    selinon_heartbeat_timeout: float = 60.0
    #: An idle run is checked every max(`sampling`, this). | Many runs are idle for days: more.
    selinon_idle_check_interval: float = 60.0
    #: How often a worker looks for runs with due work. | Retries, throttling and deadlines may be later than
    #: that: more.
    selinon_sweep_interval: float = 0.5
    #: The largest message (its arguments as JSON text, in bytes) that is sent or accepted. | Arguments are
    #: larger; better: store them and send an id.
    selinon_max_message_bytes: int = 1 << 20
    #: How often one decision may be deferred because a storage cannot be read (default: no limit). | A decision
    #: should fail after so many attempts.
    selinon_max_deferrals: int | None = None
    #: How many flow runs a worker process keeps in memory. | Flows have many thousand nodes: less.
    selinon_run_cache_size: int = 512
    #: How long a worker waits for an unreachable store before it gives its message back. | Outages of the store
    #: are longer, and giving back costs too much: more.
    selinon_store_retry_timeout: float = 60.0

    @classmethod
    def of(cls, conf: Mapping[str, Any]) -> AdapterSettings:
        """Read them; raises ``ConfigurationError`` for one that is not of its type."""
        values: dict[str, Any] = {}
        for name, default in cls._field_defaults.items():
            value = conf.get(name)
            if value is None:
                continue
            if isinstance(default, int | float) or name == "selinon_max_deferrals":
                try:
                    value = type(default)(value) if isinstance(default, int | float) else int(value)
                except (TypeError, ValueError):
                    raise ConfigurationError(f"{name} is {value!r}, which is not a number") from None
            values[name] = value
        return cls(**values)


def state_url(settings: AdapterSettings, result_backend: str | None) -> str:
    """Where flow runs are kept: the setting, else the result backend if it can serve.

    Raises ``ConfigurationError`` when neither is set; whether the URL can serve is for ``open_store`` to say.
    """
    url = settings.selinon_state_url or result_backend
    if not url or url == "disabled":
        raise ConfigurationError(
            "there is no place to keep flow runs: set result_backend or selinon_state_url in the Celery "
            "configuration to a Redis or SQL database"
        )
    return url
