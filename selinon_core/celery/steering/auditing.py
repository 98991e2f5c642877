"""Keeps who asked for an action, just before the message is sent."""

from __future__ import annotations

import getpass
import socket
from typing import Any

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.audit import MAX_WHO, audit_entry
from selinon_core.celery.transport.message_limits import one_line


def this_user() -> str:
    """Who asks where nothing else is said: ``user@host`` of this process."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = "unknown"
    return f"{name}@{socket.gethostname()}"


def asker(by: str | None) -> str:
    """Who asks, as audit, messages and logs have it: one line of at most ``MAX_WHO`` characters.

    Control characters are written as escapes. None and an empty text: this user.
    """
    return one_line(by or this_user())[:MAX_WHO]


def record(store: Store, what: str, run: str | None, by: str | None, **details: Any) -> None:
    """Keep that an action is asked for; raises as the store does, and then the action must not be done.

    ``by`` is who asks, None: this user. ``details`` are JSON values, and none of them arguments or results.
    """
    store.audit.write(audit_entry(store.clock(), asker(by), what, run, details))
