"""``selinon test`` from the command line to the exit code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Cli
from tests.testing.shop import copy_shop

CASES = """\
flow: order
tests:
  - name: a gift
    args: {number: 8}
    tags: [quick]
    tasks: real
    expect: {not_ran: Charge}
  - name: charged
    tasks: real
    expect: {ran: Charge}
"""
FAILING = (
    CASES
    + """\
  - name: fails
    tasks: real
    expect: {not_ran: Charge}
"""
)
RESERVE = """\
flow: reserve
tests:
  - {name: skipped, skip: not today}
  - {name: fails as we know, xfail: a bug, tasks: real, args: {lines: []}, expect: {status: failure}}
"""


def steady(text: str) -> str:
    """Output without real times."""
    return re.sub(r"\d+\.\d\d s", "N s", text)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop with cases that pass."""
    root = copy_shop(tmp_path / "shop")
    (root / "order.flowtest.yaml").write_text(CASES, encoding="utf-8")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def failing(project: Path) -> Path:
    """The shop with a case that fails."""
    (project / "order.flowtest.yaml").write_text(FAILING, encoding="utf-8")
    return project


def test_cases_that_pass_are_counted(project: Path, cli: Cli) -> None:
    ran = cli("test")
    assert (ran.code, steady(ran.out), ran.err) == (0, "2 passed in N s\n", "")
    assert not (project / ".selinon").exists()


def test_verbosely_they_are_named(project: Path, cli: Cli) -> None:
    lines = cli("test", "-v").out.splitlines()
    assert re.fullmatch(r"order\.flowtest\.yaml::a gift \.\.\. PASSED +\(order\.flowtest\.yaml:3:5\)", lines[0])


def test_a_failing_case_is_explained(failing: Path, cli: Cli) -> None:
    ran = cli("test")
    assert ran.code == 1
    lines = steady(ran.out).splitlines()
    assert lines[0].startswith("order.flowtest.yaml::fails ... FAILED ")
    assert lines[0].endswith("(order.flowtest.yaml:11:5)")
    assert lines[1:] == [
        "  expected  Charge not to run  (order.flowtest.yaml:13:14)",
        "  but       Charge ran once: edge [LoadOrder, reserve] -> Charge fired (flows/order.yaml:11:9)",
        "              LoadOrder.total > 0    is true: total was 81.0",
        "2 passed, 1 failed in N s",
    ]


