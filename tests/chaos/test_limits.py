"""Limits of tasks and of flows while a worker is killed each second, for ``SELINON_TEST_SECONDS``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.limits import LimitFire, Plan
from tests.conftest import need
from tests.workers.servers import postgres_database

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("workers"), pytest.mark.timeout(3600)]
SHORT = Plan(seconds=float(os.environ.get("SELINON_TEST_SECONDS", "6")))


def test_limits_hold_on_redis(tmp_path: Path) -> None:
    fire = LimitFire(SHORT._replace(seed=21), tmp_path)
    figures = fire.run()
    assert fire.wrong == []
    assert sum(figures["kills"].values()) >= 2


@pytest.mark.service("redis", "postgres")
def test_limits_hold_with_the_state_in_postgresql(tmp_path: Path) -> None:
    with postgres_database() as store:
        fire = LimitFire(SHORT._replace(seed=22, broker=need("redis"), store=store), tmp_path)
        figures = fire.run()
    assert fire.wrong == []
    assert sum(figures["kills"].values()) >= 2
