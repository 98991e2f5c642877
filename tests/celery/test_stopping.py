"""Processes that a signal ends leave their work to others: none of it has failed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from selinon_core.celery.worker.shutdown_errors import shutdown_guard
from selinon_core.runtime.error_codec import USER_ERRORS
from tests.celery.workers import Site, site, wait_until

TASKS = """
import time
from pathlib import Path
from selinon_core import SelinonTask

class Step(SelinonTask):
    def run(self, node_args):
        ran = Path(__file__).parent / "ran.txt"
        again = ran.exists()
        with ran.open("a") as out:
            out.write(self.task_name + "\\n")
        time.sleep(0 if again else 60)

def items(*args):
    Step.run(type("Asked", (), {"task_name": "items"}), None)
    return [1]
"""
ENOUGH = "again = ran.exists() and len(ran.read_text().splitlines()) == 3"
YAML = """
tasks:
  - {{name: Step, import: {module}}}
flow-definitions:
  - {{name: task, edges: [{{from: , to: Step}}]}}
  - {{name: foreach, edges: [{{from: , to: Step, foreach: {{import: {module}, function: items}}}}]}}
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path, worker_soft_shutdown_timeout=1) as made:
        made.write(YAML.format(module=f"tasks_{made.name}"), TASKS)
        yield made


@pytest.mark.service("redis")
@pytest.mark.xdist_group("workers")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("flow", ["task", "foreach"])
def test_a_process_of_the_pool_that_is_told_to_end_has_not_failed(here: Site, flow: str) -> None:
    worker = here.start("-c", "1")
    run = here.selinon.run_flow(flow)
    wait_until(here.ran)
    (child,) = here.children(worker)
    os.kill(child, signal.SIGTERM)
    assert run.wait(60) == "success", here.logs()


@pytest.mark.service("redis")
@pytest.mark.xdist_group("workers")
@pytest.mark.timeout(180)
def test_what_a_soft_shutdown_does_not_wait_for_is_left_to_another_worker(here: Site) -> None:
    here.environment["REMAP_SIGTERM"] = "SIGQUIT"
    worker = here.start("-c", "1")
    run = here.selinon.run_flow("task")
    wait_until(here.ran)
    worker.terminate()
    worker.wait(60)
    assert run.status() == "running", here.logs()
    here.start("-c", "1")
    assert run.wait(60) == "success", here.logs()
    assert here.ran() == ["Step", "Step"]


@pytest.mark.service("redis", "amqp")
@pytest.mark.xdist_group("workers")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_orderly_stops_are_no_reason_to_fail_a_task(pool: str, tmp_path: Path) -> None:
    """Deployments and drained machines: only deliveries whose receiver vanished count."""
    with site(tmp_path, "amqp", worker_soft_shutdown_timeout=1, selinon_max_deliveries=2) as here:
        here.write(YAML.format(module=f"tasks_{here.name}"), TASKS.replace("again = ran.exists()", ENOUGH))
        if pool == "prefork":
            here.environment["REMAP_SIGTERM"] = "SIGQUIT"
        run = here.selinon.run_flow("task")
        for stops in range(1, 4):
            worker = here.start("-c", "1", "-P", pool)
            wait_until(lambda stops=stops: len(here.ran()) == stops, told=here.logs)
            worker.terminate()
            if pool == "threads":  # its thread cannot be stopped: a supervisor kills the process in the end
                wait_until(lambda: not here.selinon.store.records(run.id, [1])[1].deliveries, told=here.logs)
                here.kill(worker)
            worker.wait(60)
            assert run.status() == "running", here.logs()
        here.start("-c", "1", "-P", pool)
        assert run.wait(60) == "success", here.logs()
        assert here.ran() == ["Step"] * 4


def told_to_end(number: int, frame: object) -> None:
    raise SystemExit(number)


def end_this_process() -> None:
    """As user code that takes everything for an error of its own."""
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except USER_ERRORS:
        pytest.fail("it was told to end")


@shutdown_guard()
def message(work: Callable[[], object]) -> None:
    work()


@pytest.fixture
def handler() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, told_to_end)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("handler")
def test_what_a_handler_raises_goes_through_user_code() -> None:
    with pytest.raises(SystemExit) as caught:
        message(end_this_process)
    assert caught.value.code == signal.SIGTERM


@pytest.mark.usefixtures("handler")
def test_behind_a_message_it_is_what_it_was() -> None:
    message(lambda: None)
    with pytest.raises(SystemExit):
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.usefixtures("handler")
def test_a_task_that_exits_was_not_told_to() -> None:
    def exits() -> None:
        with pytest.raises(SystemExit):
            sys.exit(3)

    message(exits)
