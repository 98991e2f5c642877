"""Several tasks at once: threads, and processes of their own for tasks that keep a processor busy."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.project import compile_text
from tests.local.trying import build, names, node, play

CODE = """
import os, threading
from selinon_core import FatalTaskError, SelinonTask

class Pid(SelinonTask):
    def run(self, node_args):
        print("printed by a task")
        return {"pid": os.getpid(), "args": node_args, "attempt": self.attempt}

class Sum(SelinonTask):
    def run(self, node_args):
        return sum(len(self.parent_task_result(name)) for name in self.parent)

class Fails(SelinonTask):
    def run(self, node_args):
        raise KeyError("gone")

class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")

class FailsOddly(SelinonTask):
    def run(self, node_args):
        raise Odd(1, 2)

class Asks(SelinonTask):
    def run(self, node_args):
        error = self.parent_task_exception("Fails")
        return [type(error).__name__, str(error), isinstance(error, KeyError)]

class Again(SelinonTask):
    def run(self, node_args):
        if self.attempt < 3:
            self.retry(10)
        return self.attempt

class Hangs(SelinonTask):
    def run(self, node_args):
        if self.attempt == 1:
            threading.Event().wait(600)
        return "at last"

class Dies(SelinonTask):
    def run(self, node_args):
        os._exit(7)

class Interrupts(SelinonTask):
    def run(self, node_args):
        raise KeyboardInterrupt

VALUES = {
    "deep": lambda: nested(60), "deeper": lambda: nested(600), "keys": lambda: {None: 1, True: 2, 3: 4, 1.5: 5},
    "long": lambda: {"n": 10**4290, "l": []}, "too long": lambda: {"n": 10**4400, "l": []},
    "clash": lambda: {"x": {1: 2, "1": 3}}, "nan": lambda: [float("nan")], "tuple": lambda: (1, (2,)),
    "surrogate": lambda: {"x": chr(0xD800)}, "far too deep": lambda: nested(100_000),
}

def nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value

class Gives(SelinonTask):
    def run(self, node_args):
        return VALUES[node_args["value"]]()

class Takes(SelinonTask):
    def run(self, node_args):
        value, depth = self.parent_task_result("Gives"), 0
        while isinstance(value, list) and value:
            value, depth = value[0], depth + 1
        return [depth, repr(value)[:80]]

class Unserialisable(SelinonTask):
    def run(self, node_args):
        return {1, 2}
"""
CLASSES = (
    "Pid",
    "Sum",
    "Fails",
    "FailsOddly",
    "Asks",
    "Again",
    "Hangs",
    "Dies",
    "Unserialisable",
    "Interrupts",
    "Gives",
    "Takes",
)


class Project:
    """Tasks in a file, so that another process can import them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.module = f"tasks_of_{directory.name}".replace("-", "_")
        (directory / f"{self.module}.py").write_text(CODE)

    def run(self, edges: str, more: str = "", task: str = "", node_args: Any = None, **options: Any) -> LocalRun:
        tasks = "\n".join(
            f"- {{name: {name}, import: {self.module}, storage: S, max_retry: 1{task}}}" for name in CLASSES
        )
        files = self.directory / "results"
        project = compile_text(
            {
                "flow.yaml": f"""
tasks:
{tasks}
- {{name: Loose, import: {self.module}, classname: Unserialisable}}
storages:
- {{name: S, import: selinon_core.storages.filesystem, classname: Filesystem, configuration: {{path: {files}}}}}
flow-definitions:
- name: f
  edges:
  - {{from: , to: [{edges}]}}
{more}"""
            }
        )
        assert project.plan is not None, [str(d) for d in project.diagnostics]
        given = {"pool": "process", "concurrency": 2, "pythonpath": (str(self.directory),), **options}
        return LocalExecutor(project.plan, LocalOptions(**given)).run("f", node_args or {"x": [1]})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


