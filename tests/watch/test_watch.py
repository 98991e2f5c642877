"""``selinon watch`` as a user sees it: real processes, real files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from selinon_cli.main import main
from tests.watch.watcher import FLOW, WORK, environment, processes_with, until, watching, write_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_project(tmp_path)
    return tmp_path


def save(path: Path, content: str) -> None:
    """As editors do it."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(content)
    os.replace(temporary, path)


def test_tells_what_changed_and_what_the_check_says(project: Path) -> None:
    with watching(project) as watcher:
        watcher.says("watching 4 files", "no problems in 2 files (1 flow, 1 task)")
        save(project / "flows" / "first.yaml", FLOW.format(name="first", node="Wrok"))
        watcher.says("changed flows/first.yaml", 'unknown node "Wrok"', "(the last good result is that of ")
        save(project / "flows" / "first.yaml", FLOW.format(name="second", node="Work"))
        watcher.until(lambda: watcher.out.endswith("no problems in 2 files (1 flow, 1 task)\n"))
        assert watcher.end() == 130


def test_does_not_run_without_being_asked(project: Path) -> None:
    with watching(project) as watcher:
        watcher.says("no problems")
        save(project / "flows" / "first.yaml", FLOW.format(name="again", node="Work"))
        watcher.until(lambda: watcher.out.count("no problems") == 2)
        watcher.end()
        assert "version" not in watcher.out


def test_code_is_reloaded_modules_of_modules_too(project: Path) -> None:
    (project / "helpers").mkdir()
    (project / "helpers" / "__init__.py").write_text("")
    (project / "helpers" / "words.py").write_text("WORD = 'first word'\n")
    code = WORK.replace('"version {version}"', "WORD")
    (project / "work.py").write_text("from helpers.words import WORD\n" + code)
    with watching(project, "--run") as watcher:
        watcher.says("first word")
        save(project / "helpers" / "words.py", "WORD = 'other word'\n")
        watcher.says("changed helpers/words.py", "other word")
        watcher.end()


def test_options_of_run(project: Path) -> None:
    words = ("--run", "--flow", "first", "--mock", 'Work={"n": 1}', "--report", "report.yaml", "--seed", "7")
    with watching(project, *words, "--trace", "trace.py") as watcher:
        watcher.says("first: success")
        watcher.until((project / "report.yaml").exists)
        assert json.loads((project / "report.yaml").read_text())["nodes"][0]["result"] == {"n": 1}
        watcher.end()
        # Its own files are not changes, whatever their names.
        assert "added" not in watcher.err


def test_report_to_stdout(project: Path) -> None:
    with watching(project, "--run", "--mock-tasks", "--report", "-") as watcher:
        watcher.says('"status": "success"')
        watcher.end()


CASES = """flow: first
tests:
  - {name: one, mocks: {Work: {result: 1}}, expect: {results: {Work: EXPECTED}}}
"""


def test_cases_run_behind_a_clean_check_and_when_they_change(project: Path) -> None:
    cases = project / "flows" / "first.flowtest.yaml"
    cases.write_text(CASES.replace("EXPECTED", "1"))
    with watching(project, "--test") as watcher:
        watcher.says("no problems", "1 passed")
        save(cases, CASES.replace("EXPECTED", "2"))
        watcher.says("changed flows/first.flowtest.yaml", "expected  the result of Work to be 2", "1 failed")
        save(project / "flows" / "first.yaml", FLOW.format(name="first", node="Wrok"))
        watcher.says("error[SEL201]")
        assert watcher.out.count("1 failed") == 1
        watcher.end()


def test_cases_of_a_project_without_any_are_no_mistake(project: Path) -> None:
    with watching(project, "--test", "-k", "nothing") as watcher:
        watcher.says("no problems")
        (project / "first.flowtest.yaml").write_text(CASES.replace("EXPECTED", "1").replace("one", "nothing new"))
        watcher.says("1 passed")  # by the first rebuild, when its tests begin after the file is there
        watcher.end()


