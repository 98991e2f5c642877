"""``selinon cover``: where data comes from, every format, bounds, ignore comments, bad input."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from selinon_core.covering import CoverageData
from selinon_core.covering.data_file import update_data
from selinon_core.covering.elements import elements_of
from selinon_core.project import compile_project
from tests.cli.conftest import Cli

#: What a run covers in which everything goes well.
GOOD_RUN = ("node:Charge/ran", "node:Ship/ran", "edge:0/fired", "edge:1/fired")


@pytest.fixture
def covered(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop after a test in which everything went well."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    cover(shop, "good", *GOOD_RUN)
    return shop


def cover(project: Path, case: str, *keys: str, file: str = ".selinon/coverage.json") -> None:
    plan = compile_project([str(project)]).plan
    assert plan is not None
    data = CoverageData()
    part = data.of_flow("order", elements_of(plan.flows["order"]))
    for key in keys:
        part.hit(key, case)
    update_data(str(project / file), data)


def test_what_tests_have_left_is_reported_with_the_missing_goals(covered: Path, cli: Cli) -> None:
    ran = cli("cover")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[:3] == [
        "flow   covered  goals  percent",
        "order        4      9   44.4 %",
        "total        4      9   44.4 %",
    ]
    missing = [" ".join(line.split()) for line in lines[5:]]
    assert "order Charge -> Ship said no flows/order.yaml:7:9" in missing
    assert "order fallback Charge -> Refund used flows/order.yaml:15:9" in missing
    assert len(missing) == 5


def test_every_goal_is_listed_on_request_with_the_cases_that_met_it(covered: Path, cli: Cli) -> None:
    out = cli("cover", "--show", "all").out
    assert "\ncovered\n" in out
    assert any(
        line.split() == ["order", "Charge", "ran", "flows/order.yaml:5:9", "good"] for line in out.splitlines()
    )


def test_files_are_united(covered: Path, cli: Cli) -> None:
    cover(covered, "bad", "node:Refund/ran", "failure:0/used", file="more.json")
    ran = cli("cover", ".", ".selinon/coverage.json", "more.json", "--format", "json")
    found = json.loads(ran.out)
    assert found["total"]["covered"] == 6
    assert ran.err == "6 of 9 goals covered: 66.6 %\n"
    assert json.loads(cli("cover", "more.json", "--format", "json").out)["total"]["covered"] == 2


def test_traces_are_read_with_histories(covered: Path, cli: Cli) -> None:
    (covered / "traces").mkdir()
    assert cli("run", "--local", "--trace", "traces/1.jsonl", "-q").code == 0
    found = json.loads(cli("cover", "--histories", "traces", "--format", "json").out)
    assert {goal["id"] for goal in found["flows"]["order"]["goals_list"] if goal["hits"]} == {
        f"order/{key}" for key in GOOD_RUN
    }


def test_less_than_a_bound_is_exit_code_1_and_says_so(covered: Path, cli: Cli) -> None:
    assert cli("cover", "--fail-under", "44").code == 0
    ran = cli("cover", "--fail-under", "44.5", "--fail-under-flow", "80")
    assert ran.code == 1
    assert "44.4 % of all goals are covered, less than 44.5 %" in ran.err
    assert "44.4 % of the goals of flow order are covered, less than 80 %" in ran.err
    assert cli("cover", "--fail-under", "0").code == 0


@pytest.mark.parametrize("bound", ["101", "-1", "many"])
def test_a_bound_that_is_no_percentage_is_wrong_use(covered: Path, cli: Cli, bound: str) -> None:
    ran = cli("cover", f"--fail-under={bound}")
    assert ran.code == 2
    assert "Traceback" not in ran.err


WHY = """
tasks:
  - {name: Load, import: tasks, storage: Results, max_retry: 1}
  - {name: Charge, import: tasks}
  - {name: Item, import: tasks}
  - {name: Refund, import: tasks}
storages: [{name: Results, import: selinon_core.storages.memory, classname: InMemoryStorage}]
flow-definitions:
  - name: order
    edges:
      - {from: , to: Load}
      - {from: Load, to: Charge, condition: Load.total > 0 and Load.open}
      - {from: Load, to: Item, foreach: Load.lines}
      - {from: Item, to: inner, condition: Load.total > 1000}
    failures: [{nodes: Charge, fallback: Refund}]
  - name: inner
    edges: [{from: , to: Item}]
"""
CASES = """
flow: order
tests:
  - name: a gift
    mocks: {Load: {result: {total: 0, open: true, lines: [a, b]}}}
    expect: {runs: {Load: 1, Item: 2}}
  - name: paid
    mocks: {Load: {result: {total: 9, open: true, lines: [a, b]}}}
    expect: {runs: {Load: 1, Charge: 1, Item: 2}}
"""


@pytest.fixture
def uncovered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> Path:
    """A project whose tests leave most of it out."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flows.yaml").write_text(WHY)
    (tmp_path / "order.flowtest.yaml").write_text(CASES)
    assert cli("test", "--cover").code == 0
    return tmp_path


