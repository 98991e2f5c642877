"""``async def run`` in local runs, and local runs inside a running event loop."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.project import compile_text
from tests.local.trying import build, each, holding, node, play

WAYS: list[dict[str, Any]] = [{}, {"concurrency": 3}, {"storage": "real"}]


async def doubles(task: Any, args: Any) -> Any:
    await asyncio.sleep(0)
    return {"n": 2 * args["n"], "parents": sorted(task.parent)}


async def reads(task: Any, args: Any) -> Any:
    await asyncio.sleep(0)
    return task.parent_task_result("A")["n"]


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("timeout", [None, 60])
def test_it_is_awaited(options: dict[str, Any], timeout: int | None) -> None:
    plan = build({"f": ["-> A", "A -> B"]}, {"A": {"timeout": timeout}})
    run = play(plan, {"n": 21}, does={"A": doubles, "B": reads}, **options)
    assert (run.status, node(run, "B")["result"]) == ("success", 42)


def test_at_the_same_time_as_others() -> None:
    met = threading.Barrier(3)

    async def act(task: Any, args: Any) -> None:
        await asyncio.to_thread(met.wait, 20)  # passes only when three are here

    assert play(build({"f": "-> A A A"}), does={"A": act}, concurrency=3).status == "success"


def test_what_it_raises_is_retried_and_handled() -> None:
    async def act(task: Any, args: Any) -> Any:
        await asyncio.sleep(0)
        if task.attempt == 1:
            raise ValueError("not yet")
        if task.attempt == 2:
            task.retry(10)
        raise KeyError("never")

    plan = build({"f": {"edges": ["-> A"], "failures": ["A -> B"]}}, {"A": {"max_retry": 1}})
    run = play(plan, does={"A": act})
    assert (run.status, node(run, "A")["attempts"], node(run, "A")["error"]["type"]) == ("success", 3, "KeyError")
    assert run.virtual_seconds == 10.0


@pytest.mark.parametrize("concurrency", [1, 2])
def test_at_its_time_out_it_is_cancelled(concurrency: int) -> None:
    cancelled, last = threading.Event(), []

    async def act(task: Any, args: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def after(task: Any, args: Any) -> None:
        last.append(cancelled.wait(60))

    plan = build({"f": {"edges": ["-> A"], "failures": ["A -> B"]}}, {"A": {"timeout": 0.05}})
    run = play(plan, does={"A": act, "B": after}, concurrency=concurrency)
    assert (run.status, last, node(run, "A")["error"]["type"]) == ("success", [True], "TaskTimeout")


def test_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "async_tasks.py").write_text(
        "import asyncio\n"
        "from selinon_core import SelinonTask\n"
        "class A(SelinonTask):\n"
        "    async def run(self, node_args):\n"
        "        await asyncio.sleep(0)\n"
        "        return {'n': node_args['n']}\n"
        "class B(SelinonTask):\n"
        "    async def run(self, node_args):\n"
        "        await asyncio.sleep(0)\n"
        "        if self.attempt == 1:\n"
        "            await asyncio.Event().wait()\n"
        "        return self.parent_task_result('A')['n'] + 1\n"
    )
    text = """
tasks:
- {name: A, import: async_tasks, storage: S}
- {name: B, import: async_tasks, storage: S, timeout: 1, max_retry: 1}
storages: [{name: S, import: selinon_core.storages.memory, classname: InMemoryStorage}]
flow-definitions: [{name: f, edges: [{from: , to: A}, {from: A, to: B}]}]
"""
    plan = compile_text({"flow.yaml": text}).plan
    assert plan is not None
    run = LocalExecutor(plan, LocalOptions(pool="process", pythonpath=(str(tmp_path),))).run("f", {"n": 1})
    b = node(run, "B")
    assert (b["status"], b["attempts"], b["result"]) == ("success", 2, 2)


@pytest.mark.parametrize("options", WAYS)
def test_inside_a_running_loop_all_code_of_the_project_may_have_one(options: dict[str, Any]) -> None:
    def own_loop(*args: Any) -> Any:
        return asyncio.run(asyncio.sleep(0, result=[1, 2]))

    plan = build({"f": ["-> A", ("A -> B", {**holding(), **each(True)})]})
    does = {"A": own_loop, "B": doubles_anything, "holds": own_loop, "items": own_loop, "store": own_loop}

    async def outer() -> Any:
        return play(plan, does=does, **options)

    run = asyncio.run(outer())
    assert run.status == "success", run.error
    assert [n["result"] for n in run.nodes] == [[1, 2], 2, 4]


async def doubles_anything(task: Any, args: Any) -> Any:
    return 2 * args


def test_inside_a_running_loop_errors_of_the_caller_come_through() -> None:
    from selinon_core.errors import UnknownFlowError

    async def outer() -> Any:
        return LocalExecutor(build({"f": "-> A"})).run("g")

    with pytest.raises(UnknownFlowError):
        asyncio.run(outer())

    def interrupts(task: Any, args: Any) -> None:
        raise KeyboardInterrupt

    async def interrupted() -> Any:
        return play(build({"f": "-> A"}), does={"A": interrupts})

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(interrupted())
