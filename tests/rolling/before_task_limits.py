"""A selinon that knows no limits of tasks: it would run such a task without a place.

``celery -A tests.rolling.before_task_limits:app worker`` is a worker of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from selinon_core.celery.transport import message_schema
from selinon_core.celery.transport.message_schema import RERUN_FORMAT


@contextmanager
def before_task_limits() -> Iterator[None]:
    """Messages for tasks with a limit are of a newer format here."""
    known = frozenset(each for each in message_schema.KNOWN_FORMATS if each <= RERUN_FORMAT)
    with patch.object(message_schema, "KNOWN_FORMATS", known):
        yield


if "TESTED_PROJECT" in os.environ:
    for_good = before_task_limits()  # it would be left when it is collected
    for_good.__enter__()
    from tests.celery.real_app import app as app