def reasons(out: str, goal: str) -> list[str]:
    """The lines below a missing goal."""
    lines = out.splitlines()
    (number,) = (number for number, line in enumerate(lines) if goal in line)
    rest = lines[number + 1 :]
    return [
        line.strip() for line in rest[: next((n for n, each in enumerate(rest) if each[:4].strip()), len(rest))]
    ]


def test_the_nearest_case_says_why_a_goal_was_not_met(uncovered: Path, cli: Cli) -> None:
    assert "nearest" not in cli("cover").out
    ran = cli("cover", "--why")
    assert (ran.code, ran.err) == (0, "")
    paid, place = "nearest: order.flowtest.yaml::paid", "(mock, order.flowtest.yaml:8:13)"
    assert reasons(ran.out, "Load.open of Load -> Charge: false") == [
        paid,  # with the gift it was not evaluated
        "edge Load -> Charge of order was considered once and fired once",
        f"Load.total > 0    is true: Load.total was 9    {place}",
        f"Load.open         is true: Load.open was true  {place}",
    ]
    assert reasons(ran.out, "inner ran")[1:3] == [
        "inner did not run in order",
        "edge Item -> inner was considered 2 times and said no  (flows.yaml:14:9)",
    ]
    assert reasons(ran.out, "foreach of Load -> Item: no item")[1:] == [
        "edge Load -> Item of order was considered once and fired once",
        "the foreach of Load -> Item yielded 2 items  (flows.yaml:13:9)",
    ]
    assert reasons(ran.out, "fallback Charge -> Refund used") == [
        paid,
        "order succeeded",
        "fallback Charge -> Refund was not needed: Charge did not fail  (flows.yaml:15:16)",
    ]
    assert reasons(ran.out, "a retry of Load helped")[1:] == ["Load ran in order", "attempt 1 succeeded"]
    assert reasons(ran.out, "Item ran  ") == ["no case that can be run again runs flow inner"]


def test_a_case_that_is_gone_is_passed_over(uncovered: Path, cli: Cli) -> None:
    (uncovered / "order.flowtest.yaml").write_text(CASES.partition("  - name: paid")[0])
    assert reasons(cli("cover", "--why").out, "Load.open of Load -> Charge: false")[:2] == [
        "nearest: order.flowtest.yaml::a gift",
        "edge Load -> Charge of order was considered once and never fired",
    ]


def test_what_kept_runs_of_histories_from_a_goal(uncovered: Path, cli: Cli) -> None:
    (uncovered / "load.yaml").write_text("Load: {result: {total: 0, open: true, lines: []}}\n")
    ran = cli(
        "run", "--local", "-q", "--flow", "order", "--mocks", "load.yaml", "--mock-tasks", "--trace", "t.jsonl"
    )
    assert ran.code == 0, ran.err
    found = reasons(cli("cover", "--why", "--histories", "t.jsonl").out, "Load -> Charge fired")
    assert found[0].startswith("nearest: t.jsonl::")
    assert found[1:] == [
        "edge Load -> Charge of order was considered once and never fired",
        "Load.total > 0    is false: Load.total was 0",
    ]


def test_the_json_form_says_why(uncovered: Path, cli: Cli) -> None:
    flows = json.loads(cli("cover", "--why", "--format", "json").out)["flows"]
    goals = {goal["id"]: goal for flow in flows.values() for goal in flow["goals_list"]}
    used = goals["order/failure:0/used"]
    assert used["nearest"] == "order.flowtest.yaml::paid"
    assert [answer["because"][0]["reason"] for answer in used["explain"]] == ["fallback-not-needed"]
    assert (goals["inner/node:Item/ran"]["nearest"], goals["inner/node:Item/ran"]["explain"]) == (None, [])
    assert "nearest" not in goals["order/node:Load/ran"]


def test_why_is_for_reports_that_can_say_it(uncovered: Path, cli: Cli) -> None:
    ran = cli("cover", "--why", "--format", "lcov")
    assert (ran.code, ran.out) == (2, "")
    assert "--why and --format lcov do not go together" in ran.err


def test_without_coverage_it_says_how_to_collect_it(shop: Path, cli: Cli) -> None:
    ran = cli("cover")
    assert (ran.code, ran.out) == (2, "")
    assert "there is no coverage in .selinon/coverage.json" in ran.err
    assert "selinon test --cover" in ran.err


def test_broken_data_is_named_with_its_line_and_nothing_is_overwritten(covered: Path, cli: Cli) -> None:
    (covered / ".selinon" / "coverage.json").write_text('{"version": 1,\n')
    ran = cli("cover")
    assert (ran.code, ran.out) == (2, "")
    assert ".selinon/coverage.json:2:1: not JSON" in ran.err
    assert (covered / ".selinon" / "coverage.json").read_text() == '{"version": 1,\n'


def test_a_truncated_history_is_named_with_its_line(covered: Path, cli: Cli) -> None:
    (covered / "h.jsonl").write_text('{"event": "FLOW_START"}\n{"event"')
    ran = cli("cover", "--histories", "h.jsonl")
    assert (ran.code, ran.out) == (2, "")
    assert "h.jsonl:2: not a JSON object" in ran.err


