"""Real workers on real brokers and stores: conformance, kills, poison, cancellation, time-outs, throttling."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from selinon_core.errors import FlowError
from selinon_core.project import compile_project
from tests.celery.reported import report_of
from tests.celery.workers import Site, site, wait_until
from tests.conformance.canonical import canonical_runs, counts
from tests.conformance.recorded import recorded_cases, write_configuration

pytestmark = [pytest.mark.service("redis"), pytest.mark.xdist_group("workers"), pytest.mark.timeout(180)]
BROKERS = ["redis", pytest.param("amqp", marks=pytest.mark.service("amqp"))]
Json = dict[str, Any]
_ORDERED = ("eager", "nowait", "flow_retries", "args_from_first")
_ORDER_KEYS = ('"eager_failures"', '"nowait"', '"node_args_from_first"')
CASES = [
    case
    for case in recorded_cases()
    if not case["name"].startswith(_ORDERED) and not any(key in json.dumps(case) for key in _ORDER_KEYS)
]
SOME = random.Random(7).sample(CASES, 210)

TASKS = """
import os, time, signal
from pathlib import Path
from selinon_core import FatalTaskError, SelinonTask

RAN = Path(__file__).parent / "ran.txt"

class Tell(SelinonTask):
    def run(self, node_args):
        with RAN.open("a") as out:
            out.write(f"{self.task_name} {self.task_id} {self.attempt}\\n")
        return self.act(node_args or {})

    def act(self, node_args):
        return None

class Sleep(Tell):
    def act(self, node_args):
        time.sleep(node_args.get("seconds", 1))

class Die(Tell):
    def act(self, node_args):
        os.kill(os.getpid(), signal.SIGKILL)

class DieOnce(Tell):
    def act(self, node_args):
        marker = Path(__file__).parent / "died"
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)

class Stubborn(Tell):
    def act(self, node_args):
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass

class Fail(Tell):
    def act(self, node_args):
        raise ValueError("no")

class Rescue(Tell):
    def act(self, node_args):
        with RAN.open("a") as out:
            out.write(f"because {self.parent_task_exception('Fail')!r}\\n")
"""


def project(flow: str, *tasks: str, extra: str = "") -> str:
    lines = [
        f"  - {{name: {name}, import: MODULE, classname: {cls}{more}}}" for name, cls, more in map(_split, tasks)
    ]
    return "\n".join(["tasks:", *lines, "flow-definitions:", "  - name: main", extra, flow])


def _split(text: str) -> tuple[str, str, str]:
    name, _, rest = text.partition("=")
    cls, _, more = rest.partition(",")
    return name, cls or name, f", {more}" if more else ""


def written(place: Site, flow: str, *tasks: str, extra: str = "") -> None:
    place.write(project(flow, *tasks, extra=extra).replace("MODULE", f"tasks_{place.name}"), TASKS)


CHAIN = """
    edges:
      - {from: , to: A}
      - {from: A, to: B}
      - {from: B, to: C}
