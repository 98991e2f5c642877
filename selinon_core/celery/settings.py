"""The ``selinon_*`` settings of the Celery configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from selinon_core.errors import ConfigurationError

#: Celery's settings of a backend in Redis that the store's client has too, with Celery's defaults.
_CLIENT_SETTINGS = {"socket_timeout": 120.0, "socket_connect_timeout": None, "socket_keepalive": False}


class AdapterSettings(NamedTuple):
    """The settings, with their defaults; times are seconds.

    The comment above a field is its row in docs/production/settings.md: what it is, then when to change it.
    """

    #: The URL of the state store (default: the result backend). | Flow runs should live elsewhere.
    selinon_state_url: str | None = None
    #: Options of the store's client, a mapping: keywords of redis-py's client or of SQLAlchemy's `create_engine`
    #: (default: those of the result backend). | TLS, time-outs, Sentinel, size of the pool, PgBouncer.
    selinon_state_options: Mapping[str, Any] | None = None
    #: The beginning of names of keys and tables (default `selinon:` and `selinon_`). | Two deployments share a
    #: database.
    selinon_state_prefix: str | None = None
    #: How long the store keeps a finished run. | Finished runs are needed for longer, or fill the store.
    selinon_state_ttl: float = 7 * 86400.0
    #: How long the index of runs (`selinon runs`) lists a finished run, also when its state is gone. | Runs should
    #: be found for longer, or the index fills the store.
    selinon_index_ttl: float = 90 * 86400.0
    #: Whether the index lists runs of sub-flows too. | Sub-flows should be found by themselves, not through
    #: their parents.
    selinon_index_subflows: bool = False
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
    #: How much work, by the times this process saw, one message may hold, or one round of tasks of several flow
    #: runs. | Short tasks should be spread more finely over many workers: less.
    selinon_batch_seconds: float = 0.02
    #: How many node runs, or starts of flow runs, one message may hold. | 1: every node run and every start has a
    #: message of its own, and Flower shows each.
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
    #: How many of the node runs that one step starts keep their place in the queues; the others come behind the
    #: messages of other flow runs. On Redis, and on RabbitMQ in queues with priorities. | Large flows should not
    #: let small ones pass: more.
    selinon_front_count: int = 16
    #: The largest message (its arguments as JSON text, in bytes) that is sent or accepted. | Arguments are
    #: larger; better: store them and send an id.
    selinon_max_message_bytes: int = 1 << 20
    #: The most that `args` of an edge or a fallback, or an `output`, may be (as JSON text, in bytes), values that
    #: stay where they are stored apart. | Computed arguments are larger; better: store them and pass what names
    #: them.
    selinon_max_args_bytes: int = 256 * 1024
    #: Whether the log keeps what the expressions of conditions read, at most 500 characters of each value. |
    #: Values must not be in the store of flow runs: off.
    selinon_keep_seen: bool = True
    #: How often one decision may be deferred because a storage cannot be read (default: no limit). | A decision
    #: should fail after so many attempts.
    selinon_max_deferrals: int | None = None
    #: How many flow runs a worker process keeps in memory. | Flows have many thousand nodes: less.
    selinon_run_cache_size: int = 512
    #: How often a notice is posted to a webhook that does not take it (`notify`), with pauses of 10 s to 15 min. |
    #: Receivers are away for longer than half an hour: more.
    selinon_notify_tries: int = 10
    #: How many lines that an attempt of a task logs and prints the store keeps (`selinon logs`); 0: none. |
    #: Logs of tasks should be found by their run, and may be in the store.
    selinon_log_lines: int = 0
    #: How many characters of them are kept: the newest. | Tasks log long lines: more.
    selinon_log_bytes: int = 64 * 1024
    #: How long a worker waits for an unreachable store before it gives its message back. | Outages of the store
    #: are longer, and giving back costs too much: more.
    selinon_store_retry_timeout: float = 60.0

    @classmethod
    def of(cls, conf: Mapping[str, Any], *names: str) -> AdapterSettings:
        """Read them, or those that are named; raises ``ConfigurationError`` for one that is not of its type."""
        values: dict[str, Any] = {}
        for name in names or cls._fields:
            default = cls._field_defaults[name]
            value = conf.get(name)
            if value is None:
                continue
            if isinstance(default, int | float) or name == "selinon_max_deferrals":
                try:
                    value = type(default)(value) if isinstance(default, int | float) else int(value)
                except (TypeError, ValueError):
                    raise ConfigurationError(f"{name} is {value!r}, which is not a number") from None
            if name == "selinon_state_options" and not isinstance(value, Mapping):
                raise ConfigurationError(f"selinon_state_options is {value!r}: it has to be a mapping of options")
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


def state_options(settings: AdapterSettings, conf: Any) -> tuple[str | None, dict[str, Any]]:
    """The prefix and the options of the store's client.

    Where the store is the result backend, what Celery's configuration says about the backend's client counts too.
    """
    options = dict(settings.selinon_state_options or {})
    prefix = settings.selinon_state_prefix
    if settings.selinon_state_url or not conf.result_backend:
        return prefix, options
    if not str(conf.result_backend).startswith(("redis", "valkey", "socket", "unix", "sentinel")):
        return prefix, {**(conf.database_engine_options or {}), **options}
    transport = conf.result_backend_transport_options or {}
    found = {name: transport[name] for name in ("master_name", "sentinel_kwargs") if name in transport}
    if isinstance(conf.redis_backend_use_ssl, Mapping):
        found |= conf.redis_backend_use_ssl
    for name in _CLIENT_SETTINGS:
        value = conf[f"redis_{name}"]
        if value is not None and value != _CLIENT_SETTINGS[name]:
            found[name] = value
    if prefix is None and transport.get("global_keyprefix"):
        prefix = f"{transport['global_keyprefix']}selinon:"
    return prefix, found | options
