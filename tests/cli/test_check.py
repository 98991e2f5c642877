"""``selinon check``: options, text, JSON, exit codes, comments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

NODES = """
tasks:
  - {name: A, import: tasks, storage: Results}
  - {name: B, import: tasks, storage: Results}
  - {name: C, import: tasks, storage: Results}
storages: [{name: Results, import: selinon_core.storages.memory, classname: InMemoryStorage}]
"""
SILENT = """
flow-definitions:
  - name: main
    edges:
      - {from: , to: A}
      - from: ACOMMENT
        to: B
        condition:
          name: fieldGreater
          args: {key: n, value: 0}
      - {from: B, to: C}
"""
NEVER = """
flow-definitions:
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: B}
      - {from: B, to: C}
    failures: [{nodes: [A, B], fallback: C}]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nodes.yaml").write_text(NODES)
    return tmp_path


def write(project: Path, flows: str) -> None:
    (project / "flows.yaml").write_text(flows)


def test_a_warning_is_an_error_only_when_strict(project: Path, cli: Cli) -> None:
    write(project, SILENT.replace("COMMENT", ""))
    ran = cli("check")
    assert ran.code == 0
    assert (
        "warning: node A: no edge fires after A (n 0), and the flow succeeds [check-silent-end] flows.yaml"
        in ran.out
    )
    assert cli("check", "--strict").code == 1


def test_a_comment_silences_a_finding(project: Path, cli: Cli) -> None:
    write(project, SILENT.replace("COMMENT", "  # selinon: ignore[check-silent-end] nothing to do"))
    ran = cli("check", "--strict")
    assert ran.code == 0
    assert "ignored: node A" in ran.out
    assert "nothing to do" in ran.out
    assert "0 errors, 0 warnings, 1 ignored in 1 flow" in ran.out


def test_a_comment_that_silences_nothing_is_reported(project: Path, cli: Cli) -> None:
    write(project, SILENT.replace("COMMENT", "  # selinon: ignore[check-ends, check-silentend] ..."))
    ran = cli("check")
    assert "there is no check-ends here to ignore" in ran.err
    assert "no finding is named check-silentend" in ran.err
    assert "check-silent-end" in ran.err


def test_what_never_happens_is_an_error(project: Path, cli: Cli) -> None:
    write(project, NEVER)
    ran = cli("check")
    assert ran.code == 1
    assert "error: fallback [A, B] -> C is never used [check-reachable] flows.yaml:8:" in ran.out


def test_a_bound_that_matters_is_said(project: Path, cli: Cli) -> None:
    """With one failure nothing is known of a fallback for two, unless all failures are tried."""
    write(project, NEVER.replace("- {from: A, to: B}", "- {from: , to: B}"))
    assert cli("check", "--failures", "1").code == 0
    assert "not within bounds: fallback [A, B] -> C" in cli("check", "--failures", "1").out
    assert "every node, edge and fallback can be reached" in cli("check", "--failures", "all").out


def test_the_json_form(project: Path, cli: Cli) -> None:
    write(project, SILENT.replace("COMMENT", ""))
    data = json.loads(cli("check", "--format", "json").out)
    assert data["version"] == 1
    flow = data["flows"]["main"]
    assert flow["complete"] is True
    assert flow["bounds"]["failures"] == 2
    assert flow["runs"] == 5
    assert {(one["status"], tuple(one["runs"])) for one in flow["outcomes"]} == {
        ("success", ("A", "B", "C")),
        ("success", ("A",)),
        ("failure", ("A",)),
        ("failure", ("A", "B")),
        ("failure", ("A", "B", "C")),
    }
    (silent,) = (one for one in flow["properties"] if one["name"] == "silent-end")
    assert silent["severity"] == "warning"
    assert '"n": 0' in silent["witness"]["case"]
    assert {(tuple(row["failing"]), row["status"]) for row in flow["failure_table"]} == {
        (("A",), "failure"),
        (("B",), "failure"),
        (("C",), "failure"),
    }


WITH_D = NODES.replace("storages:", "  - {name: D, import: tasks}\nstorages:")
STARVING = """
flow-definitions:
  - name: main
    edges:
      - {from: , to: [A, B]}
      - from: A
        to: C
        condition:
          name: fieldGreater
          args: {key: n, value: 0}
      - {from: [B, C], to: D}
    failures: [{nodes: [A, B], fallback: D}]
"""


