"""Projects in the style of the original, unchanged: its command line, its executor, ``selinon``, workers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import services

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = Path(__file__).parent / "projects"


class Ran(NamedTuple):
    """What a process did."""

    code: int
    out: str
    err: str


class Copy:
    """A project in a directory of its own, and processes in it."""

    def __init__(self, name: str, directory: Path) -> None:
        self.directory = directory / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECTS / name, self.directory, ignore=ignored, symlinks=True)
        self.data = directory / "data"
        self.name = services.private_name()
        self.variables = {
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DEPLOYMENT": self.name,
            "MIRROR_DATA": str(self.data),
            "INVOICES_DATA": str(self.data),
            "INVOICES_QUEUE": self.name,
            "ALARM_DATA": str(self.data),
            "ALARM_QUEUE": self.name,
            "PARCELS_DATA": str(self.data),
            "PARCELS_QUEUE": self.name,
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "BROKER_URL": "memory://",
            "RESULT_BACKEND_URL": "cache+memory://",
        }
        self.data.mkdir()

    def run(self, *words: str, expected: int = 0) -> Ran:
        """Run Python with some words in the project's directory."""
        return self.start(sys.executable, *words, expected=expected)

    def start(self, *command: str, expected: int = 0) -> Ran:
        """Run a program in the project's directory."""
        environment = {**os.environ, **self.variables}
        ran = subprocess.run(
            command, cwd=self.directory, env=environment, capture_output=True, text=True, timeout=120
        )
        assert ran.returncode == expected, ran.stdout + ran.stderr
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def old_cli(self, *words: str, expected: int = 0) -> Ran:
        """Run ``selinon-cli``."""
        return self.run("-m", "selinon_cli.compat", *words, expected=expected)

    def cli(self, *words: str, expected: int = 0) -> Ran:
        """Run ``selinon``."""
        return self.run("-m", "selinon_cli.main", *words, expected=expected)


@pytest.fixture
def mirror(tmp_path: Path) -> Copy:
    return Copy("mirror", tmp_path)


@pytest.fixture
def invoices(tmp_path: Path) -> Copy:
    return Copy("invoices", tmp_path)


@pytest.fixture
def alarms(tmp_path: Path) -> Copy:
    return Copy("alarms", tmp_path)


@pytest.fixture
def parcels(tmp_path: Path) -> Copy:
    return Copy("parcels", tmp_path)


FILES = {
    "parcels": ("-n", "parcels.yml", "-f", "flows"),
    "mirror": ("-n", "nodes.yml", "-f", "flows"),
    "invoices": ("-n", "nodes.yaml", "-f", "flows/monthly.yaml", "-f", "flows/customer.yaml"),
    "alarms": ("-n", "alarms.yml", "-f", "alarms.yml"),
}


# -- what the projects do -------------------------------------------------------------------------------------


def reports(copy: Copy) -> dict[str, list[str]]:
    """What the mirror reported, by kind."""
    found: dict[str, list[str]] = {"done": [], "broken": []}
    for path in sorted(copy.data.glob("report-*.json")):
        found[path.name.split("-")[1]].append(json.loads(path.read_text())[0])
    return found


PACKAGES = ["six", "gone", "flaky", "left-pad"]
MIRRORED = {"done": ["flaky", "six"], "broken": ["gone"]}


def traced(copy: Copy) -> list[Any]:
    return [json.loads(line) for line in Path(f"{copy.data}.trace").read_text().splitlines()]


def assert_traced(copy: Copy) -> None:
    told = traced(copy)
    assert told.count(["FLOW_END", "mirror_package", False]) == 4
    assert told.count(["TASK_RETRY", "mirror_package", True]) == 1
    assert told.count(["TASK_FAILURE", "mirror_package", True]) == 1


def mails(copy: Copy) -> dict[str, str]:
    return {path.name: path.read_text() for path in copy.data.glob("mail-*")}


MAILED = {"mail-ada": "27", "mail-slow": "37"}


def notes(copy: Copy) -> list[Any]:
    return [json.loads(line) for line in (copy.data / "notes").read_text().splitlines()]


NOTED = [["ALARM", "escalate", 3], ["FLOW_END", "escalate", None], ["FLOW_END", "watch", None]]


