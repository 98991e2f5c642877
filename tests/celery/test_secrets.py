"""What docs/production/secrets.md says about where values are, and where they are not."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from celery import Celery

from selinon_core.celery import Selinon
from selinon_core.celery.stores.protocol import Commit
from selinon_core.celery.stores.sql.store import SqlStore
from selinon_core.errors import StateStoreError, StorageError
from selinon_core.project import compile_data
from selinon_core.simulating.world import World
from selinon_core.storages.sql import SqlStorage

SECRET = "correct-horse-battery"
IN_ENVIRONMENT = "staple-in-the-environment"


class Task:
    """Fails with a message, whatever its arguments are."""

    def __init__(self, **_: Any) -> None:
        pass

    def run(self, node_args: Any) -> None:
        """Fail."""
        assert node_args == {"token": SECRET}
        raise ValueError("refused by the bank")


PROJECT = {
    "storages": [
        {
            "name": "Kept",
            "import": "selinon_core.storages.sql",
            "classname": "SqlStorage",
            "configuration": {"connection_string": "sqlite:///{SELINON_TESTED_SECRET}.db"},
        }
    ],
    "tasks": [
        {"name": "Pay", "import": __name__, "classname": "Task", "storage": "Kept"},
        {"name": "Rescue", "import": __name__, "classname": "Task"},
    ],
    "flow-definitions": [{"name": "main", "edges": [{"from": None, "to": "Pay"}]}],
}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    monkeypatch.setenv("SELINON_TESTED_SECRET", str(tmp_path / IN_ENVIRONMENT))
    plan = compile_data(PROJECT).plan
    assert plan is not None
    return World(plan, workers=1, selinon_inline_count=0)


def test_what_a_run_leaves_behind(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        id = world.start("main", {"token": SECRET})
        world.work()
    assert world.results[id][0] == "failure"
    found = world.store.read(id)
    assert found is not None
    kept = json.dumps([dict(found[0]), list(found[1])])
    messages = json.dumps([message.kwargs for message in world.broker.sent])
    headers = json.dumps([message.headers for message in world.broker.sent])
    task_id = next(iter(world.results[id][1]["failed_nodes"]["Pay"]))
    error = world.store.error(task_id)
    assert error is not None
    for place in (kept, messages):
        assert SECRET in place  # as the page says
    for place in (caplog.text, json.dumps(world.results[id]), headers, error):
        assert SECRET not in place
    definition = world.store.get_definition(json.loads(kept)[0]["initial_definition"])
    for place in (kept, messages, headers, error, str(definition), caplog.text):
        assert IN_ENVIRONMENT not in place
    assert "refused by the bank" in caplog.text
    assert "refused by the bank" in error


def test_the_headers_that_monitors_show_have_no_arguments() -> None:
    app = Celery("shop", broker="memory://", set_as_current=False)
    plan = compile_data(PROJECT).plan
    assert plan is not None
    with app.connection_for_write() as connection:
        queue = connection.SimpleQueue("celery")
        queue.clear()  # all apps of a process share this broker
        run = Selinon(app, plan=plan).run_flow("main", {"token": SECRET})
        message = queue.get_nowait()
    shown = {key: message.headers[key] for key in ("argsrepr", "kwargsrepr")}
    assert shown == {"argsrepr": "()", "kwargsrepr": f"{{'id': '{run.id}'}}"}
    assert SECRET not in json.dumps(message.headers)
    assert SECRET in message.body if isinstance(message.body, str) else SECRET.encode() in message.body


@pytest.fixture
def broken_store(tmp_path: Path) -> Iterator[SqlStore]:
    """A state store whose table of log batches is gone."""
    store = SqlStore(f"sqlite:///{tmp_path / 'state.db'}")
    store.prepare()
    with store.database.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE selinon_log"))
    yield store
    store.close()


def _whole(error: BaseException) -> str:
    """An error and those behind it, as a log shows them."""
    texts, cause = [], error
    while cause is not None:
        texts.append(str(cause))
        cause = cause.__cause__  # type: ignore[assignment]
    return "\n".join(texts)


def test_errors_of_a_state_store_have_no_values(broken_store: SqlStore) -> None:
    header = {"flow": "main", "queue": "q", "status": "running"}
    with pytest.raises(StateStoreError) as refused:
        broken_store.commit(Commit("F", 0, 1.0, create=header, batch=json.dumps([SECRET])))
    assert "selinon_log" in _whole(refused.value)
    assert SECRET not in _whole(refused.value)


def test_errors_of_a_sql_storage_have_no_values(tmp_path: Path) -> None:
    storage = SqlStorage(f"sqlite:///{tmp_path / 'results.db'}")
    storage.connect()
    with storage.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE result"))
    with pytest.raises(StorageError) as refused:
        storage.store({"token": SECRET}, "main", "Pay", "id", SECRET)
    storage.disconnect()
    assert "no such table" in _whole(refused.value)
    assert SECRET not in _whole(refused.value)