def test_files_that_a_run_reads_are_watched(project: Path) -> None:
    elsewhere = project.parent / f"{project.name}-elsewhere"
    elsewhere.mkdir()
    mocks = elsewhere / "mocks.txt"
    mocks.write_text("Work: {error: 'ValueError: from the mocks'}\n")
    with watching(project, "--run", "--mocks", str(mocks)) as watcher:
        watcher.says("from the mocks")
        save(mocks, "Work: {error: 'ValueError: from others'}\n")
        watcher.says("from others")
        watcher.end()


def test_schemas_are_watched(project: Path) -> None:
    nodes = (project / "nodes.yaml").read_text()
    (project / "nodes.yaml").write_text(nodes + "    output_schema: schema.json\n")
    (project / "schema.json").write_text('{"type": "object"}')
    (project / "work.py").write_text(WORK.replace('raise RuntimeError("version {version}")', "return 1"))
    with watching(project, "--run") as watcher:
        watcher.says("is a number (1), not an object")
        save(project / "schema.json", '{"type": "integer"}')
        watcher.says("changed schema.json", "first: success")
        watcher.end()
        assert watcher.err.count("schema.json") == 1


def test_files_that_tasks_write_do_not_start_rebuilds(project: Path) -> None:
    (project / "nodes.yaml").write_text(
        "tasks:\n  - {name: Work, import: work, storage: Files}\n"
        "storages:\n  - name: Files\n    import: selinon_core.storages.filesystem\n    classname: Filesystem\n"
        "    configuration: {path: results}\n"
    )
    (project / "work.py").write_text(
        WORK.replace(
            'raise RuntimeError("version {version}")',
            'import time\n        open("out.yaml", "w").write(f"at: {{time.time()}}")\n        return 1',
        )
        .replace("{{", "{")
        .replace("}}", "}")
    )
    with watching(project, "--run", "--storage", "real") as watcher:
        watcher.says("first: success")
        save(project / "flows" / "first.yaml", FLOW.format(name="second", node="Work"))
        watcher.says("second: success")
        # Had the files of the first rebuild been changes, there would have been a rebuild in between.
        assert watcher.out.count("no problems") == 2
        watcher.end()
    assert list((project / "results").rglob("*.json"))


def test_prints_of_tasks_go_to_stderr(project: Path) -> None:
    (project / "work.py").write_text(
        "import os\n"
        + WORK.replace('raise RuntimeError("version {version}")', 'print("hello"); os.system("echo hi")')
    )
    with watching(project, "--run") as watcher:
        watcher.says("first: success", "hello\n", "hi\n")
        watcher.end()
        assert "hello" not in watcher.out
        assert "hi\n" not in watcher.out


def test_exec_runs_behind_a_clean_check_only(project: Path) -> None:
    command = f"{sys.executable} -c \"open('ran.txt', 'a').write('x')\""
    with watching(project, "--exec", command) as watcher:
        watcher.until(lambda: (project / "ran.txt").exists())
        save(project / "flows" / "first.yaml", "flow-definitions: [")
        watcher.says("error[SEL001]")
        save(project / "flows" / "first.yaml", FLOW.format(name="good", node="Work"))
        watcher.until(lambda: (project / "ran.txt").read_text() == "xx")
        watcher.end()


def test_exec_tells_a_failure_and_is_ended_by_a_change(project: Path) -> None:
    (project / "job.sh").write_text("echo started\ntest -e fail && exit 5\nsleep 1000 & sleep 1000\n")
    with watching(project, "--exec", "sh job.sh") as watcher:
        watcher.says("started")
        (project / "fail").touch()
        save(project / "flows" / "first.yaml", FLOW.format(name="again", node="Work"))
        watcher.says("selinon: sh: exit code 5")
        watcher.until(lambda: not watcher.children())
        watcher.end()