def after(line: str, text: str) -> list[str]:
    """The lines below the one that begins so, as far as they are further in."""
    lines = text.splitlines()
    (number,) = (number for number, each in enumerate(lines) if each.lstrip().startswith(line))
    level = len(lines[number]) - len(lines[number].lstrip())
    rest = lines[number + 1 :]
    ends = (at for at, each in enumerate(rest) if len(each) - len(each.lstrip()) <= level)
    return [each.strip() for each in rest[: next(ends, len(rest))]]


def test_a_finding_says_why_its_run_went_so(project: Path, cli: Cli) -> None:
    (project / "nodes.yaml").write_text(WITH_D)
    write(project, STARVING)
    (project / "rules.yaml").write_text(
        "invariants:\n  - {name: D is there, at_least: {D: 1}}\n  - {name: not both, never_both: [A, B]}\n"
    )
    out = cli("check", "--invariants", "rules.yaml").out
    said_no = ["edge A -> C was considered once and said no  (flows.yaml:6:9)", "A.n > 0    is false: n was 0"]
    assert after("warning: edge [B, C] -> D: B finished, C never came", out) == ["C did not run in main", *said_no]
    assert after("warning: node A: no edge fires after A (n 0)", out) == ["C did not run in main", *said_no]
    assert after("warning: failure of A: when A fails, no entry handles A", out) == [
        "main failed: no fallback applies to the failed nodes: A",
        "fallback [A, B] -> D was not needed: B did not fail  (flows.yaml:12:16)",
    ]
    assert after("error: D is there: D ran 0 times", out)[0] == "D did not run, not at least once"
    assert after("error: not both: A and B ran", out) == [
        "A and B both ran",
        "edge (start) -> [A, B] fired  (flows.yaml:5:9)",
    ]


def test_a_finding_that_a_comment_silences_is_not_explained(project: Path, cli: Cli) -> None:
    write(project, SILENT.replace("COMMENT", "  # selinon: ignore[check-silent-end] nothing to do"))
    ran = cli("check")
    assert "ignored: node A" in ran.out
    assert "did not run" not in ran.out


def test_explanations_import_nothing_of_the_project(project: Path, cli: Cli) -> None:
    """Functions of the project answer as the run has it, whether or not there are modules for them."""
    (project / "nodes.yaml").write_text(WITH_D.replace("selinon_core.storages.memory", "nowhere"))
    write(
        project,
        SILENT.replace("COMMENT", "").replace("fieldGreater", "mine").replace("key: n, ", "")
        + "      - {from: C, to: D, foreach: {import: nowhere, function: items}}\n"
        + "global: {predicates_module: nowhere}\n",
    )
    assert after("warning: node A: no edge fires after A", cli("check").out) == [
        "B did not run in main",
        "edge A -> B was considered once and said no  (flows.yaml:6:9)",
    ]


def test_the_json_form_explains(project: Path, cli: Cli) -> None:
    write(project, SILENT.replace("COMMENT", ""))
    properties = json.loads(cli("check", "--format", "json").out)["flows"]["main"]["properties"]
    (silent,) = (one for one in properties if one["name"] == "silent-end")
    (answer,) = silent["explain"]
    assert (answer["verdict"], answer["subject"]["node"], answer["text"]) == (
        "not_run",
        "B",
        "B did not run in main",
    )
    (reason,) = answer["because"]
    assert (reason["reason"], [leaf["detail"] for leaf in reason["of"]]) == (
        "condition-false",
        ["is false: n was 0"],
    )
    assert all("explain" not in one for one in properties if one["severity"] == "information")


def test_cases_are_suggested(project: Path, cli: Cli) -> None:
    write(project, SILENT.replace("COMMENT", ""))
    ran = cli("check", "--suggest", "main.flowtest.yaml")
    assert ran.code == 0
    assert "wrote 5 test cases to main.flowtest.yaml" in ran.err
    text = (project / "main.flowtest.yaml").read_text()
    assert "main fails when B fails after A, B" in text
    assert cli("lint", ".").code == 0


