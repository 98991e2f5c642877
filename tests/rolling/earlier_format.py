"""A selinon that knows nothing of data flow: it reads messages and logs of format 1 only.

``celery -A tests.rolling.earlier_format:app worker`` is a worker of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from selinon_core.celery.execution import run_loader
from selinon_core.celery.transport import message_schema

EARLIER = 1


@contextmanager
def earlier_format() -> Iterator[None]:
    """Messages and runs of format 2 are of a newer format here."""
    with patch.object(run_loader, "FORMAT", EARLIER), patch.object(message_schema, "RETRY_FORMAT", EARLIER):
        yield


if "TESTED_PROJECT" in os.environ:
    for_good = earlier_format()  # it would be left when it is collected
    for_good.__enter__()
    from tests.celery.real_app import app as app
