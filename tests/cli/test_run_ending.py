"""Runs that are ended from outside or by code of the project: what there is of them is printed and written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TASKS = """
import os, sys, contextlib, time
from selinon_core import SelinonTask

def wait():
    print("ready", file=sys.__stderr__, flush=True)
    for _ in range(6000):
        time.sleep(0.01)

class A(SelinonTask):
    def run(self, node_args):
        return 1

class Waits(SelinonTask):
    def run(self, node_args):
        wait()

class Swallows(SelinonTask):
    def run(self, node_args):
        for _ in range(2):
            try:
                wait()
            except BaseException:
                continue

class Exits(SelinonTask):
    def run(self, node_args):
        os._exit(node_args)

class Forks(SelinonTask):
    def run(self, node_args):
        child = os.fork()
        if child == 0:
            os._exit(0)
        return os.waitpid(child, 0)[1]

class Closes(SelinonTask):
    def run(self, node_args):
        with sys.stdout as out:
            print("first", file=out)
        with contextlib.closing(sys.stderr) as err:
            print("second", file=err)
        sys.stdout.close()
        print("third")
        print("fourth", file=sys.stderr)
"""
NAMES = ("A", "Waits", "Swallows", "Exits", "Forks", "Closes")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "ending_tasks.py").write_text(TASKS)
    tasks = "\n".join(f"- {{name: {name}, import: ending_tasks}}" for name in NAMES)
    flows = "\n".join(
        f"- {{name: {name.lower()}, edges: [{{from: , to: A}}, {{from: A, to: {name}}}]}}" for name in NAMES[1:]
    )
    (tmp_path / "flow.yaml").write_text(f"tasks:\n{tasks}\nflow-definitions:\n{flows}\n")
    return tmp_path


def started(project: Path, flow: str, *words: str) -> subprocess.Popen[str]:
    main = "import sys; from selinon_cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", main, "run", "--local", "flow.yaml", "--flow", flow, "--storage", "real"]
    return subprocess.Popen(
        [*command, *words], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if line == "ready\n":
            return
    raise AssertionError("it has ended")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("concurrency", ["1", "2"])
def test_an_interrupted_run_tells_what_there_is_of_it(
    project: Path, number: signal.Signals, code: int, concurrency: str
) -> None:
    outputs = ("--report", "r.json", "--trace", "t.jsonl", "--graph", "g.mmd", "--concurrency", concurrency)
    process = started(project, "waits", *outputs)
    until_ready(process)
    told = [json.loads(line)["event"] for line in (project / "t.jsonl").read_text().splitlines()]
    assert "NODE_SUCCESSFUL" in told  # while the run goes on
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    report = json.loads((project / "r.json").read_text())
    assert (report["status"], [node["status"] for node in report["nodes"]]) == (
        "interrupted",
        ["success", "active"],
    )
    assert report["nodes"][1]["real_seconds"] > 0
    assert "running:\n  Waits in flow waits: for " in out
    assert "waits: interrupted in " in out
    assert (project / "g.mmd").exists()
    assert "Traceback" not in err
    assert len((project / "t.jsonl").read_text().splitlines()) >= len(told)


def test_a_second_interrupt_ends_a_task_that_swallows_the_first(project: Path) -> None:
    process = started(project, "swallows")
    until_ready(process)
    process.send_signal(signal.SIGINT)
    until_ready(process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted again: the process ends at once" in err


@pytest.mark.parametrize(("given", "code"), [("0", 1), ("7", 7)])
@pytest.mark.parametrize("concurrency", ["1", "2"])
def test_a_task_that_ends_the_process_is_reported(project: Path, given: str, code: int, concurrency: str) -> None:
    process = started(project, "exits", "-a", given, "--report", "r.json", "--concurrency", concurrency)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert f"error: code of the project ended the process with os._exit({given})" in err
    assert "running:\n  Exits in flow exits: for " in out
    assert json.loads((project / "r.json").read_text())["status"] == "interrupted"


def test_a_process_that_a_task_forks_may_end_so(project: Path) -> None:
    process = started(project, "forks")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "forks: success" in out


@pytest.mark.parametrize("target", ["-", "r.json"])
def test_a_task_may_close_its_streams(project: Path, target: str) -> None:
    process = started(project, "closes", "--report", target)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    for text in ("first", "second", "third", "fourth"):
        assert text in err.splitlines()
    report = out if target == "-" else (project / "r.json").read_text()
    assert json.loads(report)["status"] == "success"
    assert "closes: success" in (err if target == "-" else out)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission_is_found_before_anything_runs(project: Path) -> None:
    (project / "locked").mkdir(0o555)
    process = started(project, "forks", "--report", "locked/r.json")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "there is no permission to write" in err


def test_permissions_are_asked_for_where_a_file_is_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from selinon_cli.exits import UsageError
    from selinon_cli.output import check_target

    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(project))
    with pytest.raises(UsageError, match="no permission to write"):
        check_target(str(project / "r.json"))


def test_a_full_disk_disturbs_no_run(project: Path) -> None:
    process = started(project, "forks", "--trace", "/dev/full")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "No space left on device" in err
    assert "forks: success" in out


def test_the_slowest_runs_are_named(project: Path) -> None:
    process = started(project, "forks", "--durations", "1")
    out, _ = process.communicate(timeout=60)
    assert "slowest 1:\n" in out
    assert out.splitlines()[0].split()[-1] == "real"