def test_invariants_are_held_against_every_run(project: Path, cli: Cli) -> None:
    write(project, SILENT.replace("COMMENT", ""))
    (project / "rules.yaml").write_text(
        "invariants:\n"
        "  - {name: B is there, at_least: {B: 1}}\n"
        "  - {name: C is behind B, before: {C: [B]}}\n"
        "  - {name: A is behind C, before: {A: [C]}}\n"
        "  - {name: not both, never_both: [A, C]}\n"
        "  - {name: good is good, if: {C: success}, then: {status: success}}\n"
    )
    ran = cli("check", "--invariants", "rules.yaml")
    assert ran.code == 1
    assert "error: B is there: B ran 0 times [check-invariant] rules.yaml:2:" in ran.out
    assert "error: A is behind C: A can begin before any of C [check-invariant]" in ran.out
    assert "error: not both: A and C ran [check-invariant]" in ran.out
    assert "always: C is behind B" in ran.out
    assert "always: good is good" in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--failures", "some"], '--failures: "some" is not a whole number from 0 to 999'),
        (["--failures", "\u00b2"], '--failures: "\u00b2" is not a whole number'),
        (["--failures", "-1"], '--failures: "-1" is not a whole number'),
        (["--failures", "9" * 5000], "is not a whole number"),
        (["--items", "\u00b2"], '--items: "\u00b2" is not a list of numbers'),
        (["--items", "9" * 5000], "is not a list of numbers"),
        (["--items", "0,x"], '--items: "0,x" is not a list of numbers'),
        (["--flow", "mian"], 'no flow is named "mian"'),
        (["--infallible", "AA"], 'no node is named "AA"'),
        (["--invariants", "nowhere.yaml"], "the file with invariants cannot be read: No such file"),
        (["--invariants", "."], "name a YAML file with invariants"),
        (["--invariants", "empty.yaml"], "the file with invariants is empty"),
        (["--suggest", "."], ". is a directory\n  name a file in it"),
        (["--suggest", "nowhere/a.flowtest.yaml"], "there is no directory nowhere"),
    ],
)
def test_wrong_use(project: Path, cli: Cli, arguments: list[str], message: str) -> None:
    write(project, NEVER)
    (project / "empty.yaml").write_text("")
    ran = cli("check", *arguments)
    assert ran.code == 2
    assert message in ran.err
    assert ran.out == ""


def test_the_row_of_a_time_out_says_what_it_is(project: Path, cli: Cli) -> None:
    flow = (
        "- {from: , to: A}\n      - {from: A, to: B}\n    timeout: 60\n    failures: [{nodes: A, fallback: C}]\n"
    )
    write(project, f"flow-definitions:\n  - name: main\n    edges:\n      {flow}")
    rows = [line.split("  ") for line in cli("check").out.splitlines() if "time-out" in line]
    assert [[cell.strip() for cell in row if cell.strip()] for row in rows] == [
        ["its time-out passes", "is stopped, and fails", "-"]
    ]
    data = json.loads(cli("check", "--format", "json").out)
    assert ([], "timeout") in [(row["failing"], row["status"]) for row in data["flows"]["main"]["failure_table"]]


def test_a_broken_project_shows_the_errors_of_lint(project: Path, cli: Cli) -> None:
    write(project, NEVER.replace("to: B", "to: Bee"))
    ran = cli("check")
    assert ran.code == 2
    assert "Bee" in ran.err


def test_the_time_is_limited(project: Path, cli: Cli) -> None:
    names = [f"N{number}" for number in range(16)]
    tasks = "\n".join(f"  - {{name: {name}, import: tasks, storage: Results}}" for name in names)
    (project / "nodes.yaml").write_text(NODES.replace("tasks:\n", f"tasks:\n{tasks}\n"))
    edges = f"[{{from: , to: [{', '.join(names)}]}}, {{from: , to: A}}, {{from: A, to: B}}, {{from: B, to: C}}]"
    write(project, f"flow-definitions: [{{name: main, edges: {edges}}}]\n")
    ran = cli("check", "--failures", "all", "--time-limit", "0.05")
    assert ran.code == 0
    assert "sampled: the time was used up" in ran.out


def test_lint_explores_when_asked_to(project: Path, cli: Cli) -> None:
    write(project, SILENT.replace("COMMENT", ""))
    assert cli("lint").code == 0
    assert "check-" not in cli("lint").out
    ran = cli("lint", "--check", "--strict")
    assert ran.code == 1
    assert "warning[check-silent-end]: flow main: no edge fires after A (n 0), and the flow succeeds" in ran.out
    assert "selinon check --flow main" in ran.out
    found = json.loads(cli("lint", "--check", "--format", "json").out)
    assert "check-silent-end" in [one["code"] for one in found]
    write(project, SILENT.replace("COMMENT", "  # selinon: ignore[check-silent-end] nothing to do"))
    assert cli("lint", "--check", "--strict", "--ignore", "SEL601").code == 0


