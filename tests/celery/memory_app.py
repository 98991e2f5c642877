"""A Celery app without servers, for commands that get no further than their options."""

from __future__ import annotations

from celery import Celery

from selinon_core.celery import Selinon
from tests.celery.broken_tasks import broken_plan

app = Celery("memory", broker="memory://", set_as_current=False)
app.conf.selinon_state_url = "memory://"
selinon = Selinon(app, plan=broken_plan("  - {name: order, edges: [{from: , to: A}]}\n"))
