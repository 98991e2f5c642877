"""``Selinon`` and the Celery apps it is made for."""

from __future__ import annotations

import pytest
from celery import Celery

from selinon_core.celery import Selinon
from selinon_core.errors import ConfigurationError
from tests.celery.counted_tasks import plan_of


def test_a_second_selinon_on_one_app_is_refused_at_once() -> None:
    plan = plan_of("      - {from: , to: A}\n")
    app = Celery("shop", broker="memory://", set_as_current=False)
    first = Selinon(app, plan=plan)
    with pytest.raises(ConfigurationError) as refused:
        Selinon(app, plan=plan)
    assert str(refused.value) == (
        "the Celery app 'shop' has a Selinon already, and an app runs the flows of one: "
        "give all files to that one (Selinon(app, paths=[...])), or make another app with its own queues"
    )
    assert app.tasks["selinon.Dispatcher"].selinon is first  # type: ignore[attr-defined]


def test_apps_of_one_process_have_flows_of_their_own() -> None:
    apps = [Celery(name, broker="memory://", set_as_current=False) for name in ("shop", "stock")]
    owners = [Selinon(app, plan=plan_of("      - {from: , to: A}\n")) for app in apps]
    for app, owner in zip(apps, owners, strict=True):
        assert app.tasks["selinon.Dispatcher"].selinon is owner  # type: ignore[attr-defined]
