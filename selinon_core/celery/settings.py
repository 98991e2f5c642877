"""The ``selinon_*`` settings of the Celery configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from selinon_core.errors import ConfigurationError


class AdapterSettings(NamedTuple):
    """Times are seconds. See docs/tuning for what to change when."""

    #: Where flow runs are kept; by default derived from the result backend.
    selinon_state_url: str | None = None
    #: What names of keys and tables begin with (default ``selinon:`` and ``selinon_``).
    selinon_state_prefix: str | None = None
    #: How long a finished run is remembered.
    selinon_state_ttl: float = 7 * 86400.0
    #: How long the run of a dead advancer stays locked.
    selinon_lease: float = 4.0
    #: How often a node run may kill its worker before it counts as failed.
    selinon_max_deliveries: int = 5
    #: How long and how many nodes a worker runs on with what follows before it takes the next message.
    selinon_inline_seconds: float = 1.0
    selinon_inline_count: int = 1000
    #: How much work, and how many node runs, a message may hold at the most; a count of 1: no bundles.
    selinon_batch_seconds: float = 0.02
    selinon_batch_count: int = 32
    #: A message that did not arrive for this long in a silent run is published again, then after twice that ...
    selinon_resend_after: float = 10.0
    #: A node run that no worker says it is working on for this long is given to another one.
    selinon_heartbeat_timeout: float = 60.0
    #: A silent run is looked at every max(sampling, this).
    selinon_idle_check_interval: float = 60.0
    #: How often a worker looks for what is due.
    selinon_sweep_interval: float = 0.5
    #: The largest message (its arguments as JSON text) that is sent or accepted, in bytes.
    selinon_max_message_bytes: int = 1 << 20
    #: How often one decision may be put off because a storage cannot be read; None: no limit.
    selinon_max_deferrals: int | None = None
    #: How many flow runs a worker process remembers.
    selinon_run_cache_size: int = 512
    #: Where an unreachable store is waited for before the message is given back.
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
                    raise ConfigurationError(f"{name} is {value!r}, which is no number") from None
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