class TestProcesses:
    def test_tasks_run_elsewhere_and_get_results_of_their_parents(self, project: Project) -> None:
        import os

        run = project.run("Pid, Pid", "  - {from: Pid, to: Sum}")
        assert run.status == "success", run.report()
        pids = [n["result"]["pid"] for n in run.nodes if n["name"] == "Pid"]
        assert os.getpid() not in pids
        assert [n["result"]["args"] for n in run.nodes if n["name"] == "Pid"] == [{"x": [1]}] * 2
        assert [n["result"] for n in run.nodes if n["name"] == "Sum"] == [3, 3]
        assert len(run.stored("S")) == 4
        assert {event.event for event in run.events} >= {
            "STORAGE_STORE",
            "STORAGE_STORED",
            "TASK_START",
            "TASK_END",
        }

    def test_errors_come_back_as_they_are(self, project: Project) -> None:
        run = project.run("Fails, FailsOddly", "  failures:\n  - {nodes: Fails, fallback: Asks}")
        fails, oddly = node(run, "Fails"), node(run, "FailsOddly")
        assert (fails["attempts"], fails["error"]["type"], fails["error"]["message"]) == (2, "KeyError", "'gone'")
        assert f"{project.module}.py" in fails["error"]["traceback"]
        assert (oddly["error"]["type"], oddly["error"]["message"]) == ("Odd", "1 and 2")
        assert node(run, "Asks")["result"] == ["KeyError", "'gone'", True]

    def test_asking_for_a_retry_works(self, project: Project) -> None:
        run = project.run("Again", concurrency=1)
        assert (node(run, "Again")["result"], run.virtual_seconds) == (3, 20.0)

    def test_one_that_hangs_is_killed_and_the_next_attempt_has_a_process(self, project: Project) -> None:
        run = project.run("Hangs", task=", timeout: 0.5", concurrency=1)
        hangs = node(run, "Hangs")
        assert (hangs["status"], hangs["attempts"], hangs["result"]) == ("success", 2, "at last")
        assert "abandoned" not in hangs

    def test_one_that_dies_has_failed_and_others_go_on(self, project: Project) -> None:
        run = project.run("Dies, Pid")
        dies = node(run, "Dies")
        assert (dies["status"], dies["attempts"], dies["error"]["type"]) == ("failure", 2, "ChildDied")
        assert "exit code 7" in dies["error"]["message"]
        assert "EOFError" not in dies["error"]["traceback"]
        assert node(run, "Pid")["status"] == "success"

    def test_results_that_json_cannot_hold_fail_or_are_reported(self, project: Project) -> None:
        run = project.run("Unserialisable, Loose")
        assert node(run, "Unserialisable")["error"]["type"] == "StorageError"
        assert node(run, "Loose")["result"] == [1, 2]

    @pytest.mark.parametrize(
        "value",
        ["deep", "deeper", "keys", "long", "too long", "clash", "nan", "tuple", "surrogate", "far too deep"],
    )
    @pytest.mark.parametrize("storage", ["mocked", "real"])
    def test_a_process_gives_and_takes_what_a_thread_does(
        self, project: Project, value: str, storage: str
    ) -> None:
        told = []
        for pool in ("thread", "process"):
            run = project.run(
                "Gives",
                "  - {from: Gives, to: Takes}",
                node_args={"value": value},
                pool=pool,
                storage=storage,
                seed=1,
            )
            gives = node(run, "Gives")
            error = gives["error"] and (gives["error"]["type"], gives["error"]["message"])
            told.append((gives["result"], error, [n["result"] for n in run.nodes if n["name"] == "Takes"]))
        assert told[0] == told[1] or value == "far too deep"
        assert (told[1][1] is None) == (value in ("deep", "deeper", "keys", "long", "tuple", "surrogate"))

    def test_an_interrupt_that_a_task_raises_ends_the_run_as_in_threads(self, project: Project) -> None:
        for pool in ("thread", "process"):
            with pytest.raises(KeyboardInterrupt):
                project.run("Interrupts", pool=pool)

    def test_real_storages_are_used_by_the_children(self, project: Project) -> None:
        run = project.run("Pid", "  - {from: Pid, to: Sum}", storage="real")
        assert node(run, "Sum")["result"] == 3
        assert len([path for path in (project.directory / "results").rglob("*") if path.is_file()]) == 2
        told = [event.event for event in run.events]
        assert told.count("STORAGE_STORED") == 2
        assert told.count("STORAGE_RETRIEVED") == 1

    def test_prints_of_children_are_not_swallowed(
        self, project: Project, capfd: pytest.CaptureFixture[str]
    ) -> None:
        project.run("Pid")
        assert "printed by a task" in capfd.readouterr().out


class TestThreads:
    def test_as_many_run_at_once_as_asked_for_and_no_more(self) -> None:
        together, most, lock = [0], [0], threading.Lock()
        met = threading.Barrier(3)

        def act(task: Any, args: Any) -> None:
            with lock:
                together[0] += 1
                most[0] = max(most[0], together[0])
            met.wait(20)  # passes only when three are here
            with lock:
                together[0] -= 1

        run = play(build({"f": "-> " + "A " * 9}), does={"A": act}, concurrency=3)
        assert run.status == "success"
        assert most == [3]

    def test_results_parents_and_joins_are_as_with_one_at_a_time(self) -> None:
        plan = build({"f": ["-> A A B", "A B -> C", "C -> D"]})
        counter = iter(range(100))
        does = {
            "A": lambda task, args: next(counter),
            "C": lambda task, args: [task.parent_task_result("A"), task.task_id],
        }
        run = play(plan, does=does, concurrency=4)
        assert sorted(names(run)) == ["A", "A", "B", "C", "C", "D", "D"]
        assert sorted(n["result"][0] for n in run.nodes if n["name"] == "C") == [0, 1]

    def test_storages_are_connected_once(self) -> None:
        plan = build({"f": "-> " + "A " * 8})
        met = threading.Barrier(4)
        does = {"A": lambda task, args: met.wait(20) and None, "B": None}
        run = play(plan, does=does, concurrency=4, storage="real")
        assert [event.event for event in run.events].count("STORAGE_CONNECT") == 1


def test_the_module_of_a_project_is_not_loaded_here_by_children(project: Project) -> None:
    project.run("Pid")
    assert project.module not in sys.modules
