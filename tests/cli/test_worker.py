"""`selinon worker` when it cannot start, and what else it says before it serves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = """
from celery import Celery
from selinon_core.celery import Selinon

app = Celery("shop", broker="memory://", backend="{backend}")
selinon = Selinon(app, paths=["nodes.yaml"])
"""
NODES = """
tasks:
  - {name: Ship, import: tasks}
flow-definitions:
  - {name: order, edges: [{from: , to: Ship}]}
"""
#: Nothing listens there.
DOWN = "redis://127.0.0.1:1/0"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "nodes.yaml").write_text(NODES)
    (tmp_path / "shop.py").write_text(APP.format(backend=DOWN))
    return tmp_path


def worker(directory: Path, *words: str) -> tuple[int, str]:
    """The exit code and what was said."""
    ran = subprocess.run(
        [sys.executable, "-m", "selinon_cli", "worker", "--app", "shop:app", *words],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), "C_FORCE_ROOT": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.stdout == ""
    return ran.returncode, ran.stderr


def test_a_worker_that_cannot_reach_the_state_store_says_so_and_fails(shop: Path) -> None:
    code, said = worker(shop, "--pool", "solo")
    assert code == 1
    assert "error: the state store in Redis: ConnectionError: Error 111" in said


def test_results_in_the_memory_of_one_process_are_warned_of(shop: Path) -> None:
    storage = "{name: Memory, import: selinon_core.storages.memory, classname: InMemoryStorage}"
    (shop / "nodes.yaml").write_text(NODES.replace("import: tasks}", "import: tasks, storage: Memory}"))
    with (shop / "nodes.yaml").open("a") as nodes:
        nodes.write(f"storages: [{storage}]\n")
    assert 'storage "Memory" keeps results in the memory of one process' in worker(shop, "--pool", "solo")[1]


def test_a_result_backend_that_cannot_serve_is_told_at_the_start(shop: Path) -> None:
    (shop / "shop.py").write_text(APP.format(backend="rpc://"))
    code, said = worker(shop, "--pool", "solo")
    assert code == 1
    assert 'error: flow runs cannot be kept in "rpc": set selinon_state_url' in said


def test_a_worker_that_would_throw_messages_of_flows_away_does_not_start(shop: Path) -> None:
    with (shop / "shop.py").open("a") as app:
        app.write('app.conf.accept_content = ["pickle"]\n')
    code, said = worker(shop, "--pool", "solo")
    assert code == 1
    assert 'error: messages of flows are JSON: add "json" to accept_content in the Celery configuration' in said


def test_a_tracing_library_that_is_missing_is_told_at_the_start(shop: Path) -> None:
    with (shop / "nodes.yaml").open("a") as nodes:
        nodes.write("global: {trace: [{opentelemetry: true}]}\n")
    (shop / "opentelemetry.py").write_text("raise ImportError")
    code, said = worker(shop, "--pool", "solo")
    assert code == 1
    assert "error: tracing needs: pip install 'selinon[opentelemetry]'" in said


@pytest.mark.parametrize("option", [("--pool", "bogus"), ("--loglevel", "NOISY")])
def test_what_celery_does_not_take_is_wrong_use(shop: Path, option: tuple[str, str]) -> None:
    code, said = worker(shop, *option)
    assert code == 2
    assert f"'{option[1]}' is not one of" in said
    assert "bug" not in said


def test_a_queue_of_flows_and_tasks_brings_both_whatever_was_asked_for(shop: Path) -> None:
    _, said = worker(shop, "--pool", "solo", "--tasks-only")
    assert 'selinon: flows are advanced here too: the queue "celery" is one of flows and of tasks' in said
    (shop / "nodes.yaml").write_text(NODES + "global: {default_dispatcher_queue: decide}\n")
    _, said = worker(shop, "--pool", "solo", "--tasks-only")
    assert "advanced here too" not in said


def test_a_misspelt_queue_is_refused(shop: Path) -> None:
    (shop / "nodes.yaml").write_text(
        NODES + "global: {default_dispatcher_queue: orders, default_task_queue: work}\n"
    )
    code, said = worker(shop, "--pool", "solo", "-Q", "work,ordres")
    assert code == 2
    assert said == (
        'error: no flow and no task has the queue "ordres"\n'
        '  did you mean "orders"? (celery worker -Q serves any queue)\n'
    )


def test_a_queue_that_is_not_of_the_project_is_warned_of(shop: Path) -> None:
    (shop / "nodes.yaml").write_text(
        NODES + "global: {default_dispatcher_queue: orders, default_task_queue: work}\n"
    )
    _, said = worker(shop, "--pool", "solo", "-Q", "orders,emails")
    assert 'selinon: no flow and no task has the queue "emails"; there are: orders, work\n' in said
    _, said = worker(shop, "--pool", "solo", "-Q", "orders,work")
    assert "no flow and no task" not in said


def test_a_pool_that_is_not_installed_is_named(shop: Path) -> None:
    pytest.importorskip("gevent")
    (shop / "gevent.py").write_text("raise ImportError('no gevent here')")
    code, said = worker(shop, "--pool", "gevent")
    assert code == 2
    assert said == "error: the pool gevent cannot be used: no gevent here\n  pip install gevent\n"


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        ("nosuch://host/0", "No module named 'nosuch'"),
        ("redis://anna:secret@127.0.0.1:port/0", "Port could not be cast to integer value as 'port'"),
        ("redis://127.0.0.1/one", "invalid literal for int()"),
        ("db+nosuch://host/x", "Can't load plugin"),
        ("file:///no/such/place", "the file-system backend does not work"),
    ],
)
def test_a_result_backend_that_cannot_be_used_is_named(shop: Path, backend: str, why: str) -> None:
    (shop / "shop.py").write_text(with_backend(backend))
    check_backend_is_named(*worker(shop, "--pool", "solo"), why)


def test_so_it_is_by_a_worker_of_celerys_own_command(shop: Path) -> None:
    (shop / "shop.py").write_text(with_backend("redis://anna:secret@127.0.0.1:port/0"))
    words = [sys.executable, "-m", "celery", "-A", "shop", "worker", "-P", "solo"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "C_FORCE_ROOT": "1"}
    ran = subprocess.run(words, cwd=shop, env=environment, capture_output=True, text=True, timeout=60)
    check_backend_is_named(ran.returncode, ran.stderr, "Port could not be cast")


def with_backend(url: str) -> str:
    """The app with a state store of its own."""
    return APP.format(backend=url).replace("selinon =", 'app.conf.selinon_state_url = "sqlite:///x.db"\nselinon =')


def check_backend_is_named(code: int, said: str, why: str) -> None:
    assert code == 1
    assert "Traceback" not in said
    assert "secret" not in said
    (line,) = [line for line in said.splitlines() if "result_backend" in line]
    assert why in line
    assert "correct it" in line
