"""Workers that know format 1 only leave what has to do with args to newer workers, and take all other runs.

That is runs of flows with args, whose logs hold them, and messages whose arguments refer to large results.
"""

from __future__ import annotations

import importlib
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import scripted

from selinon_core.celery.services import WorkerServices
from selinon_core.celery.worker.task_handler import TaskMessageHandler
from selinon_core.project import compile_project, compile_text
from selinon_core.runtime.templates import INLINE
from selinon_core.simulating.world import World
from tests.celery.data_flow_project import SCHEMA, TASKS, project
from tests.celery.workers import site, wait_until
from tests.rolling.earlier_format import earlier_format

YAML = """
tasks:
  - {name: A, import: scripted, classname: Scripted}
flow-definitions:
  - {name: plain, edges: [{from: , to: A}, {from: A, to: A, condition: "false"}]}
  - {name: given, edges: [{from: , to: A, args: {n: "${args.n}"}}], output: "${flow.name}"}
"""
SHELVES = "shelf of the lamp, shelf of the rug, shelf of the vase"


class Mixed(World):
    """The last worker knows format 2, the others do not."""

    def handle(self, engine: WorkerServices, *about: Any) -> None:
        is_new = engine is self.workers[-1]
        with nullcontext() if is_new else earlier_format():
            super().handle(engine, *about)


@pytest.mark.parametrize("seed", range(5))
def test_runs_with_args_wait_for_newer_workers(seed: int) -> None:
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    plan = compile_text({"nodes.yaml": YAML}).plan
    assert plan is not None
    world = Mixed(plan, workers=3, seed=seed, crash=0.02, selinon_inline_count=0)
    ids = [world.start("plain"), world.start("given", {"n": 1})]
    world.work()
    assert [world.results[id][0] for id in ids] == ["success", "success"]
    headers = [world.store.header(id) for id in ids]
    assert [header["format"] for header in headers if header is not None] == ["1", "2"]


@pytest.mark.parametrize("seed", range(5))
def test_starts_that_share_a_message_wait_for_newer_workers(seed: int) -> None:
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    plan = compile_text({"nodes.yaml": YAML}).plan
    assert plan is not None
    world = Mixed(plan, workers=3, seed=seed, crash=0.02, together=3, selinon_inline_count=0)
    ids = [world.start("plain") for _ in range(4)] + [world.start("given", {"n": n}) for n in range(4)]
    world.work()
    assert [world.results[id][0] for id in ids] == ["success"] * 8
    assert not world.refused


@pytest.mark.parametrize("seed", range(6))
def test_messages_with_references_wait_for_newer_workers(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"referring_{tmp_path.name}".replace("-", "_")
    for name, text in ((f"{module}.py", TASKS), ("order.json", SCHEMA), ("project.yaml", project(module))):
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    plan = compile_project([tmp_path / "project.yaml"]).plan
    assert plan is not None
    world = Mixed(plan, workers=3, seed=seed, shuffle=True, crash=0.01, duplicate=0.1, selinon_inline_count=0)
    taken_by: set[bool] = set()
    handle = TaskMessageHandler.handle

    def noted(handler: TaskMessageHandler, nodes: Any, again: bool) -> Any:
        if any(node.refers for node in nodes):
            taken_by.add(handler._services is world.workers[-1])
        return handle(handler, nodes, again)

    monkeypatch.setattr(TaskMessageHandler, "handle", noted)
    ids = [world.start("order", {"number": number, "padding": INLINE}) for number in (7, 13)]
    world.work()
    assert [world.results[id][0] for id in ids] == ["success", "failure"]
    assert world.results[ids[0]][1]["output"] == {"parcel": f"7 with {SHELVES}"}
    assert taken_by == {True}
    ran = [json.loads(line) for line in (tmp_path / "ran.txt").read_text().splitlines()]
    released = [args for task, _, args in ran if task == "ReleaseItems"]
    assert released
    assert all([len(line["padding"]) for line in args["lines"]] == [INLINE] * 3 for args in released)


@pytest.mark.service("redis")
@pytest.mark.xdist_group("workers")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("broker", ["redis", pytest.param("amqp", marks=pytest.mark.service("amqp"))])
def test_nothing_is_lost_beside_a_real_worker_of_the_earlier_format(broker: str, tmp_path: Path) -> None:
    """A worker that knows no references takes such messages, and puts them back until the newer one has them."""
    with site(tmp_path, broker, selinon_inline_seconds=0.0) as place:
        storage = f"{{path: {tmp_path / 'results'}}}"
        written = f"import: selinon_core.storages.filesystem, classname: Filesystem, configuration: {storage}"
        (tmp_path / "order.json").write_text(SCHEMA)
        place.write(project(f"tasks_{place.name}", written), TASKS)
        place.start("-c", "1", app="tests.rolling.earlier_format:app")
        runs = [place.selinon.run_flow("order", {"number": 7, "padding": INLINE})]
        wait_until(lambda: "MIGRATION_SKEW: the log of this flow run is of format 2" in place.logs())
        place.start("-c", "1")

        def is_put_back() -> bool:
            runs.append(place.selinon.run_flow("order", {"number": 7, "padding": INLINE}))
            runs[-1].wait(30)
            return "a message of format 2" in (tmp_path / "worker0.log").read_text()

        wait_until(is_put_back)
        assert [run.result(30)["output"] for run in runs] == [{"parcel": f"7 with {SHELVES}"}] * len(runs)
        assert "refused" not in (tmp_path / "worker0.log").read_text()
        assert not place.selinon.store.runs(10)
