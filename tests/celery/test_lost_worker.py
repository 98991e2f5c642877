"""A process died and the broker is away: the message of what it ran is given back, never acknowledged."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from celery import Celery
from kombu.exceptions import OperationalError

from selinon_core.celery import Selinon
from selinon_core.celery.publish import DISPATCHER, ENVELOPE
from selinon_core.celery.request import NodeRequest
from selinon_core.project import compile_data


@pytest.mark.parametrize("name", [DISPATCHER, ENVELOPE])
def test_a_message_that_cannot_be_sent_again_is_given_back(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = Celery("lost", broker="memory://", backend="cache+memory://", set_as_current=False)
    plan = compile_data({"tasks": [{"name": "A", "import": "tasks"}], "flow-definitions": []}).plan
    selinon = Selinon(app, plan=plan)
    task = selinon.app.tasks[name]
    message, given_back, acknowledged = Mock(), Mock(), Mock()
    message.headers = {"id": "1", "task": name, "lang": "py", "retries": 0, "root_id": "1"}
    message.decode = lambda: ([], {}, {})
    message.payload = ([], {}, {})
    message.delivery_info = {"exchange": "", "routing_key": "celery", "redelivered": False}
    message.properties, message.body, message.content_type = {"reply_to": ""}, "[[],{},{}]", "application/json"
    message.content_encoding = "utf-8"
    request: Any = NodeRequest(
        message, app=app, task=task, on_ack=acknowledged, on_reject=given_back, headers=message.headers
    )
    monkeypatch.setattr(task, "signature_from_request", Mock(side_effect=OperationalError("away")))
    try:
        raise WorkerLostError("signal 9")
    except WorkerLostError:
        request.on_failure(ExceptionInfo())
    assert acknowledged.call_count == 0
    assert given_back.call_count == 1
    assert given_back.call_args.args[-1] is True  # requeue
