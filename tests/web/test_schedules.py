"""Schedules in the API and on their page."""

from __future__ import annotations

import sys

import pytest

from selinon_core.celery.stores.schedules import Pause, ScheduleRow
from tests.web.viewed import HOSTILE, Viewed


def test_schedules_are_listed(shop: Viewed) -> None:
    id = shop.finished("order", {"pages": 3})
    due = shop.world.now - 60
    row = ScheduleRow("nightly", "30 2 * * * Europe/Berlin", due, (), due, due, "order", id)
    shop.world.store.schedules.put(row)
    client = shop.client()
    answer = client.get("/api/schedules").json()
    (schedule,) = answer["schedules"]
    assert answer["version"] == 1
    assert (schedule["name"], schedule["flow"], len(schedule["next"])) == ("nightly", "order", 3)
    assert (schedule["last"]["id"], schedule["last"]["status"]) == (id, "success")
    page = client.get("/schedules").text
    assert f'href="runs/{id}"' in page
    assert '<a href="schedules" aria-current="page">Schedules</a>' in page


def test_a_hostile_name_of_who_paused_is_text(shop: Viewed) -> None:
    shop.world.store.schedules.set_pause("nightly", Pause(True, shop.world.now, HOSTILE))
    page = shop.client().get("/schedules").text
    assert "paused" in page
    assert "<script>hacked" not in page
    assert "<img" not in page


def test_without_the_library_it_is_said_what_to_install(shop: Viewed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cronsim", None)
    answer = shop.client().get("/api/schedules")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "missing_extra")
    assert "selinon[schedules]" in shop.client().get("/schedules").text
    assert shop.client().get("/api/schedules?x=1").status_code == 400