# -- checked --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(FILES))
def test_no_fault_is_found(name: str, tmp_path: Path) -> None:
    copy = Copy(name, tmp_path)
    assert copy.old_cli("inspect", *FILES[name]).out == "Your configuration looks OK.\n"
    found = json.loads(copy.cli("lint", *FILES[name], "--format", "json").out)
    assert [diagnostic for diagnostic in found if diagnostic["severity"] != "info"] == []
    copy.cli("lint", *FILES[name], "--import")
    copy.old_cli("plot", *FILES[name], "-o", str(tmp_path), "--format", "dot")


def test_queues_of_deployment_scripts(mirror: Copy) -> None:
    told = mirror.old_cli("inspect", *FILES["mirror"], "--list-task-queues").out
    assert f"Download:{mirror.name}_download\n" in told
    told = mirror.old_cli("inspect", *FILES["mirror"], "--list-dispatcher-queues").out
    assert told == f"mirror_index:{mirror.name}_dispatcher\nmirror_package:{mirror.name}_package_dispatcher\n"


def test_queues_from_config(alarms: Copy) -> None:
    ran = alarms.run("queues.py")
    assert ran.out == f"{alarms.name},{alarms.name}_flows,{alarms.name}_urgent\n"
    assert ran.err.count("Dispatcher.soft_time_limit = ... has no effect") == 1


def test_a_project_that_wraps_methods_and_shows_its_configuration(parcels: Copy) -> None:
    ran = parcels.run("tables.py")
    shown, late = ran.out.splitlines()
    assert json.loads(shown) == {
        "flows": ["send", "pack"],
        "queues": {"send": f"{parcels.name}_flows", "pack": f"{parcels.name}_flows"},
        "storages": {"Weigh": "Ledger", "Label": "Labels", "Explain": None, "Count": "Labels"},
        "arguments": {"send": ["pack"], "pack": True},
        "without": ["Explain"],
    }
    assert late == "too old: send"
    assert ran.err.count("Dispatcher.migrate_message = ... has no effect") == 1
    assert ran.err.count("SelinonTaskEnvelope.on_failure = ... has no effect") == 1


SENT = {
    "books": "labels: 1 ['books, 5 kg']\n",
    "furniture": "too long\nlabels: 0 []\n",
    "an elephant": "labels: 0 []\n",
}


@pytest.mark.parametrize("content", SENT)
def test_parcels_run_by_a_script(parcels: Copy, content: str) -> None:
    ran = parcels.start("bash", "hack/run.sh", "drawings", content)
    assert ran.out == "pack.dot\nsend.dot\n" + SENT[content]
    assert [path.name for path in parcels.data.iterdir() if path.is_file()] == ["pack-Weigh.json"]


def test_scripts_that_call_selinon_cli(parcels: Copy) -> None:
    ran = parcels.start("bash", "hack/queues.sh")
    assert ran.out.endswith(f"queues={parcels.name},{parcels.name}_flows\n")

    def git(*words: str) -> None:
        parcels.start("git", "-c", "user.name=a", "-c", "user.email=a@b", *words)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    committed = "Flow migration is present"
    assert committed not in parcels.start("bash", "hack/migrate.sh", expected=1).out
    flow = parcels.directory / "elsewhere" / "send.yml"
    flow.write_text(
        flow.read_text()
        .replace("- from: pack", "- from: [pack, Explain]")
        .replace("to: pack", "to: [pack, Explain]")
    )
    assert committed in parcels.start("bash", "hack/migrate.sh").out
    assert list(json.loads((parcels.directory / "migrations" / "1.json").read_text())["migration"]) == ["send"]


def test_unit_tests_of_the_project(mirror: Copy) -> None:
    mirror.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--rootdir=.", "unit")


# -- in one process -------------------------------------------------------------------------------------------


def test_mirror_executed(mirror: Copy) -> None:
    arguments = json.dumps({"packages": PACKAGES})
    mirror.old_cli("execute", *FILES["mirror"], "--flow-name", "mirror_index", "-j", "-a", arguments)
    assert reports(mirror) == MIRRORED
    assert_traced(mirror)


def test_mirror_by_the_executor(mirror: Copy) -> None:
    ran = mirror.run("run_local.py", json.dumps(PACKAGES))
    assert ran.out == "JsonFileStorage\n"
    assert "FatalTaskError: gone is gone" in ran.err
    assert reports(mirror) == MIRRORED
    assert_traced(mirror)