"""


@pytest.mark.slow
@pytest.mark.parametrize("broker", BROKERS)
def test_recorded_cases_on_a_real_worker(broker: str, tmp_path: Path) -> None:
    with site(tmp_path, broker) as place:
        written(place, CHAIN, "A=Tell", "B=Tell", "C=Tell")
        place.start("-P", "solo")
        different = []
        for case in SOME:
            directory = tmp_path / case["name"]
            directory.mkdir()
            (directory / "case.json").write_text(json.dumps(case))
            write_configuration(case, directory)
            plan = compile_project([directory / "nodes.yaml"]).plan
            assert plan is not None
            place.app.send_task("tested.switch", [str(directory)]).get(timeout=30)
            place.selinon._plan = plan
            place.selinon._publishing = None
            request, chosen = case["request"], case["request"]["selective"]
            if chosen:
                run = place.selinon.run_flow_selective(
                    request["flow"],
                    chosen["task_names"],
                    request["node_args"],
                    chosen["follow_subflows"],
                    chosen["run_subsequent"],
                )
            else:
                run = place.selinon.run_flow(request["flow"], request["node_args"])
            run.wait(30, interval=0.005)
            report = report_of(plan, place.selinon.store, run.id)
            earlier = [f"earlier-{task}" for task in case["behaviour"].get("earlier", {})]
            told = {
                "status": report["status"],
                "finished": counts(report["finished_nodes"]),
                "failed": counts(report["failed_nodes"]),
                "runs": canonical_runs(report["nodes"], case["without_parent"], earlier),
            }
            if {part: told[part] for part in case["compare"]} != case["outcome"]:
                different.append(case["name"])
        assert different == []


@pytest.mark.slow
@pytest.mark.parametrize("broker", BROKERS)
@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_each_pool_runs_a_flow(broker: str, pool: str, tmp_path: Path) -> None:
    with site(tmp_path, broker) as place:
        written(place, CHAIN, "A=Tell", "B=Tell", "C=Tell")
        place.start("-P", pool, "-c", "2")
        runs = [place.selinon.run_flow("main", {"n": n}) for n in range(10)]
        for run in runs:
            result = run.result(30)
            assert {name: len(ids) for name, ids in result["finished_nodes"].items()} == {"A": 1, "B": 1, "C": 1}
        assert Counter(line.split()[0] for line in place.ran()) == {"A": 10, "B": 10, "C": 10}


@pytest.mark.parametrize("state", ["sqlite", pytest.param("postgres", marks=pytest.mark.service("postgres"))])
def test_a_sql_database_keeps_flow_runs(state: str, tmp_path: Path) -> None:
    with site(tmp_path, state=state) as place:
        written(place, CHAIN, "A=Tell", "B=Tell", "C=Tell")
        place.start("-c", "2")
        runs = [place.selinon.run_flow("main") for _ in range(5)]
        for run in runs:
            assert len(run.result(30)["finished_nodes"]) == 3
            assert run.status() == "success"


@pytest.mark.slow
def test_spawned_processes_run_flows(tmp_path: Path) -> None:
    with site(tmp_path, worker_pool_start_method="spawn") as place:
        written(place, CHAIN, "A=Tell", "B=Tell", "C=Tell")
        place.start("-c", "2")
        assert len(place.selinon.run_flow("main").result(60)["finished_nodes"]) == 3


@pytest.mark.parametrize("broker", BROKERS)
def test_a_killed_worker_delays_and_loses_nothing(broker: str, tmp_path: Path) -> None:
    flow = CHAIN.replace("to: A}", "to: A}\n      - {from: , to: S}")
    with site(tmp_path, broker) as place:
        written(place, flow, "A=Tell", "B=Tell", "C=Tell", "S=Sleep")
        first = place.start("-c", "2")
        run = place.selinon.run_flow("main", {"seconds": 3})
        wait_until(lambda: any(line.startswith("S ") for line in place.ran()), told=place.logs)
        place.kill(first)
        place.start("-c", "2")
        assert run.wait(20) == "success", place.logs()
        ran = Counter(line.split()[0] for line in place.ran())
        assert ran["S"] == 2
        assert len(run.result(5)["finished_nodes"]) == 4


@pytest.mark.slow
@pytest.mark.parametrize("broker", BROKERS)
def test_a_killed_child_delays_and_loses_nothing(broker: str, tmp_path: Path) -> None:
    with site(tmp_path, broker) as place:
        written(place, CHAIN, "A=Tell", "B=DieOnce", "C=Tell")
        place.start("-c", "2")
        run = place.selinon.run_flow("main")
        assert run.wait(30) == "success", place.logs()
        assert [line.split()[0] for line in place.ran()] == ["A", "B", "B", "C"]


@pytest.mark.slow
@pytest.mark.parametrize("broker", BROKERS)
def test_a_task_that_always_kills_its_worker_is_stopped(broker: str, tmp_path: Path) -> None:
    with site(tmp_path, broker, selinon_max_deliveries=3) as place:
        written(place, CHAIN, "A=Tell", "B=Die", "C=Tell")
        place.start("-c", "2")
        run = place.selinon.run_flow("main")
        with pytest.raises(FlowError) as raised:
            run.result(60)
        assert list(raised.value.state["failed_nodes"]) == ["B"]
        assert [line.split()[0] for line in place.ran()].count("B") == 3


@pytest.mark.slow
def test_a_cancelled_flow_starts_nothing_more(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        written(place, CHAIN, "A=Sleep", "B=Tell", "C=Tell")
        place.start("-c", "2")
        run = place.selinon.run_flow("main", {"seconds": 2})
        wait_until(place.ran, told=place.logs)
        run.cancel()
        assert run.wait(20) == "cancelled"
        with pytest.raises(FlowError):
            run.result(10)
        second = place.selinon.run_flow("main", {"seconds": 0})
        assert second.wait(20) == "success"
        assert Counter(line.split()[0] for line in place.ran()) == {"A": 2, "B": 1, "C": 1}


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_task_is_stopped_at_its_timeout(pool: str, tmp_path: Path) -> None:
    with site(tmp_path) as place:
        written(place, CHAIN, "A=Tell", "B=Sleep,timeout: 0.5", "C=Tell")
        place.start("-P", pool, "-c", "2")
        run = place.selinon.run_flow("main", {"seconds": 30})
        assert run.wait(20) == "failure", place.logs()
        assert [line.split()[0] for line in place.ran()] == ["A", "B"]


@pytest.mark.slow
def test_a_task_that_does_not_let_itself_be_stopped_is_killed(tmp_path: Path) -> None:
    """Its process goes, the attempt counts as failed, and its retries are left."""
    with site(tmp_path) as place:
        written(place, CHAIN, "A=Tell", "B=Stubborn,timeout: 0.5,max_retry: 1", "C=Tell")
        place.start("-c", "2")
        run = place.selinon.run_flow("main")
        assert run.wait(60) == "failure", place.logs()
        assert [line.split()[0::2] for line in place.ran()] == [["A", "1"], ["B", "1"], ["B", "2"]]
        assert "did not stop" in str(place.selinon.store.error(place.ran()[1].split()[1]))


@pytest.mark.slow
def test_a_flow_ends_at_its_timeout(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        written(place, CHAIN, "A=Sleep", "B=Tell", "C=Tell", extra="    timeout: 1")
        place.start("-c", "2")
        run = place.selinon.run_flow("main", {"seconds": 3})
        assert run.wait(20) == "failure", place.logs()
        assert "timeout" in str(place.selinon.status(run.id)["reason"])


def test_errors_reach_fallbacks_from_other_processes(tmp_path: Path) -> None:
    flow = """
    edges:
      - {from: , to: Fail}
    failures:
      - {nodes: Fail, fallback: Rescue}
