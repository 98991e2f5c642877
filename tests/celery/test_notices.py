"""Notices of failed, waiting and stuck flow runs, on simulated workers and to a real web server."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from selinon_core.celery.stores.items import GIVEN_UP, NOTICE
from selinon_core.celery.worker.notifier import Notifier
from selinon_core.celery.worker.sweep import Reaper
from selinon_core.celery.worker.webhooks import PostFailed, Webhook, check_webhooks, post
from selinon_core.errors import ConfigurationError
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.simulating.world import World
from tests.celery.receiver import Receiver, receiving

PROJECT = """
tasks:
  - {{name: Work, import: tests.celery.counted_tasks, classname: Task}}
  - {{name: Fail, import: tests.celery.counted_tasks, classname: Task}}
  - {{name: Approve, wait: {{title: "Ship ${{args.number}}?", timeout: 3600}}}}
flow-definitions:
  - name: order
    labels: {{number: "${{args.number}}"}}
    edges: [{{from: , to: Fail}}]
  - name: around
    edges: [{{from: , to: order}}]
  - name: asking
    edges: [{{from: , to: Approve}}]
  - name: fine
    edges: [{{from: , to: Work}}]
global:
  redact: [number]
  notify:
{notify}
"""
TOLD: list[dict[str, Any]] = []


def tell(notice: dict[str, Any]) -> None:
    """A notify function."""
    TOLD.append(notice)


def tell_badly(notice: dict[str, Any]) -> None:
    """A notify function that fails."""
    raise ValueError("no")


def project(*notify: str) -> Plan:
    lines = "\n".join(f"    - {each}" for each in notify)
    compiled = compile_text({"p.yaml": PROJECT.format(notify=lines)})
    assert compiled.plan is not None, compiled.diagnostics
    return compiled.plan


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    with receiving() as made:
        monkeypatch.setenv("HOOK_URL", made.url + "/path-that-is-secret")
        yield made


HOOK = 'webhook: "{HOOK_URL}", secret: "{HOOK_SECRET}"'


def told(world: World, **more: Any) -> Notifier:
    """Send what is due, once."""
    notifier = Notifier(world.workers[0], **more)
    notifier.run_once()
    return notifier


def test_a_failed_run_is_told_in_a_signed_body(receiver: Receiver) -> None:
    world = World(project("{on: failure, " + HOOK + "}"))
    id = world.start("order", {"number": 7})
    world.work()
    told(world)
    (notice,), (headers,), (body,) = receiver.notices, receiver.headers, receiver.bodies
    assert {key: notice[key] for key in ("version", "event", "flow", "run", "root", "failed", "labels")} == {
        "version": 1,
        "event": "failure",
        "flow": "order",
        "run": id,
        "root": id,
        "failed": ["Fail"],
        "labels": {"number": "***"},
    }
    assert "Fail" in notice["reason"]
    assert headers["Selinon-Notice"] == notice["id"]
    at, _, given = headers["Selinon-Signature"].removeprefix("t=").partition(",v1=")
    assert given == hmac.new(b"s3cret", at.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert receiver.paths == ["/path-that-is-secret"]
    told(world)
    assert len(receiver.notices) == 1
    assert world.store.items.count(NOTICE) == 0


def test_what_is_not_asked_for_is_not_reported(receiver: Receiver) -> None:
    world = World(project("{on: failure, flows: around, " + HOOK + "}"))
    world.start("fine")
    world.start("order", {"number": 7})
    world.start("asking", {"number": 7})
    world.work(until=world.now + 60)
    world.cancel("asking", world.start("asking", {"number": 8}))
    world.work(until=world.now + 60)
    assert world.store.items.count(NOTICE) == 0


@pytest.mark.parametrize(
    ("flows", "expected"), [("", ["around"]), (", flows: [order, around]", ["order", "around"])]
)
def test_a_sub_flow_is_told_of_where_it_is_named(flows: str, expected: list[str], receiver: Receiver) -> None:
    world = World(project("{on: failure" + flows + ", " + HOOK + "}"))
    world.start("around", {"number": 7})
    world.work()
    told(world)
    assert sorted(notice["flow"] for notice in receiver.notices) == sorted(expected)
    assert len({notice["root"] for notice in receiver.notices}) == 1


def test_a_receiver_that_fails_first_gets_the_same_notice_later(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers += [500, 302, 404]
    world = World(project("{on: failure, " + HOOK + "}"))
    world.start("order", {"number": 7})
    world.work()
    with caplog.at_level(logging.DEBUG, "selinon"):
        for pause in (0, 9, 2, 19, 2, 39, 2):  # the pauses are 10, 20 and 40 s
            world.now += pause
            told(world)
    assert len(receiver.notices) == 4
    assert len({notice["id"] for notice in receiver.notices}) == 1
    assert set(receiver.paths) == {"/path-that-is-secret"}  # the redirect was not followed
    assert "it answered 302, and redirects are not followed" in caplog.text
    assert world.store.items.count(NOTICE) == world.store.items.count(GIVEN_UP) == 0
    for secret in ("path-that-is-secret", "s3cret"):
        assert secret not in caplog.text


def test_a_notice_is_given_up_after_so_many_tries(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    receiver.answers += [503] * 20
    world = World(project("{on: failure, " + HOOK + "}"), selinon_notify_tries=3)
    world.start("order", {"number": 7})
    world.work()
    for _ in range(6):
        world.now += 100
        told(world)
    assert len(receiver.notices) == 3
    assert "is given up: it failed 3 times" in caplog.text
    assert world.store.items.count(NOTICE) == 0
    (item,) = world.store.items.find(GIVEN_UP).items
    assert json.loads(item.text)["notice"]["event"] == "failure"


def test_one_receiver_that_is_away_does_not_hold_up_another(receiver: Receiver) -> None:
    sent: list[str] = []

    def send(webhook: Webhook, notice: Any, at: float) -> None:
        sent.append(webhook.url)
        if webhook.host == "away.invalid":
            raise PostFailed("it did not answer")

    world = World(project('{on: failure, webhook: "http://away.invalid/"}', "{on: failure, " + HOOK + "}"))
    for _ in range(5):
        world.start("order", {"number": 7})
    world.work()
    notifier = told(world, send=send)
    assert sent.count("http://away.invalid/") == 1
    assert len(sent) == 6
    world.now += 10
    notifier.run_once()
    assert sent.count("http://away.invalid/") == 2
    assert world.store.items.count(NOTICE) == 5


def test_a_notice_for_a_webhook_that_is_gone_from_the_files_is_given_up(receiver: Receiver) -> None:
    world = World(project("{on: failure, " + HOOK + "}"))
    world.start("order", {"number": 7})
    world.work()
    world.deploy(0, project('{on: failure, webhook: "http://other.invalid/"}'))
    told(world)
    assert (receiver.notices, world.store.items.count(GIVEN_UP)) == ([], 1)


@pytest.mark.parametrize("seed", range(20))
def test_every_failure_is_told_at_least_once_whatever_crashes(seed: int) -> None:
    plan = project('{on: failure, webhook: "http://a.invalid/"}')
    world = World(plan, seed=seed, workers=3, shuffle=True, crash=0.05, duplicate=0.2, lose=0.1)
    for number in range(5):
        world.start("order", {"number": number})
    world.work()
    sent: list[str] = []
    notifier = Notifier(world.workers[0], lambda webhook, notice, at: sent.append(notice["run"]))
    world.faults.crash = 0.0
    for _ in range(3):
        notifier.run_once()
        world.now += 60
    failed = {id for id, (status, _) in world.results.items() if status == "failure"}
    assert failed
    assert set(sent) == failed


def test_a_retried_run_that_fails_again_is_told_again(receiver: Receiver) -> None:
    world = World(project("{on: failure, " + HOOK + "}"))
    id = world.start("order", {"number": 7})
    world.work()
    told(world)
    world.retry("order", id)
    world.work()
    told(world)
    assert len({notice["id"] for notice in receiver.notices}) == 2


def test_a_task_that_waits_is_told_once(receiver: Receiver) -> None:
    world = World(project("{on: review, " + HOOK + "}"))
    world.start("asking", {"number": 7})
    world.work(until=world.now + 60)
    told(world)
    world.work(until=world.now + 600)
    told(world)
    (notice,) = receiver.notices
    assert notice["event"] == "review"
    assert notice["wait"]["node"] == "Approve"
    assert notice["wait"]["deadline"] > world.now


def test_a_run_whose_queue_no_worker_serves_is_told_of_as_stuck_once(receiver: Receiver) -> None:
    world = World(project("{on: stuck, after: 600, " + HOOK + "}"), selinon_inline_count=0)
    id = world.start("fine")
    world.deliver(*world.broker.take(False))
    world.start("asking", {"number": 7})
    while world.broker.queue:  # the run of asking waits, the message of Work is lost
        text, again = world.broker.take(False)
        if "SelinonTaskEnvelope" not in text:
            world.deliver(text, again)
    reaper = Reaper(world.workers[0])
    for _ in range(100):
        world.now += 30
        reaper.run_once()
        world.broker.queue.clear()
        told(world)
    (notice,) = receiver.notices
    assert (notice["event"], notice["run"]) == ("stuck", id)
    assert "was not taken" in notice["reason"]
    assert notice["at"] - notice["since"] >= 600


def test_a_function_is_called_and_may_fail(caplog: pytest.LogCaptureFixture) -> None:
    TOLD.clear()
    name = __name__
    world = World(
        project(
            f"{{on: [failure, review], function: {{import: {name}, name: tell_badly}}}}",
            f"{{on: [failure, review], function: {{import: {name}, name: tell}}}}",
        )
    )
    id = world.start("order", {"number": 7})
    world.start("asking", {"number": 7})
    world.work(until=world.now + 60)
    assert [(notice["event"], notice["flow"]) for notice in TOLD] == [("failure", "order"), ("review", "asking")]
    assert world.results[id][0] == "failure"
    assert "tell_badly failed" in caplog.text


def test_a_receiver_that_says_nothing_is_left(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver.answers.append(0)
    monkeypatch.setattr("selinon_core.celery.worker.webhooks.DEADLINE", 0.2)
    with pytest.raises(PostFailed, match=r"did not answer within 0\.2 s"):
        post(Webhook(receiver.url, None), {"id": "x"}, 0.0)


@pytest.mark.parametrize(
    ("url", "secret", "wrong"),
    [
        ("file:///etc/passwd", "x", "not a URL of a web server"),
        ("http://", "x", "not a URL of a web server"),
        ("http://a b/", "x", "not a URL of a web server"),
        ("http://a:99999/", "x", "not a URL of a web server"),
        ("http://a/", "", "empty"),
        (None, "x", "HOOK_URL is not set"),
    ],
)
def test_a_worker_refuses_a_webhook_that_cannot_be_used(
    url: str | None, secret: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", secret)
    monkeypatch.delenv("HOOK_URL", raising=False)
    if url is not None:
        monkeypatch.setenv("HOOK_URL", url)
    with pytest.raises(ConfigurationError, match=wrong) as raised:
        check_webhooks(project("{on: failure, " + HOOK + "}"))
    assert "p.yaml:" in str(raised.value)