def test_mirror_selectively(mirror: Copy) -> None:
    def execute(arguments: dict[str, Any]) -> None:
        mirror.old_cli(
            *("-v", "execute", *FILES["mirror"], "--flow-name", "mirror_package", "--hide-progressbar"),
            *("--node-args-json", "--node-args", json.dumps(arguments)),
            *("--selective-task-names", "Checksum", "--selective-run-subsequent"),
        )

    execute({"name": "six"})
    (downloaded,) = mirror.data.glob("mirror_package-Download-*.json")
    assert reports(mirror)["done"] == ["six"]
    execute({"name": "six", "reuse": downloaded.stem.removeprefix("mirror_package-Download-")})
    assert list(mirror.data.glob("mirror_package-Download-*.json")) == [downloaded]
    assert len(list(mirror.data.glob("mirror_package-Checksum-*.json"))) == 2


def test_mirror_with_mocked_storages(mirror: Copy) -> None:
    # What a task calls on its storage beside the interface needs the real one.
    arguments = json.dumps({"packages": ["six"]})
    words = ("run", "--local", *FILES["mirror"], "--flow", "mirror_index", "--node-args", arguments)
    assert "--real-storage JsonFiles" in mirror.cli(*words, expected=1).out
    mirror.cli(*words, "--real-storage", "JsonFiles")
    assert reports(mirror)["done"] == ["six"]


def test_invoices_executed(invoices: Copy) -> None:
    arguments = json.dumps({"names": ["ada", "slow", "broken"]})
    invoices.old_cli("execute", *FILES["invoices"], "--flow-name", "monthly", "-j", "-a", arguments)
    assert mails(invoices) == MAILED


def test_invoices_with_mocked_storages(invoices: Copy) -> None:
    report = invoices.cli(
        *("run", "--local", *FILES["invoices"], "--flow", "monthly", "--format", "json"),
        *("--node-args", json.dumps({"names": ["ada", "slow", "broken"]})),
    )
    told = json.loads(report.out)
    assert told["status"] == "success"
    results = {str(node["result"]) for node in told["nodes"] if node["name"] in ("Invoice", "Apologize")}
    assert results == {"{'customer': 'ada', 'sum': 27}", "{'customer': 'slow', 'sum': 37}", "sorry, broken"}


def test_alarms_executed(alarms: Copy) -> None:
    alarms.old_cli("execute", *FILES["alarms"], "--flow-name", "watch", "-j", "-a", '{"loud": true}')
    assert notes(alarms) == NOTED


def test_alarms_with_mocked_storages(alarms: Copy) -> None:
    ran = alarms.cli("run", "--local", "alarms.yml", "--flow", "watch", "-a", "loud=true", "--format", "json")
    told = json.loads(ran.out)
    assert [node["result"] for node in told["nodes"] if node["name"] == "Raise"] == ["level 3"]
    assert told["virtual_seconds"] == pytest.approx(0.2)


@pytest.mark.parametrize("storage", ["mocked", "real"])
def test_alarms_in_processes_of_their_own(alarms: Copy, storage: str) -> None:
    words = ("--flow", "watch", "-a", "loud=true", "--format", "json", "--pool", "process", "--storage", storage)
    told = json.loads(alarms.cli("run", "--local", "alarms.yml", *words).out)
    assert [node["result"] for node in told["nodes"] if node["name"] == "Raise"] == ["level 3"]


# -- on workers -----------------------------------------------------------------------------------------------


