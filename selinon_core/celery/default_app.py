"""The Celery app of projects that have none: an importable ``app``, configured by the environment.

``SELINON_PATHS`` (a JSON list; default: as ``compile_project``) names the project's files,
``SELINON_PYTHONPATH`` (a JSON list) where its modules are, ``SELINON_BROKER_URL``, ``SELINON_RESULT_BACKEND`` and
``SELINON_STATE_URL`` the servers. Without a broker it is the embedded one of the working directory.
"""

from __future__ import annotations

import json
import os

from celery import Celery

from selinon_core.celery.app import Selinon


def _make() -> tuple[Celery, Selinon]:
    broker = os.environ.get("SELINON_BROKER_URL")
    if not broker:
        from selinon_core.celery.embedded import embedded_url

        broker = embedded_url()
    backend = os.environ.get("SELINON_RESULT_BACKEND") or broker
    made = Celery("selinon", broker=broker, backend=backend)
    state = os.environ.get("SELINON_STATE_URL")
    if state:
        made.conf.selinon_state_url = state
    paths = json.loads(os.environ.get("SELINON_PATHS") or "[]")
    pythonpath = json.loads(os.environ.get("SELINON_PYTHONPATH") or "[]")
    return made, Selinon(made, paths=paths, pythonpath=pythonpath)


app, selinon = _make()
