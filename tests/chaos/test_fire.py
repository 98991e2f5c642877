"""A short fire; ``python -m tests.chaos`` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.fire import Fire, Plan
from tests.conftest import need
from tests.workers.servers import postgres_database

pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(240)]
SHORT = Plan(flows=40, seconds=6.0, recorded=12, data_flow=12, workers=2, patience=120.0, die=0.001)


def test_on_redis_whose_servers_die_too(tmp_path: Path) -> None:
    found = Fire(SHORT._replace(seed=11, restart_share=0.3), tmp_path).run()
    assert found.wrong == []
    assert found.figures["kills in total"] >= 3
    assert found.figures["task runs decided on"] > 100


@pytest.mark.service("amqp", "postgres")
def test_on_rabbitmq_and_postgresql(tmp_path: Path) -> None:
    with postgres_database() as store:
        plan = SHORT._replace(seed=12, broker=need("amqp"), store=store, restarts=False)
        found = Fire(plan, tmp_path).run()
    assert found.wrong == []
    assert found.figures["kills in total"] >= 3


@pytest.mark.slow
@pytest.mark.timeout(480)
def test_runs_that_are_paused_answered_and_retried_under_fire(tmp_path: Path) -> None:
    plan = SHORT._replace(seed=13, flows=60, seconds=12.0, recorded=6, data_flow=6, patience=240.0, steer=0.8)
    found = Fire(plan, tmp_path).run()
    assert found.wrong == []
    assert found.figures["kills in total"] >= 3
    assert {"signal", "pause", "resume", "retry"} <= {
        what for what, count in found.figures["steered"].items() if count
    }