def test_graph_of_the_flow_and_of_all(project: Path) -> None:
    with watching(project, "--graph", "first.svg", "--flow", "first") as watcher:
        watcher.until((project / "first.svg").exists)
        watcher.end()
    assert b"<svg" in (project / "first.svg").read_bytes()
    (project / "flows" / "other.yaml").write_text(FLOW.format(name="other", node="Work"))
    with watching(project, "--graph", "pictures/", "--run", "--flow", "first") as watcher:
        watcher.until(lambda: (project / "pictures" / "other.svg").exists())
        watcher.end()
    # How often an edge fired is reported of the flow that ran.
    assert b"1/1" in (project / "pictures" / "first.svg").read_bytes()
    assert b"1/1" not in (project / "pictures" / "other.svg").read_bytes()


def test_which_flow_is_meant_is_asked_once(project: Path) -> None:
    (project / "flows" / "other.yaml").write_text(FLOW.format(name="other", node="Work"))
    with watching(project, "--run", "--graph", "flow.svg", "--exec", "echo all done") as watcher:
        watcher.says("all done")
        watcher.end()
    assert watcher.err.count("there are 2 flows that no other flow starts") == 1


def test_graph_in_another_format(project: Path) -> None:
    with watching(project, "--graph", "first.mmd") as watcher:
        watcher.until((project / "first.mmd").exists)
        watcher.end()
    assert "flowchart" in (project / "first.mmd").read_text()


def test_project_without_files_yet(tmp_path: Path) -> None:
    with watching(tmp_path) as watcher:
        watcher.says("watching 0 files", "no YAML files in .")
        write_project(tmp_path / "new")
        watcher.says("added new/", "2 files (1 flow, 1 task)")
        (tmp_path / "new").rename(tmp_path / "newer")
        watcher.says("added newer/", "removed new/")
        save(tmp_path / "newer" / "flows" / "first.yaml", FLOW.format(name="first", node="Wrok"))
        watcher.says("changed newer/flows/first.yaml", 'unknown node "Wrok"')
        watcher.end()


def test_settings_are_read_again(project: Path) -> None:
    elsewhere = project.parent / f"{project.name}-src"
    elsewhere.mkdir()
    (project / "work.py").rename(elsewhere / "work.py")
    with watching(project, "--run") as watcher:
        watcher.says('module "work" cannot be found', "No module named 'work'")
        save(project / "pyproject.toml", f"[tool.selinon]\npythonpath = ['../{elsewhere.name}']\n")
        watcher.says("version 1")
        save(elsewhere / "work.py", WORK.format(version=2))
        watcher.says("version 2")
        save(project / "pyproject.toml", "[tool.selinon")
        watcher.says("cannot read pyproject.toml")
        watcher.end()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(project: Path) -> None:
    with watching(project) as watcher:
        watcher.says("no problems")
        (project / "nodes.yaml").chmod(0)
        watcher.says("the file cannot be read")
        (project / "nodes.yaml").chmod(0o644)
        watcher.until(lambda: watcher.out.count("no problems") == 2)
        watcher.end()


def test_directory_with_the_name_of_a_file_and_links_to_nowhere(project: Path) -> None:
    with watching(project) as watcher:
        watcher.says("no problems")
        (project / "flows" / "dir.yaml").mkdir()
        (project / "flows" / "nowhere.yaml").symlink_to("missing.yaml")
        save(project / "flows" / "first.yaml", FLOW.format(name="again", node="Work"))
        watcher.says("changed flows/first.yaml")
        watcher.until(lambda: watcher.out.count("files (") >= 2)
        watcher.end()


def test_task_that_kills_its_process_is_reported(project: Path) -> None:
    (project / "work.py").write_text(
        WORK.replace('raise RuntimeError("version {version}")', "import os; os.kill(os.getpid(), 9)")
    )
    with watching(project, "--run") as watcher:
        watcher.says("the rebuild did not come to its end: ended by SIGKILL")
        save(project / "work.py", WORK.format(version=2))
        watcher.says("version 2")
        watcher.end()


ENDLESS = """\
import signal, subprocess, sys, time
{ignore}
class Work:
    def __init__(self, **names):
        pass

    def run(self, node_args):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        print("begun", flush=True)
        while True:
            try:
                time.sleep(1000)
            except BaseException:
                {reaction}
"""
OBEDIENT = ENDLESS.format(ignore="", reaction="raise")
STUBBORN = ENDLESS.format(ignore="signal.signal(signal.SIGTERM, signal.SIG_IGN)", reaction="pass")


