"""Metrics: what is counted, that it is counted once, and which labels there are."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from selinon_core.celery.stores.items import GIVEN_UP, NOTICE, PARKED, Item
from selinon_core.celery.stores.waits import WaitRow
from selinon_core.web.metrics import RunMetrics
from tests.web.viewed import Client, Viewed


def scraped(client: Client) -> dict[tuple[str, str, str], float]:
    """Samples by name, flow (or queue) and status; without buckets and times of creation."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = sample.labels
            if not sample.name.endswith(("_bucket", "_created")):
                name = labels.get("flow", labels.get("queue", labels.get("state", "")))
                found[sample.name, name, labels.get("status", "")] = sample.value
    return found


def ends(client: Client, status: str, flow: str = "order") -> float:
    return scraped(client)["selinon_run_seconds_count", flow, status]


def test_ends_are_counted_once(shop: Viewed) -> None:
    client = shop.client()
    shop.finished("order", {"pages": 1})
    assert ends(client, "success") == 0  # it ended before the server looked
    assert ends(client, "success") == 0
    for number in range(1, 4):
        shop.world.now += 4
        shop.finished("order", {"pages": 1})
        assert ends(client, "success") == ends(client, "success") == number
    shop.finished("order", {"pages": 1, "declined": True})
    assert (ends(client, "failure"), ends(client, "success")) == (1, 3)
    shop.world.now += 1000
    assert (ends(client, "failure"), ends(client, "success")) == (1, 3)


def test_more_ends_than_one_question_finds_are_counted(shop: Viewed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selinon_core.web.metrics.AT_ONCE", 3)
    client = shop.client()
    assert ends(client, "success", "pages") == 0
    for _ in range(10):
        shop.world.now += 0.01
        shop.finished("pages", {"pages": 1})
    assert ends(client, "success", "pages") == 10


def test_open_runs_queues_and_the_oldest_undecided_run(shop: Viewed) -> None:
    client = shop.client()
    shop.begun("order", {"pages": 1})
    shop.broker.counts["celery"] = 7
    found = scraped(client)
    assert found["selinon_runs", "order", "running"] == 1
    assert found["selinon_runs", "pages", "running"] == 0
    assert found["selinon_waiting", "celery", ""] == 7
    assert found["selinon_oldest_undecided_seconds", "", ""] == 0
    shop.world.now += 500
    assert scraped(client)["selinon_oldest_undecided_seconds", "", ""] > 0


def test_labels_are_names_of_the_project(shop: Viewed) -> None:
    metrics = RunMetrics(shop)  # type: ignore[arg-type]
    metrics.scrape("")
    id = shop.finished("order", {"pages": 1, "customer": "acme"})
    row = shop.world.store.index.get(id)
    assert row is not None
    shop.world.store.index.fill_in([row._replace(id="x", flow="gone", changed=shop.world.now)])
    text = metrics.scrape("")[0].decode()
    assert 'flow="other"' in text
    for hidden in (id, "acme", "gone"):
        assert hidden not in text


def test_metrics_are_for_who_may_see_the_page(shop: Viewed) -> None:
    assert Client(shop.page(), "192.0.2.1").get("/metrics").status_code == 403
    assert shop.client(authorize=lambda request: "viewer").get("/metrics").status_code == 200
    shop.store.away = True
    assert shop.client().get("/metrics").status_code == 503


def test_notices_are_counted(shop: Viewed) -> None:
    for kind, ids in ((NOTICE, "abc"), (GIVEN_UP, "d"), (PARKED, "ef")):
        for id in ids:
            shop.world.store.items.put(Item(kind, id, shop.world.now, "{}"), shop.world.now + 60)
    found = scraped(shop.client())
    assert [found["selinon_notices", state, ""] for state in ("waiting", "given_up")] == [3, 1]
    assert found["selinon_parked", "", ""] == 2


def test_tasks_that_wait_are_counted_by_flow(shop: Viewed) -> None:
    for number, flow in enumerate(("order", "order", "gone")):
        row = WaitRow(f"r{number}", 1, flow, "Approve", f"n{number}", f"r{number}", "Ship?", shop.world.now)
        shop.world.store.waits.put(f"r{number}", [row])
    found = scraped(shop.client())
    assert [found["selinon_waits", flow, ""] for flow in ("order", "pages", "other")] == [2, 0, 1]


def test_starts_that_expired_are_counted_once(shop: Viewed) -> None:
    client = shop.client()
    assert scraped(client)["selinon_expired_starts_total", "order", ""] == 0
    for _ in range(2):
        shop.world.start("order", {"pages": 1}, expires=shop.world.now - 1)
    cancelled = shop.world.start("order", {"pages": 1})
    shop.world.cancel("order", cancelled)
    shop.world.work()
    for _ in range(2):
        found = scraped(client)
        assert found["selinon_expired_starts_total", "order", ""] == 2
        assert found["selinon_expired_starts_total", "pages", ""] == 0
    assert found["selinon_run_seconds_count", "order", "cancelled"] == 3


def node_waits(client: Client) -> dict[tuple[str, str], tuple[float, float]]:
    """How many tasks waited, and how long together, by flow and node."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            if sample.name.startswith("selinon_node_wait_seconds_") and "le" not in sample.labels:
                labels = (sample.labels["flow"], sample.labels["node"])
                found.setdefault(labels, {})[sample.name.rpartition("_")[2]] = sample.value
    return {labels: (values["count"], values["sum"]) for labels, values in found.items()}


def test_how_long_tasks_waited_is_counted_when_their_run_has_ended(shop: Viewed) -> None:
    client = shop.client()
    shop.finished("order", {"pages": 1})
    assert node_waits(client) == {}  # it ended before the server looked
    shop.begun("order", {"pages": 2})
    shop.world.now += 7
    shop.world.work()
    found = node_waits(client)
    assert found["order", "Load"] == (1, 7)
    assert found["pages", "Fetch"] == (2, 0)
    assert node_waits(client) == found, "once"


def test_what_waited_before_a_retry_is_not_counted_again(shop: Viewed) -> None:
    client = shop.client()
    node_waits(client)
    id = shop.finished("order", {"pages": 1, "declined": True})
    first = node_waits(client)
    assert (first["order", "Load"], first["order", "Charge"]) == ((1, 0), (1, 0))
    shop.world.now += 100
    shop.world.retry("order", id)
    shop.world.step()  # it is decided that Charge runs again
    shop.world.now += 3
    shop.world.work()
    assert node_waits(client) == first | {("order", "Charge"): (2, 3)}


def test_of_many_ended_runs_some_are_read(shop: Viewed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selinon_core.web.node_waits.MOST_RUNS", 4)
    client = shop.client()
    node_waits(client)
    for _ in range(11):
        shop.world.now += 1
        shop.finished("pages", {"pages": 1})
    shop.store.asked.clear()
    assert node_waits(client)["pages", "Fetch"][0] == 4
    assert shop.store.asked["since"] == 4
