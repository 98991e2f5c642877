"""``selinon lint`` from the command line to the exit code."""

from __future__ import annotations

import importlib.metadata
import io
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.conftest import FLOWS, Cli
from tests.cli.sarif_checks import check_sarif

ROOT = Path(__file__).resolve().parents[2]
BROKEN = FLOWS.replace("from: Charge", "from: Chrage")


@pytest.fixture
def broken(shop: Path) -> Path:
    (shop / "flows" / "order.yaml").write_text(BROKEN)
    return shop


@pytest.fixture
def warned(shop: Path) -> Path:
    """A project with one warning: a duplicate key."""
    (shop / "flows" / "order.yaml").write_text(
        FLOWS.replace("    queue: orders", "    queue: a\n    queue: orders")
    )
    return shop


def test_a_fine_project(shop: Path, cli: Cli) -> None:
    ran = cli("lint")
    assert ran == (0, "no problems in 2 files (1 flow, 3 tasks)\n", "")


def test_quiet_is_silent_when_there_is_nothing_to_say(shop: Path, cli: Cli) -> None:
    assert cli("lint", "-q") == (0, "", "")


def test_an_error(broken: Path, cli: Cli) -> None:
    ran = cli("lint")
    assert ran.code == 1
    assert ran.err == ""
    assert ran.out == (
        'flows/order.yaml:7:15: error[SEL201]: unknown node "Chrage"\n'
        "    7 |       - from: Chrage\n"
        "      |               ^^^^^^ no task or flow has this name\n"
        '      = help: did you mean "Charge" (nodes.yaml:2:11)?\n'
        "1 error in 2 files (1 flow, 3 tasks)\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("-n", "nodes.yaml", "-f", "flows"),
        ("--nodes-definition=nodes.yaml", "flows/order.yaml"),
        ("flows",),
        (".",),
        (),
    ],
)
def test_ways_to_name_files(broken: Path, cli: Cli, words: tuple[str, ...]) -> None:
    ran = cli("lint", *words, "--format", "json")
    assert [found["code"] for found in json.loads(ran.out)] == ["SEL201"]


def test_json_goes_to_stdout_and_the_rest_to_stderr(broken: Path, cli: Cli) -> None:
    ran = cli("lint", "--format", "json")
    (found,) = json.loads(ran.out)
    assert (found["file"], found["line"], found["column"]) == ("flows/order.yaml", 7, 15)
    assert ran.err == "1 error in 2 files (1 flow, 3 tasks)\n"
    assert cli("lint", "--format", "json", "-q").err == ""


def test_sarif_is_relative_to_the_repository(broken: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    (broken / ".git").mkdir()
    (broken / "nodes.yaml").write_text(
        (broken / "nodes.yaml")
        .read_text()
        .replace("    max_retry: 1\n", "    max_retry: 1  # selinon: ignore[SEL003] as it was\n    max_retry: 1\n")
    )
    monkeypatch.chdir(broken / "flows")
    ran = cli("lint", "--format", "sarif", "..")
    log = json.loads(ran.out)
    check_sarif(log)
    results = log["runs"][0]["results"]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results]
    assert "flows/order.yaml" in places
    assert ran.code == 1


