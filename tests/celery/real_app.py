"""The Celery app of the workers that tests start; what it runs on comes from the environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

from celery import Celery
from kombu import Queue

from selinon_core.celery import Selinon
from selinon_core.celery.services import SERVED_VARIABLE
from selinon_core.project import compile_project

app = Celery("tested", broker=os.environ["TESTED_BROKER"], backend=os.environ["TESTED_BACKEND"])
app.conf.update(
    task_default_queue=os.environ["TESTED_QUEUE"],
    selinon_state_url=os.environ["TESTED_STATE"],
    selinon_state_prefix=os.environ["TESTED_PREFIX"],
    worker_hijack_root_logger=False,
    **json.loads(os.environ.get("TESTED_SETTINGS", "{}")),
)
if "TESTED_QUEUE_ARGUMENTS" in os.environ:
    arguments = json.loads(os.environ["TESTED_QUEUE_ARGUMENTS"])
    app.conf.task_queues = [Queue(os.environ["TESTED_QUEUE"], queue_arguments=arguments)]
_directory = Path(os.environ["TESTED_PROJECT"])
selinon = Selinon(app, paths=[_directory / "project.yaml"], pythonpath=[str(_directory)])


@app.task(name="tested.switch")
def switch(directory: str) -> None:
    """Serve another recorded case from now on (solo pool: its tasks live in this process)."""
    import scripted

    case = json.loads((Path(directory) / "case.json").read_text())
    project = compile_project([Path(directory) / "nodes.yaml"])
    served = json.loads(os.environ.get(SERVED_VARIABLE) or "[]") or [app.conf.task_default_queue]
    selinon._plan, selinon._services = project.plan, None
    scripted.set_up(case["behaviour"])
    selinon.services.serve(served)