def test_quietly_only_failures_are_printed(failing: Path, cli: Cli) -> None:
    assert "passed" not in cli("test", "-q").out


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        (("-k", "gift"), ["a gift"]),
        (("-k", "not quick"), ["charged", "fails"]),
        (("--tag", "quick"), ["a gift"]),
        (("--flow", "order", "-k", "charged or fails"), ["charged", "fails"]),
        (("order.flowtest.yaml::charged",), ["charged"]),
        (("order.flowtest.yaml::charged", "order.flowtest.yaml::a gift"), ["a gift", "charged"]),
        ((".",), ["a gift", "charged", "fails"]),
        (("flows", "nodes.yaml", "order.flowtest.yaml"), ["a gift", "charged", "fails"]),
    ],
)
def test_cases_are_chosen(failing: Path, cli: Cli, words: tuple[str, ...], titles: list[str]) -> None:
    listed = cli("test", "--list", *words)
    assert (listed.code, listed.out.splitlines()) == (0, [f"order.flowtest.yaml::{title}" for title in titles])
    report = json.loads(cli("test", "--format", "json", *words).out)
    assert [case["name"] for case in report["cases"]] == titles


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--ci", "--update-snapshots"), "--ci writes no snapshots"),
        (("--last-failed", "--failed-first"), "exclude each other"),
        (("--junit", "-", "--format", "json"), "cannot both write to stdout"),
        (("-j", "none"), "expected auto or a number"),
        (("-j", "0"), "expected auto or a number"),
        (("-k", "gift and"), "a word is missing"),
        (("--flow", "ordre"), 'did you mean "order"'),
        (("order.flowtest.yaml::a gitf",), "did you mean"),
        (("nowhere.flowtest.yaml",), "no such file"),
        (
            (
                "-k",
                "nothing",
            ),
            "no case is selected",
        ),
        (("--junit", "nowhere/results.xml"), "nowhere"),
    ],
)
def test_wrong_use_is_refused(project: Path, cli: Cli, words: tuple[str, ...], said: str) -> None:
    ran = cli("test", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_without_any_case_the_user_is_told_how_to_begin(project: Path, cli: Cli) -> None:
    (project / "order.flowtest.yaml").unlink()
    ran = cli("test")
    assert ran.code == 2
    assert "there is no flow test case\n  selinon check --suggest order.flowtest.yaml writes some" in ran.err
    assert cli("test", "--allow-none").code == 0


def test_a_broken_case_file_is_printed_with_its_place(project: Path, cli: Cli) -> None:
    path = project / "order.flowtest.yaml"
    path.write_text(CASES.replace("expect: {ran", "expekt: {ran"), encoding="utf-8")
    ran = cli("test")
    assert (ran.code, ran.out) == (2, "")
    assert "order.flowtest.yaml:10:5: error[SEL800]" in ran.err
    assert "^^^^^^" in ran.err


def test_an_empty_case_file_is_broken(project: Path, cli: Cli) -> None:
    (project / "order.flowtest.yaml").write_text("", encoding="utf-8")
    assert cli("test").code == 2
    (project / "order.flowtest.yaml").write_text("flow: order\ntests: []\n", encoding="utf-8")
    assert cli("test").code == 2


def test_a_broken_project_is_printed(project: Path, cli: Cli) -> None:
    flows = project / "flows" / "order.yaml"
    flows.write_text(flows.read_text(encoding="utf-8").replace("to: Charge", "to: Chrage"), encoding="utf-8")
    ran = cli("test")
    assert (ran.code, ran.out) == (2, "")
    assert "error[SEL201]" in ran.err


def test_the_json_report(failing: Path, cli: Cli) -> None:
    (failing / "reserve.flowtest.yaml").write_text(RESERVE, encoding="utf-8")
    report = json.loads(cli("test", "--format", "json").out)
    assert report["version"] == 1
    assert [case["status"] for case in report["cases"]] == ["passed", "passed", "failed", "skipped", "xfailed"]
    failed = report["cases"][2]
    assert {key: failed[key] for key in ("id", "file", "line", "name", "parameters", "seed")} == {
        "id": "order.flowtest.yaml::fails",
        "file": "order.flowtest.yaml",
        "line": 11,
        "name": "fails",
        "parameters": {},
        "seed": 0,
    }
    (finding,) = failed["findings"]
    assert finding["expectation"] == "not_ran"
    assert finding["where"] == "order.flowtest.yaml:13:14"
    assert finding["explain"][0]["text"] == "LoadOrder.total > 0"
    assert report["summary"] | {"seconds": 0} == {
        "passed": 2,
        "failed": 1,
        "error": 0,
        "stale": 0,
        "skipped": 1,
        "xfailed": 1,
        "cases": 5,
        "runs": 4,
        "seconds": 0,
    }


def test_annotations_of_github(failing: Path, cli: Cli) -> None:
    ran = cli("test", "--format", "github")
    assert ran.out.startswith(
        "::error file=order.flowtest.yaml,line=11,col=5,title=fails::expected Charge not to run"
    )
    assert ran.out.count("\n") == 1
    assert "1 failed" in ran.err


def test_junit_to_a_file_and_to_stdout(failing: Path, cli: Cli) -> None:
    assert cli("test", "--junit", "results.xml").code == 1
    (suite,) = ElementTree.parse(failing / "results.xml").getroot()
    assert [case.get("name") for case in suite] == ["a gift", "charged", "fails"]
    ran = cli("test", "--junit", "-")
    assert ElementTree.fromstring(ran.out).find("testsuite") is not None


def test_what_failed_is_run_again_or_first(failing: Path, cli: Cli) -> None:
    cli("test")
    (failing / "a.flowtest.yaml").write_text(RESERVE, encoding="utf-8")
    assert cli("test", "--list", "--last-failed").out.splitlines() == ["order.flowtest.yaml::fails"]
    assert cli("test", "--list", "--failed-first").out.splitlines()[0] == "order.flowtest.yaml::fails"
    (failing / "order.flowtest.yaml").write_text(CASES, encoding="utf-8")
    ran = cli("test", "--last-failed")
    assert ran.code == 0
    assert "no case failed at the last run: all run" in ran.err


def test_the_first_failure_ends_the_run(failing: Path, cli: Cli) -> None:
    (failing / "order.flowtest.yaml").write_text(
        FAILING + CASES.partition("tests:\n")[2].replace("name: ", "name: z")
    )
    whole = json.loads(cli("test", "--format", "json").out)["summary"]["cases"]
    stopped = json.loads(cli("test", "-x", "--format", "json").out)["summary"]
    assert (whole, stopped["cases"], stopped["failed"]) == (5, 3, 1)


def test_seeds_and_the_seed(failing: Path, cli: Cli) -> None:
    assert "3 cases" not in cli("test", "--seeds", "4").out
    assert "12 seeds" in cli("test", "--seeds", "4").out
    report = json.loads(cli("test", "--seed", "7", "--format", "json").out)
    assert {case["seed"] for case in report["cases"]} == {7}


def test_failed_runs_are_drawn(failing: Path, cli: Cli) -> None:
    ran = cli("test", "--graph-dir", "drawings")
    assert [path.name for path in (failing / "drawings").iterdir()] == ["order-fails.svg"]
    assert "wrote drawings/order-fails.svg" in ran.err


def test_the_slowest_cases_are_named(failing: Path, cli: Cli) -> None:
    assert cli("test", "--slowest", "2").err.count(" s  order.flowtest.yaml::") == 2


def test_unused_mocks_are_errors_and_in_continuous_integration_missing_snapshots_too(
    project: Path, cli: Cli
) -> None:
    path = project / "order.flowtest.yaml"
    path.write_text(CASES.replace("expect: {ran: Charge}", "mocks: {ReleaseItems: {result: 5}}"), encoding="utf-8")
    ran = cli("test")
    assert ran.code == 1
    assert "error: no run used the mock of ReleaseItems" in ran.err
    assert cli("test", "-k", "gift").code == 0  # the mock may be for a case that was not selected
    path.write_text(CASES.replace("expect: {ran: Charge}", "expect: {snapshot: true}"), encoding="utf-8")
    assert cli("test", "--ci").code == 1
    assert cli("test").code == 0
    assert cli("test", "--ci").code == 0


def test_what_tasks_print_is_shown_where_a_case_fails(failing: Path, cli: Cli) -> None:
    tasks = failing / "tasks.py"
    text = tasks.read_text(encoding="utf-8")
    tasks.write_text(
        text.replace("        number = ", '        print("loading")\n        number = '), encoding="utf-8"
    )
    ran = cli("test")
    assert ran.out.count("loading") == 1
    assert "  printed\n    | loading\n" in ran.out
    assert "loading" not in ran.err


@pytest.mark.parametrize("jobs", ["2", "auto"])
def test_processes_change_nothing_of_the_output(failing: Path, cli: Cli, jobs: str) -> None:
    for number in range(4):
        (failing / f"{number}.flowtest.yaml").write_text(FAILING if number % 2 else CASES, encoding="utf-8")
    alone, together = cli("test", "-v"), cli("test", "-v", "-j", jobs)
    assert steady(alone.out) == steady(together.out)
    assert (alone.code, alone.err) == (together.code, together.err)


def test_names_are_shown_without_anything_that_moves_the_cursor(project: Path, cli: Cli) -> None:
    path = project / "order.flowtest.yaml"
    path.write_text('flow: order\ntests: [{name: "\\e[31mred\\n", tasks: real}]\n', encoding="utf-8")
    name = "order.flowtest.yaml::\\x1b[31mred\\n"
    assert cli("test", "--list").out == f"{name}\n"
    assert cli("test", "-v").out.startswith(f"{name} ... PASSED")


ANNOTATED = """\
flow: order
tests:
  - name: mocked
    mocks: {Charge: {result: RESULT}}
    expect: {ran: Charge}
"""


def test_a_mock_is_checked_against_the_annotation_of_run(project: Path, cli: Cli) -> None:
    cases = project / "order.flowtest.yaml"
    cases.write_text(ANNOTATED.replace("RESULT", "{paid: true}"), encoding="utf-8")
    assert "1 mock is unchecked (Charge has no output_schema)" in cli("test").out
    code = (project / "tasks.py").read_text()
    begin = code.index("):", code.index("def run", code.index("class Charge(")))
    (project / "tasks.py").write_text(code[: begin + 1] + " -> dict[str, bool]" + code[begin + 1 :])
    assert "unchecked" not in cli("test").out
    cases.write_text(ANNOTATED.replace("RESULT", "{paid: 1}"), encoding="utf-8")
    ran = cli("test")
    assert ran.code == 2
    told = 'the mock of "Charge" does not fit the annotation of run: at $.paid: is a number (1), not'
    assert told in ran.err + ran.out