class Workers:
    """A worker of a project's app on a real Redis, and messages to it."""

    def __init__(self, copy: Copy, redis_url: str, queues: str) -> None:
        self.copy = copy
        copy.variables |= {"BROKER_URL": redis_url, "RESULT_BACKEND_URL": redis_url}
        settings = copy.directory / "settings.py"  # a class
        line = f"selinon_state_prefix = '{copy.name}:'\n"
        if settings.exists():
            text = settings.read_text()
            settings.write_text(text.replace("    task_acks_late", f"    {line}    task_acks_late"))
        else:
            with (copy.directory / "celeryconfig.py").open("a") as config:
                config.write("\n" + line)
        self.log = copy.directory.parent / "worker.log"
        command = [sys.executable, "-m", "celery", "-A", "app", "worker", "-Q", queues, "-c", "2", "-l", "INFO"]
        command += ["-n", f"w@{copy.name}", "--without-mingle", "--without-gossip"]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                command, cwd=copy.directory, env={**os.environ, **copy.variables}, stdout=out, stderr=out
            )
        self.wait_for(" ready.")

    def wait_for(self, text: str) -> None:
        """Wait until the worker's log has a text."""
        until = time.monotonic() + 60
        while text not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)

    def schedule(self, *words: str) -> Any:
        """Run the project's own script; returns the state of the ended flow."""
        return json.loads(self.copy.run("schedule.py", *words).out)

    def close(self) -> None:
        """Stop the worker."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def workers(redis_url: str) -> Iterator[Any]:
    started: list[Workers] = []

    def start(copy: Copy, *queues: str) -> Workers:
        started.append(Workers(copy, redis_url, ",".join(queues)))
        return started[-1]

    yield start
    for worker in started:
        worker.close()
    if started:
        from redis import Redis

        with Redis.from_url(redis_url) as client:
            for worker in started:
                for key in client.scan_iter(f"*{worker.copy.name}*", 1000):
                    client.delete(key)


@pytest.mark.service("redis")
@pytest.mark.xdist_group("workers")
@pytest.mark.timeout(180)
def test_mirror_on_workers(mirror: Copy, workers: Any) -> None:
    kinds = ("list", "download", "checksum", "report", "dispatcher", "package_dispatcher")
    worker = workers(mirror, *(f"{mirror.name}_{kind}" for kind in kinds))
    state = worker.schedule("mirror_index", json.dumps({"packages": PACKAGES}))
    assert len(state["finished_nodes"]["mirror_package"]) == 4
    assert state["failed_nodes"] == {}
    assert reports(mirror) == MIRRORED
    assert_traced(mirror)
    before = set(mirror.data.glob("mirror_package-Checksum-*.json"))
    state = worker.schedule("mirror_package", '{"name": "six"}', "Checksum")
    assert set(state["finished_nodes"]) == {"Download", "Checksum", "ReportDone"}
    assert len(set(mirror.data.glob("mirror_package-Checksum-*.json")) - before) == 1


@pytest.mark.service("redis")
@pytest.mark.xdist_group("workers")
@pytest.mark.timeout(180)
def test_invoices_on_workers(invoices: Copy, workers: Any) -> None:
    worker = workers(invoices, invoices.name)
    invoices.cli("run", "--app", "app:app", "--flow", "customer", "-a", "customer=bo")
    assert invoices.cli("status", "--app", "app:app").out
    state = worker.schedule("monthly", json.dumps({"names": ["ada", "slow", "broken"]}))
    assert set(state["finished_nodes"]) == {"LoadCustomers", "customer", "Mail"}
    assert mails(invoices) == MAILED


@pytest.mark.service("redis")
@pytest.mark.xdist_group("workers")
@pytest.mark.timeout(180)
def test_alarms_on_workers(alarms: Copy, workers: Any) -> None:
    worker = workers(alarms, alarms.name, f"{alarms.name}_flows", f"{alarms.name}_urgent")
    worker.schedule("watch", '{"loud": true}')
    until = time.monotonic() + 30
    while len(notes(alarms)) < 3:  # the result is there before the trace is written
        assert time.monotonic() < until, worker.log.read_text()
        time.sleep(0.05)
    assert sorted(notes(alarms), key=str) == sorted(NOTED, key=str)
    assert "Dispatcher.soft_time_limit = ... has no effect" in worker.log.read_text()


@pytest.mark.service("redis")
@pytest.mark.xdist_group("workers")
@pytest.mark.timeout(180)
def test_parcels_on_workers(parcels: Copy, workers: Any) -> None:
    worker = workers(parcels, parcels.name, f"{parcels.name}_flows")
    state = worker.schedule("pack", '{"content": "furniture"}')
    assert set(state["finished_nodes"]) == {"Weigh", "Explain"}
    worker.wait_for("too long")  # the fallback knows the error as jsonschema's
    assert set(worker.schedule("pack", '{"content": "books"}')["finished_nodes"]) == {"Weigh", "Label"}
    log = worker.log.read_text()
    assert "parcels INFO celery" in log
    assert "Dispatcher.migrate_message = ... has no effect" in log
