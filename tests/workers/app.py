"""The Celery app of tests with real workers; everything comes from the environment.

``SELINON_TEST_APP`` is JSON: ``{"broker", "backend", "state", "paths", "pythonpath", "settings"}``.
"""

from __future__ import annotations

import json
import os
from typing import Any

from celery import Celery

from selinon_core.celery import Selinon


def make(given: dict[str, Any]) -> tuple[Celery, Selinon]:
    """The app and its flows."""
    made = Celery("under_test", broker=given["broker"], backend=given["backend"], set_as_current=False)
    made.conf.update(
        selinon_state_url=given["state"],
        worker_hijack_root_logger=False,
        result_backend_transport_options={"global_keyprefix": "result:"},
        **given.get("settings", {}),
    )
    return made, Selinon(made, paths=given["paths"], pythonpath=given.get("pythonpath", ()))


app, selinon = (
    make(json.loads(os.environ["SELINON_TEST_APP"])) if "SELINON_TEST_APP" in os.environ else (None, None)
)