"""
    with site(tmp_path) as place:
        written(place, flow, "Fail", "Rescue")
        place.start("-c", "2")
        assert place.selinon.run_flow("main").wait(20) == "success", place.logs()
        assert "because ValueError('no')" in place.ran()


def test_retries_and_throttling_go_over_the_store(tmp_path: Path) -> None:
    flow = """
    edges:
      - {from: , to: [Fail, Slow, Slow, Slow]}
    failures:
      - {nodes: Fail, fallback: true}
"""
    with site(tmp_path) as place:
        written(place, flow, "Fail=Fail,max_retry: 2", "Slow=Tell,throttling: {seconds: 1}")
        place.start("-c", "2")
        run = place.selinon.run_flow("main")
        assert run.wait(30) == "success", place.logs()
        header = place.selinon.store.header(run.id)
        assert header is not None
        assert float(header["updated"]) - float(header["created"]) >= 1.9
        ran = [line.split() for line in place.ran()]
        assert [attempt for name, _, attempt in ran if name == "Fail"] == ["1", "2", "3"]
        assert sum(name == "Slow" for name, _, _ in ran) == 3


def test_a_publisher_needs_no_store(tmp_path: Path) -> None:
    from celery import Celery

    from selinon_core.celery import Selinon

    with site(tmp_path) as place:
        written(place, CHAIN, "A=Tell", "B=Tell", "C=Tell")
        service = Celery("service", broker=place.environment["TESTED_BROKER"], set_as_current=False)
        service.conf.task_default_queue = place.name
        run = Selinon(service, paths=[tmp_path / "project.yaml"]).run_flow("main")
        service.close()
        place.start("-c", "1")
        wait_until(lambda: place.selinon.store.header(run.id), told=place.logs)
        assert place.selinon.handle(run.id).wait(20) == "success"


@pytest.mark.parametrize("broker", BROKERS)
def test_strange_messages_are_refused_and_harm_nobody(broker: str, tmp_path: Path) -> None:
    strange: list[Json] = [
        {},
        {"v": 1},
        {"v": 1, "flow": "nobody", "id": "x", "action": "start"},
        {"v": 1, "flow": "main", "id": "x" * 1000, "action": "start"},
        {"v": 1, "flow": "main", "id": "x", "action": "rm"},
        {"v": 1, "flow": "main", "id": "x", "number": 1, "task": "Nobody"},
        {"v": 1, "flow": "main", "id": "x", "number": -1, "task": "A"},
        {"v": 1, "flow": "main", "id": "x", "number": 1, "task": "A", "parent": [1]},
        {"v": 1, "flow": "main", "id": "x", "number": 1, "task": "A", "args": "y" * 2_000_000},
    ]
    with site(tmp_path, broker) as place:
        written(place, CHAIN, "A=Tell", "B=Tell", "C=Tell")
        worker = place.start("-c", "2")
        for kwargs in strange:
            for task in ("selinon.Dispatcher", "selinon.SelinonTaskEnvelope"):
                place.app.send_task(task, kwargs=kwargs, queue=place.name)
        assert place.selinon.run_flow("main").wait(30) == "success", place.logs()
        wait_until(lambda: place.logs().count("refused") >= len(strange) * 2 - 1, told=place.logs)
        assert worker.poll() is None
        assert len(place.ran()) == 3


def test_a_store_that_cannot_serve_is_said_at_the_start(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        written(place, CHAIN, "A=Tell", "B=Tell", "C=Tell")
        place.environment["TESTED_STATE"] = "rpc://"
        worker = place.start("-c", "1", wait=False)
        assert worker.wait(30) != 0
        assert "selinon_state_url" in place.logs()


@pytest.mark.slow
def test_selective_runs_are_asked_for_like_others(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        written(place, CHAIN, "A=Tell", "B=Tell", "C=Tell")
        place.start("-c", "1")
        run = place.selinon.run_flow_selective("main", ["B"])
        assert run.wait(20) == "success"
        assert [line.split()[0] for line in place.ran()] == ["A", "B"]
