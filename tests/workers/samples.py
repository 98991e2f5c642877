"""The sample projects on real workers: the same task runs and outcome as in a local run.

``python -m tests.workers.samples [NAME...]`` runs those named, or all. What runs are the flow test cases of a
sample in which every task runs its code. Samples keep results in memory, which worker processes do not share, so
that storage is replaced.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from selinon_core.cases.model import Case, Mocks
from selinon_core.testing.collection import collect
from tests.celery.reported import report_of
from tests.conformance.canonical import canonical_runs, counts
from tests.workers.app import make
from tests.workers.conformance import wait_for_all
from tests.workers.processes import ROOT, Worker, environment_of
from tests.workers.servers import RedisServer

Json = dict[str, Any]
_LOCALLY = """
import json, sys
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.project import compile_project
project = compile_project(["."])
executor = LocalExecutor(project.plan, LocalOptions(storage="real", pythonpath=project.pythonpath))
report = executor.run(sys.argv[1], json.loads(sys.argv[2])).report()
print("REPORT " + json.dumps(report, default=str))
"""


SAMPLES = ROOT / "sample_flows"


def samples() -> list[Path]:
    """The directories of all samples."""
    return sorted(path for path in SAMPLES.iterdir() if (path / "pyproject.toml").is_file())


def cases_of(sample: Path) -> list[Case]:
    """The cases of a sample in which tasks run their code, nothing is mocked, and little time passes."""
    cases = [case for file in collect([str(sample)]) for _, case in file.selected]
    return [case for case in cases if _is_plain(case)]


def _is_plain(case: Case) -> bool:
    asks_more = case.mocks != Mocks() or case.fail or case.select or case.at or case.durations or case.skip
    seconds = case.expect.virtual_seconds
    is_short = seconds is None or (isinstance(seconds.value, int | float) and seconds.value <= 5)
    return case.tasks == "real" and not asks_more and is_short


def differences(sample: Path, directory: Path) -> list[str]:
    """Run a sample's cases locally and on a worker; returns what was different."""
    different = []
    with ExitStack() as stack:
        redis = RedisServer(directory / "redis", durable=False)
        redis.start()
        stack.callback(redis.stop)
        remote, local = _copy(sample, directory / "remote", shared=True), _copy(sample, directory / "local")
        environment = environment_of(*(f"{redis.url}/{n}" for n in range(3)), ["."])  # type: ignore[arg-type]
        environment["SELINON_TEST_MEMORY"] = f"{redis.url}/3"
        back = Path.cwd()
        os.chdir(remote)  # a project is compiled where it lies
        try:
            app, selinon = make(json.loads(environment["SELINON_TEST_APP"]))
            plan = selinon.plan
        finally:
            os.chdir(back)
        queues = {flow.queue for flow in plan.flows.values()} | {task.queue for task in plan.tasks.values()}
        options = ("-P", "prefork", "-c", "2", "-Q", ",".join(sorted(queues)))
        worker = Worker(environment, directory / "worker.log", *options, directory=remote)
        stack.callback(worker.stop)
        stack.callback(app.close)
        stack.callback(selinon.store.close)
        worker.wait_until_ready()
        for case in cases_of(sample):
            here = _locally(local, case.flow, case.args)
            run = selinon.run_flow(case.flow, case.args)
            if wait_for_all(selinon, [run.id], 60):
                different.append(f"{sample.name}, {case.name}: did not end")
                continue
            there = report_of(plan, selinon.store, run.id)
            if _form(here) != _form(there):
                different.append(f"{sample.name}, {case.name}: {_form(there)} instead of {_form(here)}")
    return different


def _copy(sample: Path, where: Path, shared: bool = False) -> Path:
    shutil.copytree(sample, where, ignore=shutil.ignore_patterns("__pycache__"))
    if shared:
        for path in where.rglob("*.yaml"):
            text = path.read_text(encoding="utf-8")
            text = text.replace("selinon_core.storages.memory", "tests.workers.acting")
            path.write_text(text.replace("InMemoryStorage", "SharedStorage"), encoding="utf-8")
    return where


def _locally(project: Path, flow: str, node_args: Any) -> Json:
    command = [sys.executable, "-c", _LOCALLY, flow, json.dumps(node_args)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=60)
    for line in ran.stdout.splitlines():
        if line.startswith("REPORT "):
            report: Json = json.loads(line.removeprefix("REPORT "))
            return report
    raise AssertionError(ran.stderr)


def _form(report: Json) -> Json:
    return {
        "status": report["status"],
        "finished": counts(report["finished_nodes"]),
        "failed": counts(report["failed_nodes"]),
        "runs": canonical_runs(report["nodes"]),
    }


def main() -> int:
    """Run samples and say what was different."""
    parser = argparse.ArgumentParser(prog="python -m tests.workers.samples", description=__doc__)
    parser.add_argument("names", nargs="*")
    names = parser.parse_args().names
    chosen = [sample for sample in samples() if not names or sample.name in names]
    failed = False
    for sample in chosen:
        directory = Path(tempfile.mkdtemp())
        different = differences(sample, directory)
        failed = failed or bool(different)
        print(f"{sample.name}: {len(cases_of(sample))} runs, {len(different)} different")
        for line in different:
            print(f"  {line[:1500]}\n  {directory}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