def test_github_is_relative_to_the_repository(broken: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    (broken / ".git").mkdir()
    monkeypatch.chdir(broken / "flows")
    ran = cli("lint", "--format", "github", "order.yaml")
    assert ran.out.startswith("::error file=flows/order.yaml,line=7,endLine=7,col=15,endColumn=20,title=SEL201::")


def test_warnings_count_under_strict(warned: Path, cli: Cli) -> None:
    assert cli("lint").code == 0
    ran = cli("lint", "--strict")
    assert ran.code == 1
    assert "1 warning in" in ran.out


def test_pyproject_may_say_strict(warned: Path, cli: Cli) -> None:
    (warned / "pyproject.toml").write_text("[tool.selinon]\nstrict = true\n")
    assert cli("lint").code == 1


def test_annotations_say_what_the_exit_code_says(warned: Path, cli: Cli) -> None:
    assert [found["severity"] for found in json.loads(cli("lint", "--format", "json").out)] == ["warning"]
    strict = cli("lint", "--strict", "--format", "json").out
    assert [found["severity"] for found in json.loads(strict)] == ["error"]
    assert cli("lint", "--strict", "--format", "github").out.startswith("::error ")
    sarif = json.loads(cli("lint", "--strict", "--format", "sarif").out)
    assert [result["level"] for result in sarif["runs"][0]["results"]] == ["error"]


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (("--ignore", "SEL2"), []),
        (("--ignore", "sel201"), []),
        (("--ignore", "SEL3"), ["SEL201"]),
        (("--select", "SEL3"), []),
        (("--select", "SEL3,SEL2"), ["SEL201"]),
        (("--select", "SEL2", "--ignore", "SEL201"), []),
        (("--select", "SEL201", "--ignore", "SEL2"), ["SEL201"]),
        (("--select", "SEL2", "--ignore", "SEL2"), []),
    ],
)
def test_choosing_codes(broken: Path, cli: Cli, words: tuple[str, ...], codes: list[str]) -> None:
    ran = cli("lint", "--format", "json", *words)
    assert [found["code"] for found in json.loads(ran.out)] == codes
    assert ran.code == (1 if codes else 0)


def test_an_unreadable_file_is_never_fine(shop: Path, cli: Cli) -> None:
    (shop / "flows" / "order.yaml").write_text("flow-definitions: [")
    ran = cli("lint", "--select", "SEL9", "--format", "json")
    assert ran.code == 1
    assert all(found["code"].startswith("SEL0") for found in json.loads(ran.out))


def test_an_unknown_code(shop: Path, cli: Cli) -> None:
    ran = cli("lint", "--ignore", "SEL20l")
    assert ran.code == 2
    assert ran.out == ""
    assert 'no rule has the code "SEL20L"' in ran.err
    assert "did you mean SEL2" in ran.err


def test_statistics(broken: Path, cli: Cli) -> None:
    ran = cli("lint", "--statistics")
    assert ran.out.splitlines()[-2:] == [
        "    1  SEL201  unknown node",
        "1 error in 2 files (1 flow, 3 tasks)",
    ]
    ran = cli("lint", "--statistics", "--format", "json")
    json.loads(ran.out)
    assert "SEL201" in ran.err


def test_stdin(shop: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BROKEN.encode())))
    ran = cli("lint", "-", "--format", "json")
    assert ran.code == 1
    assert json.loads(ran.out)[0]["file"] == "<stdin>"


def test_stdin_takes_the_place_of_a_file(shop: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BROKEN.encode())))
    ran = cli("lint", "flows", "-", "--stdin-filename", "flows/order.yaml")
    assert ran.out.startswith("flows/order.yaml:7:15: error[SEL201]")
    assert "    7 |       - from: Chrage\n" in ran.out
    assert ran.out.endswith("1 error in 2 files (1 flow, 3 tasks)\n")


def test_stdin_filename_alone_is_a_mistake(shop: Path, cli: Cli) -> None:
    ran = cli("lint", "--stdin-filename", "x.yaml")
    assert ran.code == 2
    assert "--stdin-filename needs -" in ran.err


def test_list_rules(cli: Cli) -> None:
    ran = cli("lint", "--list-rules")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert "SEL201  error    unknown node" in lines
    assert lines == sorted(lines)
    listed = json.loads(cli("lint", "--list-rules", "--format", "json").out)
    assert [rule["code"] for rule in listed] == [line.split()[0] for line in lines]
    assert all(rule["title"] and rule["severity"] for rule in listed)


def test_every_rule_can_be_explained(cli: Cli) -> None:
    for rule in json.loads(cli("lint", "--list-rules", "--format", "json").out):
        ran = cli("lint", "--explain", rule["code"])
        assert ran.code == 0
        assert ran.out.startswith(f"{rule['code']}: {rule['title']} ({rule['severity']})\n")
        for heading in ("What it does", "Why it is bad", "Example"):
            assert f"\n{heading}\n  " in ran.out, rule["code"]
        assert "``" not in ran.out, rule["code"]


