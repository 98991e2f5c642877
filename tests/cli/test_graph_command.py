"""``selinon graph`` and ``selinon-cli plot``: files, streams, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = """\
tasks:
  - {name: A, import: myapp.tasks, storage: Disk}
  - {name: B, import: myapp.tasks}
  - {name: C, import: myapp.tasks}
storages:
  - {name: Disk, import: myapp.storages}
flow-definitions:
  - name: one
    edges:
      - {from: null, to: A}
      - from: A
        to: two
        condition: {name: fieldGreater, args: {key: count, value: 3}}
  - name: two
    edges:
      - {from: null, to: B}
"""


def selinon(*words: str, script: str = "main", **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("SELINON_", "GIT_"))}
    return subprocess.run(
        [sys.executable, "-m", f"selinon_cli.{script}", *words],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**inherited, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment},
    )


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project.yaml").write_text(PROJECT)
    (tmp_path / "myapp").mkdir()
    (tmp_path / "myapp" / "tasks.py").write_text("print('imported')\nraise SystemExit(7)\n\nclass A: ...\n")
    return tmp_path


def files(directory: Path, ending: str) -> list[str]:
    return sorted(file.name for file in directory.glob(f"*{ending}"))


def test_every_flow_becomes_a_file_here(project: Path) -> None:
    done = selinon("graph", "project.yaml")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == ["wrote one.svg", "wrote two.svg"]
    assert files(project, ".svg") == ["one.svg", "two.svg"]
    picture = (project / "one.svg").read_text()
    assert "count &gt; 3" in picture
    assert 'xlink:href="myapp/tasks.py#L4"' in picture
    assert 'xlink:href="project.yaml#L11"' in picture


def test_one_flow_into_a_file_several_into_a_directory(project: Path) -> None:
    assert selinon("graph", "project.yaml", "--flow", "one", "--format", "png", "-o", "x.png").returncode == 0
    assert (project / "x.png").read_bytes().startswith(b"\x89PNG")
    assert selinon("graph", "project.yaml", "--format", "dot", "-o", "new/graphs").returncode == 0
    assert files(project / "new" / "graphs", ".dot") == ["one.dot", "two.dot"]
    done = selinon("graph", "project.yaml", "-o", "both.svg")
    assert done.returncode == 2
    assert "2 flows do not fit into one file" in done.stderr


def test_the_ending_of_a_file_says_what_to_draw(project: Path) -> None:
    assert selinon("graph", "project.yaml", "--flow", "one", "-o", "x.png").returncode == 0
    assert (project / "x.png").read_bytes().startswith(b"\x89PNG")
    assert selinon("graph", "project.yaml", "--flow", "one", "--format", "dot", "-o", "x.txt").returncode == 0
    assert (project / "x.txt").read_text().startswith("digraph")
    assert selinon("graph", "project.yaml", "-o", "graphs.d").returncode == 0
    assert files(project / "graphs.d", "") == ["one.svg", "two.svg"]


def test_stdout_holds_the_result_and_nothing_else() -> None:
    done = selinon("graph", "project.yaml", "--flow", "two", "--format", "json", "-o", "-")
    assert json.loads(done.stdout)["flow"] == "two"
    assert done.stderr == ""
    both = selinon("graph", "project.yaml", "--format", "json", "-o", "-")
    assert [each["flow"] for each in json.loads(both.stdout)] == ["one", "two"]
    assert selinon("graph", "project.yaml", "--format", "svg", "-o", "-").returncode == 2
    picture = selinon("graph", "project.yaml", "--format", "svg", "-o", "-", "--flow", "two")
    assert picture.stdout.startswith("<?xml")


def test_ascii_for_terminals_that_know_no_more() -> None:
    plain = selinon("graph", "project.yaml", "--format", "ascii", "-o", "-", PYTHONIOENCODING="ascii")
    assert plain.stdout.isascii()
    assert "| => Disk |" in plain.stdout
    assert "─" in selinon("graph", "project.yaml", "--format", "ascii", "-o", "-").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--flow", "oen"], 'did you mean "one"'),
        (["--engine", "nosuch"], "'nosuch' is not installed"),
        (["--style", "none.yaml"], "cannot read the style file none.yaml"),
        (["--run", "project.yaml"], "--run: project.yaml is not JSON"),
        (["--run", "none.json"], "none.json: No such file"),
        (["--diff", "nonsense"], "git"),
        (["--run", "x", "--diff", "y"], "--run and --diff"),
        (["--format", "gif"], "gif"),
        (["--flow", "one", "-o", "x.gif"], '--output: no drawing ends in ".gif"'),
    ],
)
def test_wrong_use(words: list[str], message: str) -> None:
    done = selinon("graph", "project.yaml", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_errors_in_the_files_are_reported(project: Path) -> None:
    (project / "project.yaml").write_text(PROJECT.replace("to: B", "to: Nobody"))
    done = selinon("graph", "project.yaml")
    assert done.returncode == 1
    assert "Nobody" in done.stderr
    assert files(project, ".svg") == []


def test_run_draws_the_flows_that_took_part(project: Path) -> None:
    report = {
        "version": 1,
        "flow": "two",
        "status": "success",
        "nodes": [{"id": "b", "name": "B", "flow": "two", "kind": "task", "status": "success", "attempts": 2}],
        "edges": [{"flow": "two", "index": 0, "from": [], "to": ["B"], "considered": 1, "fired": 1}],
    }
    (project / "report.json").write_text(json.dumps(report))
    done = selinon("graph", "project.yaml", "--run", "report.json", "--format", "ascii", "-o", "-")
    assert done.returncode == 0
    assert "B: ok" in done.stdout
    assert "1/1" in done.stdout
    assert "one" not in done.stdout.splitlines()


def test_diff_with_a_path(project: Path) -> None:
    (project / "old").mkdir()
    (project / "old" / "project.yaml").write_text(PROJECT)
    same = selinon("graph", "project.yaml", "--diff", "old/project.yaml", "--format", "mermaid", "-o", "-")
    assert (same.returncode, same.stdout, same.stderr) == (0, "", "no flows differ\n")
    (project / "project.yaml").write_text(PROJECT.replace("value: 3", "value: 4").replace("to: B", "to: C"))
    changed = selinon("graph", "project.yaml", "--diff", "old", "--format", "json", "-o", "-")
    assert (changed.returncode, changed.stderr) == (1, "2 flows differ\n")
    one, two = json.loads(changed.stdout)
    condition = next(each for each in one["nodes"] if each["kind"] == "condition")
    assert condition["change"] == "changed"
    assert condition["notes"] == ["was: count > 3"]
    changes = {each["name"]: each["change"] for each in two["nodes"] if each["kind"] == "task"}
    assert changes == {"B": "removed", "C": "added"}


def test_diff_with_a_revision(project: Path) -> None:
    def git(*words: str) -> None:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        subprocess.run(["git", *identity, *words], check=True, capture_output=True)

    git("init", "-q")
    git("add", "project.yaml")
    git("commit", "-q", "-m", "one")
    (project / "project.yaml").write_text(
        PROJECT.replace("      - {from: null, to: B}", "      - {from: null, to: [B, C]}")
    )
    git("commit", "-q", "-a", "-m", "two")
    (project / "project.yaml").rename(project / "renamed.yaml")
    done = selinon("graph", "renamed.yaml", "--diff", "HEAD~1", "--format", "json", "-o", "-")
    assert (done.returncode, done.stderr) == (1, "1 flow differs\n")
    content = json.loads(done.stdout)
    assert content["flow"] == "two"
    assert {(e["target"], e.get("change", "")) for e in content["edges"]} == {("task:B", ""), ("task:C", "added")}
    assert selinon("graph", "renamed.yaml", "--diff", "HEAD", "--format", "json").returncode == 0


def test_options_from_the_environment() -> None:
    done = selinon("graph", "project.yaml", SELINON_GRAPH_FORMAT="dot", SELINON_GRAPH_OUTPUT="-")
    assert done.stdout.count("digraph") == 2


def test_the_originals_plot(project: Path) -> None:
    (project / "style.yml").write_text("style: {task: {fillcolor: '#123456'}}\n")
    (project / "images").mkdir()
    words = [
        "plot",
        "-n",
        "project.yaml",
        "-f",
        "project.yaml",
        "-c",
        "style.yml",
        "-o",
        "images",
        "--format",
        "dot",
    ]
    done = selinon(*words, script="compat")
    assert done.returncode == 0, done.stderr
    assert files(project / "images", ".dot") == ["one.dot", "two.dot"]
    assert "#123456" in (project / "images" / "one.dot").read_text()
