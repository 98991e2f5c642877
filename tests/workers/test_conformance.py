"""Real workers decide what is decided locally, whatever their pool; a few cases here, all of them by command.

``python -m tests.workers.conformance`` and ``python -m tests.workers.samples`` run everything.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conformance.data_flow_cases import comparable_data_flow_cases
from tests.conftest import need
from tests.workers.conformance import POOLS, comparable_cases, differences, running
from tests.workers.merging import merge, separated
from tests.workers.samples import SAMPLES, cases_of
from tests.workers.samples import differences as differences_of_sample

pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(180)]
CASES = comparable_cases()


def test_merging_renames_names_and_no_values() -> None:
    case = {
        "nodes": {"tasks": [{"name": "Alpha", "import": "scripted"}]},
        "flow_definitions": [
            {
                "name": "main",
                "propagate_finished": ["main"],
                "edges": [
                    {
                        "from": None,
                        "to": ["Alpha"],
                        "condition": {"name": "fieldEqual", "node": "Alpha", "args": {"key": "Alpha"}},
                    }
                ],
            }
        ],
    }
    merged = merge({"q3q": case}, "somewhere")
    edge = merged["flow-definitions"][0]["edges"][0]
    assert edge["to"] == ["q3qAlpha"]
    assert edge["condition"] == {"name": "fieldEqual", "node": "q3qAlpha", "args": {"key": "Alpha"}}
    assert merged["flow-definitions"][0]["propagate_finished"] == ["q3qmain"]
    assert separated({"flow": "q3qmain", "parent": {"q3qAlpha": "id"}}, "q3q") == {
        "flow": "main",
        "parent": {"Alpha": "id"},
    }


@pytest.mark.parametrize("pool", POOLS)
def test_recorded_cases_in_each_pool(pool: str, tmp_path: Path) -> None:
    if pool == "gevent" and find_spec("gevent") is None:
        pytest.skip("gevent is not installed")
    number = list(POOLS).index(pool)
    with running(CASES[number::60], pool, "redis", tmp_path) as (selinon, cases, read):
        assert differences(selinon, cases, read, 90) == []


@pytest.mark.service("amqp")
def test_recorded_cases_on_rabbitmq_with_two_workers(tmp_path: Path) -> None:
    with running(CASES[5::60], "prefork", need("amqp"), tmp_path, workers=2) as (selinon, cases, read):
        assert differences(selinon, cases, read, 90) == []


def test_merging_renames_the_nodes_in_expressions() -> None:
    case = {
        "nodes": {"tasks": [{"name": "Alpha", "import": "scripted"}]},
        "flow_definitions": [
            {
                "name": "main",
                "edges": [
                    {"from": "Alpha", "to": "main", "condition": "Alpha.n > 1", "args": {"n": "${Alpha.n}"}}
                ],
                "output": {"main": "${all.Alpha} and Alphas"},
            }
        ],
    }
    (flow,) = merge({"q3q": case}, "somewhere")["flow-definitions"]
    assert flow["edges"][0]["condition"] == "q3qAlpha.n > 1"
    assert flow["edges"][0]["args"] == {"n": "${q3qAlpha.n}"}
    assert flow["output"] == {"main": "${all.q3qAlpha} and Alphas"}


@pytest.mark.parametrize("broker", ["redis", pytest.param("amqp", marks=pytest.mark.service("amqp"))])
def test_data_flow_with_two_workers(broker: str, tmp_path: Path) -> None:
    """Arguments, references to large results, inputs and outputs; little is run inline, so messages carry them."""
    url = broker if broker == "redis" else need(broker)
    chosen = comparable_data_flow_cases(16, 500)
    with running(chosen, "prefork", url, tmp_path, workers=2, selinon_inline_seconds=0.0) as (
        selinon,
        cases,
        read,
    ):
        assert differences(selinon, cases, read, 90) == []


@pytest.mark.parametrize("name", ["order_pipeline", "crawler", "payment"])
def test_samples_on_a_worker(name: str, tmp_path: Path) -> None:
    assert cases_of(SAMPLES / name)
    assert differences_of_sample(SAMPLES / name, tmp_path) == []
