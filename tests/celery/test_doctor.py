"""`selinon doctor`: each check over what may be wrong, without servers; and over a real worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import ConnectionLimitExceeded

from selinon_core.celery import Selinon
from selinon_core.celery.doctor import Finding, examine
from selinon_core.celery.doctor.examination import run_check
from selinon_core.celery.doctor.finding import Check
from selinon_core.celery.doctor.project_checks import project_checks
from selinon_core.celery.doctor.secret_masking import SecretMasking
from selinon_core.celery.doctor.server_checks import clock_finding
from selinon_core.celery.doctor.worker_checks import (
    Worker,
    needed_queues,
    queue_findings,
    version_findings,
    worker_checks,
)
from selinon_core.celery.worker.worker_facts import facts_of
from selinon_core.errors import ConfigurationError
from tests.celery.stores import MARKED_KINDS, fresh_store
from tests.celery.workers import site

PROJECT = """
tasks:
  - {name: Ship, import: tasks}
  - {name: Bill, import: tasks, queue: bills, storage: Results}
storages:
  - {name: Results, import: selinon_core.storages.memory, classname: InMemoryStorage}
flow-definitions:
  - {name: order, edges: [{from: , to: Ship}, {from: Ship, to: Bill}]}
"""


def selinon_on(directory: Path, **settings: Any) -> Selinon:
    (directory / "project.yaml").write_text(PROJECT)
    app = Celery("shop", broker="memory://", set_as_current=False)
    app.conf.update({"selinon_state_url": "memory://", **settings})
    return Selinon(app, paths=[directory / "project.yaml"])


def said(findings: list[Finding]) -> list[str]:
    return [f"{found.check} {found.status}: {found.message}" for found in findings]


def settings_of(selinon: Selinon) -> list[str]:
    (check,) = [check for check in project_checks(selinon) if check.name == "settings"]
    return said(run_check(check, 10))


def test_all_checks_of_an_app_without_servers(tmp_path: Path) -> None:
    found = list(examine(selinon_on(tmp_path), 10))
    assert {one.check: one.status for one in found} == {
        "app": "ok",
        "settings": "warning",  # its storage is private to a process
        "storage Results": "ok",
        "broker": "warning",
        "state store": "warning",
        "clock": "ok",
        "result backend": "warning",
        "workers": "failed",
    }
    assert all(one.remedy for one in found if one.status != "ok")


def test_a_setting_that_is_misspelt_or_of_a_wrong_type_is_found(tmp_path: Path) -> None:
    found = settings_of(selinon_on(tmp_path, selinon_state_tl=5))
    assert found[0] == "settings warning: selinon_state_tl is not a setting, and has no effect"
    assert settings_of(selinon_on(tmp_path, selinon_lease="soon")) == [
        "settings failed: selinon_lease is 'soon', which is not a number"
    ]


@pytest.mark.parametrize(
    ("settings", "status", "part"),
    [
        ({"accept_content": ["pickle"]}, "failed", "messages of flows are JSON"),
        ({"broker_transport_options": {"visibility_timeout": 1}}, "failed", "gives messages to another worker"),
        ({"broker_transport_options": {"visibility_timeout": 86400}}, "warning", "messages of a dead worker stay"),
    ],
)
def test_settings_that_lose_runs_are_found(
    tmp_path: Path, settings: dict[str, Any], status: str, part: str
) -> None:
    found = settings_of(selinon_on(tmp_path, broker_url="redis://localhost:1/0", **settings))
    assert any(line.startswith(f"settings {status}") and part in line for line in found), found


def test_a_check_that_does_not_end_has_a_deadline() -> None:
    stuck = threading.Event()

    def look() -> list[Finding]:
        stuck.wait()
        return []

    (found,) = run_check(Check("broker", look, "look at it", "redis://host"), 0.05)
    stuck.set()
    assert found == Finding("broker", "failed", "redis://host: no answer within 0.05 s", "look at it")


def test_what_a_check_raises_is_its_finding() -> None:
    def broken(error: BaseException) -> Any:
        def look() -> list[Finding]:
            raise error

        return run_check(Check("x", look, "do"), 10)

    assert said(broken(ConfigurationError("it is wrong"))) == ["x failed: it is wrong"]
    assert said(broken(OSError("refused"))) == ["x failed: OSError: refused"]
    assert said(broken(SystemExit("no"))) == ["x failed: SystemExit: no"]


def test_a_check_that_needs_another_one_is_skipped() -> None:
    (found,) = run_check(Check("workers", list, needs="broker"), 10, {"broker"})
    assert found.status == "skipped"


def test_secrets_are_masked() -> None:
    masking = SecretMasking(["card"])
    masking.learn({"broker_url": "amqp://shop:p%40ss-word@host//", "options": {"password": "hunter22"}})
    text = (
        "login of shop with p@ss-word or p%40ss-word or hunter22 failed: redis://:other1@host:1/0?password=third3"
    )
    assert masking.masked(text) == (
        "login of shop with *** or *** or *** failed: redis://:***@host:1/0?password=***"
    )


def test_a_password_with_a_slash_is_masked_and_each_of_several_urls() -> None:
    masking = SecretMasking()
    masking.learn({"broker_url": "amqp://shop:pa/ss-w@rd@one//;amqp://till:other1@two//"})
    assert masking.masked("amqp://shop:pa/ss-w@rd@one//;amqp://till:other1@two//: no pa/ss-w@rd, no other1") == (
        "amqp://shop:***@one//;amqp://till:***@two//: no ***, no ***"
    )


def test_queues_that_no_worker_serves_are_found(tmp_path: Path) -> None:
    needed = needed_queues(selinon_on(tmp_path))
    assert needed == {"bills": ["Bill"], "celery": ["order", "Ship"]}
    worker = Worker("w@a", ("celery", "bils"), None, None)
    (found,) = queue_findings(needed, [worker], {})
    assert found.status == "failed"
    assert found.message == 'no live worker serves "bills", the queue of Bill'
    assert found.remedy == 'selinon worker -Q bills ("bils" is served: is one of the two misspelt?)'
    (found,) = queue_findings(needed, [worker, Worker("v@a", ("bills",), None, None)], {})
    assert found.status == "ok"


def test_workers_of_another_version_are_found(tmp_path: Path) -> None:
    here = facts_of(selinon_on(tmp_path))
    same, newer = {**here}, {**here, "selinon": "3.1", "format": 9, "flows": {"order": "0" * 16}}
    (found,) = version_findings([Worker("w@a", (), same, None)], here)
    assert found.status == "ok"
    workers = [Worker("w@a", (), same, None), Worker("v@a", (), newer, None), Worker("u@a", (), None, None)]
    found = said(list(version_findings(workers, here)))
    assert found == [
        "versions warning: u@a did not say: other Celery workers, busy, or an older selinon",
        f"versions warning: selinon is 3.1 in v@a, and {here['selinon']} here",
        f"versions warning: the log format is 9 in v@a, and {here['format']} here",
        "versions warning: worker v@a has other definitions of order than these files",
    ]


def test_clocks_that_differ_are_found() -> None:
    assert clock_finding("clock", "this machine", 0.3, 0.1).status == "ok"
    assert clock_finding("clock", "this machine", 1.3, 0.5).status == "ok"  # the question took that long
    found = clock_finding("clock", "worker w@a", -7.0, 0.1)
    assert (found.status, found.message) == (
        "warning",
        "worker w@a is 7.0 s behind the state store: tasks may run twice with Redis as the broker",
    )


@pytest.mark.parametrize("kind", MARKED_KINDS)
def test_stores_tell_their_condition(kind: str, tmp_path: Path) -> None:
    with fresh_store(kind, tmp_path) as store:
        found = store.condition()
        assert abs(found.now - time.time()) < 60
        assert found.server
        assert not found.missing
        assert found.has_tables == (kind not in ("memory", "redis"))


def test_tables_that_are_missing_or_of_another_version_are_found(tmp_path: Path) -> None:
    import sqlalchemy as sa

    from selinon_core.celery.stores.sql.store import SqlStore

    store = SqlStore(f"sqlite:///{tmp_path / 'state.db'}")
    assert "selinon_runs" in store.condition().missing
    store.prepare()
    assert not store.condition().missing
    store.database.do(lambda connection: connection.execute(store.tables.labels.delete()))
    with store.database.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE selinon_labels"))
    assert store.condition().missing == ["selinon_labels"]
    with store.database.engine.begin() as connection:
        connection.execute(store.tables.schema.update().values(version=99))
    with pytest.raises(ConfigurationError, match="schema version 99"):
        store.condition()
    store.close()


@contextmanager
def all_but_one_in_use(app: Celery) -> Iterator[None]:
    """The connections of the app's pool, which belongs to the whole process."""
    taken: list[Any] = []
    try:
        while True:
            taken.append(app.pool.acquire())
    except ConnectionLimitExceeded:
        taken.pop().release()
    try:
        yield
    finally:
        for connection in taken:
            connection.release()


@pytest.mark.service("redis")
def test_a_real_worker_is_asked(tmp_path: Path) -> None:
    with site(tmp_path) as made:
        made.write(PROJECT.replace("queue: bills", f"queue: {made.name}-bills"))
        made.start("-P", "threads", "-Q", made.name, talks=True)
        (check,) = worker_checks(made.selinon, 8)
        with all_but_one_in_use(made.app):  # that one sends; the answers come over a connection of their own
            found = {one.check: one for one in run_check(check, 60)}
        assert found["workers"].message == f"1 live: w0@{made.name}"
        assert found["queues"].message == f'no live worker serves "{made.name}-bills", the queue of Bill'
        assert found["versions"].status == "ok"
        assert "clock" not in found