def test_explaining_a_group(cli: Cli) -> None:
    ran = cli("lint", "--explain", "sel90")
    assert ran.code == 0
    assert {line[:5] for line in ran.out.splitlines()} == {"SEL90"}
    assert ran.err == "these begin with SEL90; selinon lint --explain CODE explains one\n"
    codes = [rule["code"] for rule in json.loads(cli("lint", "--explain", "SEL90", "--format", "json").out)]
    assert [line.split()[0] for line in ran.out.splitlines()] == codes


def test_explaining_what_is_not_there(cli: Cli) -> None:
    ran = cli("lint", "--explain", "SEL999x")
    assert ran.code == 2
    assert 'no rule has the code "SEL999x"' in ran.err


def test_no_such_file(shop: Path, cli: Cli) -> None:
    ran = cli("lint", "flow")
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err == "error: no such file or directory: flow\n"


def test_colours(broken: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in cli("lint").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;31merror[SEL201]\x1b[0m" in cli("lint").out
    assert "\x1b" not in cli("lint", "--no-color").out
    assert "\x1b" not in cli("--no-color", "lint").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in cli("lint").out


def test_importing_user_code_leaves_stdout_alone(shop: Path, cli: Cli) -> None:
    (shop / "shop.py").write_text(
        "import os\nprint('printed at import')\nos.system('echo from a child process')\n"
        + (shop / "shop.py").read_text()
    )
    ran = cli("lint", "--import", "--format", "json")
    assert json.loads(ran.out) == []
    assert "printed at import" in ran.err
    assert "from a child process" in ran.err


def test_without_import_no_user_code_runs(shop: Path, cli: Cli) -> None:
    (shop / "shop.py").write_text("raise SystemExit('must not run')\n" + (shop / "shop.py").read_text())
    assert cli("lint").code == 0
    assert "shop" not in sys.modules


def test_values_come_from_the_environment(broken: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELINON_LINT_FORMAT", "json")
    assert json.loads(cli("lint").out)[0]["code"] == "SEL201"
    monkeypatch.setenv("SELINON_LINT_IGNORE", "SEL9 SEL201")
    assert json.loads(cli("lint").out) == []


@pytest.mark.parametrize("command", [["lint"], ["run", "--local"], ["watch"]])
def test_a_place_of_modules_that_does_not_exist(shop: Path, cli: Cli, command: list[str]) -> None:
    ran = cli(*command, "--pythonpath", "nowhere")
    assert (ran.code, ran.out) == (2, "")
    assert "--pythonpath: no such directory: nowhere" in ran.err


@pytest.mark.parametrize(
    ("origin", "page"),
    [
        (
            {"url": "https://github.com/ada/s.git", "vcs_info": {"vcs": "git", "commit_id": "a1b2"}},
            "https://github.com/ada/s/blob/a1b2/docs/reference/rules.md",
        ),
        (
            {
                "url": "https://gitlab.com/ada/s",
                "vcs_info": {"vcs": "git", "commit_id": "a1b2", "requested_revision": "v2"},
                "subdirectory": "python",
            },
            "https://gitlab.com/ada/s/-/blob/a1b2/python/docs/reference/rules.md",
        ),
        ({"url": "https://git.example/s.git", "vcs_info": {"vcs": "git", "commit_id": "a1b2"}}, None),
        ({"url": "https://me:word@github.com/ada/s.git", "vcs_info": {"vcs": "git", "commit_id": "a1b2"}}, None),
        ({"url": "ssh://git@github.com/ada/s.git", "vcs_info": {"vcs": "git", "commit_id": "a1b2"}}, None),
        ({"url": "file:///home/ada/selinon", "dir_info": {"editable": True}}, None),
        (None, None),
    ],
)
def test_rules_in_sarif_lead_to_their_page(
    broken: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | None, page: str | None
) -> None:
    text = None if origin is None else json.dumps(origin)
    monkeypatch.setattr(
        importlib.metadata, "distribution", lambda name: SimpleNamespace(read_text=lambda file: text)
    )
    log = json.loads(cli("lint", "--format", "sarif", str(broken)).out)
    check_sarif(log)
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    anchors = set(
        re.findall(r"^### (SEL\d+)$", (ROOT / "docs" / "reference" / "rules.md").read_text(), re.MULTILINE)
    )
    assert rules
    for rule in rules:
        assert rule["id"] in anchors
        assert rule.get("helpUri") == (None if page is None else f"{page}#{rule['id'].lower()}")