def test_lint_explores_files_only(project: Path, cli: Cli) -> None:
    ran = cli("lint", "--check", "-")
    assert ran.code == 2
    assert "--check explores files" in ran.err


def test_invariants_of_case_files_hold_in_every_run(project: Path, cli: Cli) -> None:
    write(project, SILENT.replace("COMMENT", ""))
    (project / "main.flowtest.yaml").write_text(
        "flow: main\n"
        "invariants: [{name: B is there, at_least: {B: 1}}]\n"
        "tests:\n"
        "  - {name: one, mocks: {A: {result: {n: 1}}}, expect: {ran: [B]}}\n"
        "  - name: other\n"
        "    mocks: {A: {result: {n: 2}}}\n"
        "    invariants: [{name: of one case, at_most: {A: 0}}]\n"
        "    expect: {ran: [B]}\n"
    )
    ran = cli("check")
    assert ran.code == 1
    assert "error: B is there: B ran 0 times [check-invariant] main.flowtest.yaml:2:" in ran.out
    assert "of one case" not in ran.out


def test_an_invariant_that_no_run_could_break_is_a_warning(project: Path, cli: Cli) -> None:
    write(project, NEVER)
    (project / "rules.yaml").write_text(
        "invariants:\n"
        "  - {name: given back, if: {A: success, C: success, B: not_run}, then: {status: failure}}\n"
        "  - {name: behind, before: {C: [A]}}\n"
        "  - {name: good, if: {C: success}, then: {status: success}}\n"
    )
    ran = cli("check", "--invariants", "rules.yaml", "--failures", "all")
    never = "says nothing: its if never holds in every run"
    assert f"warning: given back: {never} [check-invariant] rules.yaml:2:" in ran.out
    assert "always: behind" in ran.out
    assert "always: good" in ran.out
    bounded = cli("check", "--invariants", "rules.yaml", "--failures", "0")
    assert "not within bounds: given back, which says nothing: its if never holds in all runs" in bounded.out


def test_a_flow_run_may_be_cancelled_at_any_moment(project: Path, cli: Cli) -> None:
    flow = "- {from: , to: [A, B]}\n      - {from: [A, B], to: C}\n    max_retry: 1\n    retry_countdown: 30\n"
    write(project, f"flow-definitions:\n  - name: main\n    edges:\n      {flow}")
    (project / "rules.yaml").write_text(
        "invariants: [{name: all or nothing, if: {A: success, status: failure}, then: {C: ran}}]\n"
    )
    assert cli("check", "--failures", "0", "--invariants", "rules.yaml").code == 0
    ran = cli("check", "--failures", "0", "--cancel", "--invariants", "rules.yaml")
    assert ran.code == 1
    assert "error: all or nothing: C is not ran [check-invariant]" in ran.out
    table = ran.out.partition("if it is cancelled while this runs")[2].splitlines()[1:5]
    rows = {tuple(cell.strip() for cell in row.strip().split("  ") if cell) for row in table}
    assert rows == {("C", "A, B"), ("A", "B"), ("B", "A"), ("A, B", "-")}
    found = json.loads(cli("check", "--cancel", "--failures", "2", "--format", "json").out)["flows"]["main"]
    waiting = [one for one in found["outcomes"] if one["status"] == "cancelled" and not one["active"]]
    assert waiting
    assert '"at": 15.0, "cancel": true' in waiting[0]["witness"]["case"]
    assert found["bounds"]["cancel"] is True
    ran = cli("check", "--cancel", "--suggest", "ends.flowtest.yaml")
    assert "bug" not in ran.err
    assert cli("test").code == 0


PASSED_ON = """
flow-definitions:
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: B, condition: {name: fieldGreater, args: {key: n, value: 3}}}
      - {from: A, to: C, condition: {name: fieldLess, args: {key: n, value: 3}}}
global: {predicates_module: checks}
"""


@pytest.mark.parametrize(
    ("module", "ways"),
    [
        ("from selinon_core.predicates import *", 3),
        ("from selinon_core.predicates import fieldGreater, fieldLess", 3),
        ("from selinon_core.predicates import fieldGreater\ndef fieldLess(message, key, value): ...", 4),
    ],
)
def test_a_module_passes_shipped_predicates_on(project: Path, cli: Cli, module: str, ways: int) -> None:
    write(project, PASSED_ON)
    (project / "checks.py").write_text(f"{module}\n")
    assert f"{ways} ways to succeed" in cli("check").out