@pytest.mark.parametrize(
    ("form", "file", "begins"),
    [
        ("cobertura", "coverage.xml", "<?xml"),
        ("lcov", "lcov.info", "TN:"),
        ("html", "index.html", "<!doctype html>"),
        ("json", "coverage.json", "{"),
    ],
)
def test_a_directory_gets_a_file_named_after_the_format(
    covered: Path, cli: Cli, form: str, file: str, begins: str
) -> None:
    ran = cli("cover", "--format", form, "-o", "out/")
    assert (ran.code, ran.out) == (0, "")
    assert (covered / "out" / file).read_text(encoding="utf-8").startswith(begins)
    assert f"wrote {os.path.join('out', file)}\n" in ran.err
    assert cli("cover", "--format", form, "-o", "-").out.startswith(begins)


def test_the_page_goes_beside_the_data(covered: Path, cli: Cli) -> None:
    assert cli("cover", "--format", "html").code == 0
    assert "order" in (covered / ".selinon" / "coverage.html").read_text(encoding="utf-8")


def test_text_does_not_go_to_a_directory(covered: Path, cli: Cli) -> None:
    assert cli("cover", "-o", "out/").code == 2
    assert not (covered / "out").exists()


def test_annotations_are_on_the_places_of_missing_goals(covered: Path, cli: Cli) -> None:
    out = cli("cover", "--format", "github").out.splitlines()
    assert len(out) == 5
    assert out[0].startswith("::warning file=")
    assert "line=7,col=9,title=not covered%3A edge-no::order: Charge -> Ship said no" in "\n".join(out)


def test_a_comment_takes_a_goal_out_with_its_reason(covered: Path, cli: Cli) -> None:
    flows = covered / "flows" / "order.yaml"
    text = flows.read_text().replace(
        "      - from: Charge\n", "      - from: Charge  # selinon: ignore[cover-edge-no] always paid\n"
    )
    flows.write_text(text)
    ran = cli("cover", "--format", "json")
    goals = {goal["id"]: goal for goal in json.loads(ran.out)["flows"]["order"]["goals_list"]}
    assert (goals["order/edge:1/no"]["status"], goals["order/edge:1/no"]["reason"]) == ("ignored", "always paid")
    assert json.loads(ran.out)["total"] == {"covered": 4, "goals": 8, "percent": 50.0}
    assert "\nignored\n" in cli("cover").out
    assert cli("lint").code == 0


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cover-foreach-none", "there is no cover-foreach-none here to ignore"),
        ("cover-edge-not", 'no goal is named cover-edge-not; did you mean "cover-edge-no"?'),
        ("check-silent-end", ""),
    ],
)
def test_a_comment_without_effect_is_told_by_the_command_that_knows_the_name(
    covered: Path, cli: Cli, name: str, says: str
) -> None:
    flows = covered / "flows" / "order.yaml"
    flows.write_text(flows.read_text().replace("from: Charge\n", f"from: Charge  # selinon: ignore[{name}] so\n"))
    err = cli("cover").err
    assert (f"flows/order.yaml:7:41: {says}" in err) if says else err == ""


def test_coverage_of_an_edge_that_changed_does_not_count_and_is_reported(covered: Path, cli: Cli) -> None:
    flows = covered / "flows" / "order.yaml"
    flows.write_text(flows.read_text().replace("key: paid", "key: payed"))
    ran = cli("cover", "--format", "json")
    assert json.loads(ran.out)["total"]["covered"] == 3
    assert "flow order changed since it was covered: 1 of its edges and failures entries do not count" in ran.err


def test_coverage_of_a_flow_that_is_gone_is_reported(covered: Path, cli: Cli) -> None:
    flows = covered / "flows" / "order.yaml"
    flows.write_text(flows.read_text().replace("name: order", "name: sale"))
    ran = cli("cover")
    assert ran.code == 0
    assert "there is coverage of flow order, which is not in this project" in ran.err


def test_only_what_changed_since_a_revision(covered: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(variable)
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=covered, check=True)
    flows = covered / "flows" / "order.yaml"
    flows.write_text(
        flows.read_text().replace("    failures:", "      - {from: Charge, to: Refund}\n    failures:")
    )
    ran = cli("cover", "--diff", "HEAD", "--format", "json")
    found = json.loads(ran.out)["flows"]["order"]["goals_list"]
    assert {goal["id"] for goal in found} == {"order/edge:2/fired", "order/node:Refund/ran"}
    assert cli("cover", "--diff", "HEAD", "--fail-under", "100").code == 1
    assert cli("cover", "--diff", "nowhere").code == 2


def test_a_project_with_errors_shows_them(covered: Path, cli: Cli) -> None:
    (covered / "flows" / "order.yaml").write_text(
        "flow-definitions: [{name: f, edges: [{from: , to: Nothing}]}]\n"
    )
    ran = cli("cover")
    assert ran.code == 2
    assert "SEL201" in ran.err