@pytest.mark.parametrize("code", [OBEDIENT, STUBBORN], ids=["obedient", "stubborn"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ends_with_all_it_has_started(project: Path, code: str, number: signal.Signals) -> None:
    (project / "work.py").write_text(code)
    with watching(project, "--run") as watcher:
        watcher.says("begun")
        # ``end`` waits until nothing is left.
        assert watcher.end(number) == (130 if number == signal.SIGINT else 128 + number)
        assert "Traceback" not in watcher.err


def test_change_ends_a_run_that_goes_on(project: Path) -> None:
    (project / "work.py").write_text(STUBBORN)
    with watching(project, "--run") as watcher:
        watcher.says("begun")
        save(project / "work.py", WORK.format(version=2))
        watcher.says("version 2")
        watcher.until(lambda: not watcher.children())
        watcher.end()


def test_nothing_is_left_of_a_killed_watcher(project: Path) -> None:
    (project / "work.py").write_text(STUBBORN)
    with watching(project, "--run") as watcher:
        watcher.says("begun")
        watcher.process.kill()
        watcher.process.wait()
        until(lambda: not processes_with(watcher.tag), lambda: f"left: {processes_with(watcher.tag)}")


class Terminal:
    """A watcher in a terminal of its own."""

    def __init__(self, project: Path) -> None:
        spawn = "import pty, sys, os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
        self.process = subprocess.Popen(
            [sys.executable, "-c", spawn, sys.executable, "-m", "selinon_cli", "watch", "--run"],
            cwd=project,
            env={**environment(), "TERM": "xterm"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.shown = b""

    def until(self, text: bytes) -> None:
        assert self.process.stdout is not None
        while text not in self.shown:
            chunk = os.read(self.process.stdout.fileno(), 65536)
            assert chunk, self.shown
            self.shown += chunk

    def press_ctrl_c(self) -> int:
        rest, _ = self.process.communicate(b"\x03", timeout=60)
        self.shown += rest
        return self.process.returncode


def test_ctrl_c_in_a_terminal(project: Path) -> None:
    (project / "work.py").write_text(OBEDIENT)
    terminal = Terminal(project)
    terminal.until(b"begun")
    assert terminal.press_ctrl_c() == 130
    assert terminal.shown.rindex(b"\x1b[?25h") > terminal.shown.rindex(b"\x1b[?25l"), "the cursor is visible again"
    assert b"Traceback" not in terminal.shown


def test_live_display_of_a_run_that_is_ended_takes_nothing_else_off_the_screen(project: Path) -> None:
    (project / "work.py").write_text(OBEDIENT)
    terminal = Terminal(project)
    terminal.until(b"begun")
    save(project / "work.py", WORK.format(version=2))
    terminal.until(b"version 2")
    between = terminal.shown.partition(b"changed work.py")[2].partition(b"no problems")[0]
    assert b"\x1b[1A" not in between, "the cursor does not go up any more"
    assert b"\x1b[2K" not in between, "no line is erased any more"
    assert terminal.press_ctrl_c() == 130


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["missing.yaml"], "no such file or directory: missing.yaml"),
        (["-n", "missing.yaml"], "no such file or directory: missing.yaml"),
        (["--mock-tasks", "--flow", "first"], "--flow, --mock-tasks: options of a run need --run"),
        (["--port", "1"], "--port is about --serve"),
        (["--graph", "-"], "--graph needs a file or a directory"),
        (["--graph", "x.gif"], '--graph: no drawing ends in ".gif"'),
        (["--run", "--node-args-file", "-"], "stdin can be read once"),
        (["--run", "-a", "@-"], "stdin can be read once"),
        (["--exec", "no-such-command-at-all"], "there is no command no-such-command-at-all"),
        (["--exec", "echo 'open"], "--exec: no closing quotation"),
    ],
)
def test_wrong_use(
    project: Path,
    words: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(project)
    assert main(["watch", *words]) == 2
    assert told in capfd.readouterr().err
