"""Short rolling updates; ``python -m tests.rolling`` is the long one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import need
from tests.rolling.arithmetic import starts
from tests.rolling.expected import Undisturbed
from tests.rolling.reckoning import Reckoning
from tests.rolling.update import Plan, Update
from tests.rolling.versions import ARGUMENTS, ASKED_FOR, write_both
from tests.workers.servers import postgres_database

pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(240)]
SHORT = Plan(flows=40, workers=2, in_flight=20, beside=4, patience=120.0)


def check(found: Reckoning) -> None:
    """Nothing is wrong, and there was something that could have been."""
    assert found.wrong == []
    figures = found.figures
    assert figures["asked for"] >= SHORT.flows
    # Sub-flows count here too: a flow run that was asked for has up to eight of them.
    assert figures["migrated"] >= 8, figures
    assert figures["tainted"] >= 3, figures
    assert figures["untainted"] >= 3, figures
    assert figures["began on 2"] >= 10, figures
    assert figures["left to others"] >= 1, figures


@pytest.mark.parametrize(("strategy", "kill"), [("IGNORE", True), ("RETRY", False), ("FAIL", False)])
def test_on_redis(strategy: str, kill: bool, tmp_path: Path) -> None:
    check(Update(SHORT._replace(strategy=strategy, kill=kill, seed=1), tmp_path).run())


@pytest.mark.service("amqp", "postgres")
def test_on_rabbitmq_and_postgresql(tmp_path: Path) -> None:
    with postgres_database() as store:
        plan = SHORT._replace(strategy="RETRY", broker=need("amqp"), store=store, in_flight=16, kill=False, seed=2)
        check(Update(plan, tmp_path).run())


def test_counting_is_right_about_runs_left_in_peace(tmp_path: Path) -> None:
    edition = write_both(tmp_path, "FAIL")
    for version in edition:
        local = Undisturbed(version.plan)
        for name in ASKED_FOR:
            rows = [row.split('"')[1] for row in local.rows(name, ARGUMENTS).elements()]
            counts, unhandled = starts(version.plan.flows[name], {"Bad": int(name == "rescued")})
            assert counts == Counter(rows), name
            assert not unhandled
