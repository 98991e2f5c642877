"""Keeps who asked for an action, just before the message is sent."""

from __future__ import annotations

import getpass
import socket
from typing import Any

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.audit import audit_entry


def this_user() -> str:
    """Who asks where nothing else is said: ``user@host`` of this process."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = "unknown"
    return f"{name}@{socket.gethostname()}"


def record(store: Store, what: str, run: str | None, by: str | None, **details: Any) -> None:
    """Keep that an action is asked for; raises as the store does, and then the action must not be done.

    ``by`` is who asks, None: this user. ``details`` are JSON values, and none of them arguments or results.
    """
    store.audit.write(audit_entry(store.clock(), by or this_user(), what, run, details))
