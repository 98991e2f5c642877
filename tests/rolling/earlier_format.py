"""A selinon that knows nothing of data flow: it reads messages and logs of format 1 only.

``celery -A tests.rolling.earlier_format:app worker`` is a worker of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from selinon_core.celery.execution import run_loader
from selinon_core.celery.transport import message_schema
from selinon_core.celery.worker import celery_tasks, waiting_starts
from selinon_core.simulating import receiver

EARLIER = 1


@contextmanager
def earlier_format() -> Iterator[None]:
    """Messages and runs of format 2 are of a newer format here, and so is a message with several starts."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(run_loader, "FORMAT", EARLIER))
        stack.enter_context(patch.object(message_schema, "KNOWN_FORMATS", frozenset((EARLIER,))))
        for module in (celery_tasks, receiver):
            stack.enter_context(patch.object(module, "is_batch", lambda kwargs: False))
        stack.enter_context(patch.object(waiting_starts, "_TAKERS", {}))
        yield


if "TESTED_PROJECT" in os.environ:
    for_good = earlier_format()  # it would be left when it is collected
    for_good.__enter__()
    from tests.celery.real_app import app as app
