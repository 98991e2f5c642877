"""Builds the Celery app of a project that has none: on the servers that the environment names, else on an embedded
one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from celery import Celery

from selinon_core.celery.app import Selinon
from selinon_core.plan import Plan


def make_embedded_app(environment: Mapping[str, str], plan: Plan, pythonpath: Iterable[str] = ()) -> Selinon:
    """Make the app for a compiled project; ``.app`` of what is returned is the Celery app.

    ``SELINON_BROKER_URL``, ``SELINON_RESULT_BACKEND`` and ``SELINON_STATE_URL`` name the servers. Without a broker
    it is the embedded one of the working directory, which is started if it does not run. The plan is an argument,
    so that no server is started where there is no project. Raises what ``embedded_url`` raises.
    """
    broker = environment.get("SELINON_BROKER_URL")
    if not broker:
        from selinon_core.celery.embedded_server import embedded_url

        broker = embedded_url()
    made = Celery("selinon", broker=broker, backend=environment.get("SELINON_RESULT_BACKEND") or broker)
    state = environment.get("SELINON_STATE_URL")
    if state:
        made.conf.selinon_state_url = state
    return Selinon(made, plan=plan, pythonpath=pythonpath)
