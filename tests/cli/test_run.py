"""``selinon run --local``: options, inputs, and what is printed at the end."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from selinon_cli import run_inputs
from selinon_cli.exits import UsageError
from selinon_core.errors import ConfigurationError, RequestError
from selinon_core.local import LocalExecutor, LocalOptions, Mocks
from selinon_core.plan import Plan
from selinon_core.project import compile_project
from tests.cli.conftest import Cli
from tests.cli.golden import check_golden
from tests.cli.steady import steady


def test_the_summary_of_a_success(shop: Path, cli: Cli) -> None:
    ran = cli("run", "--local")
    assert ran.code == 0
    check_golden("run-success.txt", steady(ran.out))


def test_the_summary_of_a_failure_with_fallback(shop: Path, cli: Cli) -> None:
    ran = cli("run", "--local", "-a", "broke=true")
    assert ran.code == 0
    check_golden("run-fallback.txt", steady(ran.out))


def test_the_summary_of_a_failed_flow(shop: Path, cli: Cli) -> None:
    ran = cli("run", "--local", "--fail", "Charge", "--fail", "Refund")
    assert ran.code == 1
    check_golden("run-failure.txt", steady(ran.out))


def test_user_prints_and_progress_go_to_stderr(shop: Path, cli: Cli) -> None:
    (shop / "shop.py").write_text(
        (shop / "shop.py")
        .read_text()
        .replace("import sys\n", "import os, sys\n")
        .replace('print("to stderr", file=sys.stderr)', 'os.system("echo from a child process")')
    )
    ran = cli("run", "--local", "--format", "json")
    json.loads(ran.out)
    assert "charging None" in ran.err
    assert "from a child process" in ran.err
    assert "[     0.000] order/Charge: success" in ran.err
    assert "order/Ship: success" in ran.err


def test_quiet_says_only_what_was_asked_for(shop: Path, cli: Cli) -> None:
    ran = cli("run", "--local", "-q", "--mock-tasks", "--format", "json")
    json.loads(ran.out)
    assert ran.err == ""


def test_report_trace_and_graph_are_written(shop: Path, cli: Cli) -> None:
    ran = cli("run", "--local", "--report", "r.json", "--trace", "t.jsonl", "--graph", "g.mmd")
    assert ran.code == 0
    assert "order: success" in ran.out
    report = json.loads((shop / "r.json").read_text())
    assert report["status"] == "success"
    assert [node["name"] for node in report["nodes"]] == ["Charge", "Ship"]
    events = [json.loads(line) for line in (shop / "t.jsonl").read_text().splitlines()]
    assert events[0]["event"] == "FLOW_SCHEDULE"
    assert "flowchart" in (shop / "g.mmd").read_text()


def test_an_app_that_the_environment_names_does_not_keep_runs_from_being_local(
    shop: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELINON_APP", "shop:app")
    ran = cli("run", "--local", "--report", "run.json")
    assert ran.code == 0, ran.err
    assert cli("rerun", "run.json", "--plan").code == 0
    for words in (("run", "--local"), ("rerun", "run.json")):
        ran = cli(*words, "--app", "other:app")
        assert ran.code == 2
        assert "are about workers" in ran.err


def test_a_report_on_stdout_moves_the_summary(shop: Path, cli: Cli) -> None:
    ran = cli("run", "--local", "--report", "-")
    assert json.loads(ran.out)["flow"] == "order"
    assert "order: success" in ran.err


def test_only_one_thing_goes_to_stdout(shop: Path, cli: Cli) -> None:
    assert cli("run", "--local", "--report", "-", "--trace", "-").code == 2


def test_two_runs_give_the_same_report(shop: Path, cli: Cli) -> None:
    def report() -> dict[str, Any]:
        told = json.loads(cli("run", "--local", "--seed", "5", "--mock-tasks", "--report", "-").out)
        for node in [told, *told["nodes"]]:
            del node["real_seconds"]
        return told  # type: ignore[no-any-return]

    assert report() == report()


def test_mocks_from_options_and_file(shop: Path, cli: Cli) -> None:
    (shop / "mocks.yaml").write_text(
        "Charge:\n  - error: 'ValueError: first'\n  - result: {paid: false}\n    after: 3\nShip: {result: 1}\n"
    )
    ran = cli("run", "--local", "--mock-tasks", "--mocks", "mocks.yaml", "--format", "json")
    charge = json.loads(ran.out)["nodes"][0]
    assert (charge["attempts"], charge["result"], charge["finished_at"]) == (2, {"paid": False}, 13.0)
    ran = cli("run", "--local", "--mocks", "mocks.yaml", "--mock", 'Charge={"paid": true}', "--format", "json")
    assert json.loads(ran.out)["nodes"][1]["name"] == "Ship"


def test_selective_runs(shop: Path, cli: Cli) -> None:
    ran = cli("run", "--local", "--mock-tasks", "--select", "Charge", "--format", "json")
    assert [node["name"] for node in json.loads(ran.out)["nodes"]] == ["Charge"]
    ran = cli("run", "--local", "--follow-subflows")
    assert ran.code == 2


ALIASES = "a0: &a0 {result: [1]}\n" + "".join(
    f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 10)}]\n" for i in range(9)
)
MERGES = "a0: &a0 {result: 1}\n" + "".join(
    f"a{i + 1}: &a{i + 1} {{<<: [{', '.join([f'*a{i}'] * 10)}]}}\n" for i in range(9)
)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Charge: [", "mocks.yaml:2:1:"),
        ("Charge: 1", 'mocks.yaml:1:9: the mock of "Charge" has to be an outcome'),
        ("[]", "mocks.yaml:1:1: the content has to be a mapping of tasks to outcomes"),
        (
            "Chrage: {result: 1}",
            'mocks.yaml:1:1: a mock is given for "Chrage", but no task or flow has this name; '
            'did you mean "Charge"?',
        ),
        ("a: !!python/object/apply:os.system [exit]", "mocks.yaml:1:"),
        ("\x00", "mocks.yaml:1:1: control character"),
        ("Charge: {result: .inf}", "mocks.yaml:1:18: .inf is not a number that JSON has"),
        ("a: &a [1, *a]", "mocks.yaml:1:"),
        (ALIASES, "aliases expand to more than a file may hold"),
        (MERGES, 'a mock is given for "a0"'),
    ],
)
def test_mistakes_in_a_mocks_file(shop: Path, cli: Cli, content: str, told: str) -> None:
    (shop / "mocks.yaml").write_text(content)
    ran = cli("run", "--local", "--mocks", "mocks.yaml")
    assert ran.code == 2
    assert told in ran.err
    assert "Traceback" not in ran.err


@pytest.fixture
def annotated_shop(shop: Path) -> Path:
    """The shop, whose task Charge says what it returns."""
    code = (shop / "shop.py").read_text()
    assert "class Charge" in code
    begin = code.index("def run(self, node_args)", code.index("class Charge"))
    returned = "def run(self, node_args) -> dict[str, bool]"
    (shop / "shop.py").write_text(code[:begin] + returned + code[begin + len("def run(self, node_args)") :])
    return shop


@pytest.mark.parametrize(
    ("mocks", "code"),
    [
        ("Charge: {result: {paid: true}}", 0),
        ("Charge: {result: {paid: 1}}", 2),
        ("Charge: [{error: ValueError}, {result: 7}]", 2),
        ("Charge: {result: 7, check: none}", 0),
        ("Charge: {result: 7, check: present}", 2),
    ],
)
def test_a_mock_fits_the_annotation_of_run(annotated_shop: Path, cli: Cli, mocks: str, code: int) -> None:
    (annotated_shop / "mocks.yaml").write_text(mocks)
    ran = cli("run", "--local", "--mock-tasks", "--mocks", "mocks.yaml")
    told = 'the mock of "Charge" does not fit the annotation of run: at $'
    assert (ran.code in (0, 1), told in ran.err) == (code == 0, code == 2)
    assert ran.err.startswith("error: mocks.yaml:1:") == (code == 2)


def test_a_single_mock_fits_the_annotation_of_run(annotated_shop: Path, cli: Cli) -> None:
    assert cli("run", "--local", "--mock-tasks", "--mock", 'Charge={"paid": true}').code == 0
    ran = cli("run", "--local", "--mock-tasks", "--mock", "Charge=7")
    assert ran.code == 2
    assert ran.err.startswith(
        "error: --mock: the mock of Charge does not fit the annotation of run: at $: is a numb"
    )


def test_a_missing_mocks_file(shop: Path, cli: Cli) -> None:
    ran = cli("run", "--local", "--mocks", "none.yaml")
    assert ran == (2, "", "error: --mocks: cannot read none.yaml: No such file or directory\n")


def test_mistakes_in_the_project_are_told_with_their_place(shop: Path, cli: Cli) -> None:
    flow = shop / "flows" / "order.yaml"
    flow.write_text(flow.read_text().replace("from: Charge", "from: Chrage"))
    ran = cli("run", "--local")
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.startswith("flows/order.yaml:7:15: error[SEL201]")
    assert "^^^^^^" in ran.err


def test_the_flow_has_to_be_named_where_there_are_several(shop: Path, cli: Cli) -> None:
    (shop / "flows" / "more.yaml").write_text(
        "flow-definitions:\n  - name: other\n    edges:\n      - from:\n        to: Ship\n"
    )
    ran = cli("run", "--local")
    assert ran.code == 2
    assert "--flow NAME" in ran.err
    assert cli("run", "--local", "--flow", "other", "--mock-tasks").code == 0


@pytest.mark.parametrize("option", ["--report", "--trace", "--graph"])
def test_a_target_that_cannot_be_written_is_told_before_anything_runs(shop: Path, cli: Cli, option: str) -> None:
    ran = cli("run", "--local", option, "no/such/dir/r.svg")
    assert ran == (2, "", "error: cannot write no/such/dir/r.svg: there is no directory no/such/dir\n")
    assert cli("run", "--local", option, "flows") == (2, "", "error: flows is a directory\n  name a file in it\n")


def test_a_drawing_needs_an_ending_that_is_known(shop: Path, cli: Cli) -> None:
    ran = cli("run", "--local", "--graph", "run.jpeg")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith('error: --graph: no drawing ends in ".jpeg"\n')
    assert cli("run", "--local", "--mock-tasks", "--graph", "drawing").code == 0
    assert (shop / "drawing").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    "command", [("run", "--local"), ("graph",), ("check",), ("test",), ("simulate",), ("watch",)]
)
def test_the_name_of_a_flow_is_not_a_path(shop: Path, cli: Cli, command: tuple[str, ...]) -> None:
    """The message names the option where the path may be the name of a flow, and only there."""
    said = "error: no such file or directory: order\n  if that is the name of a flow: --flow order\n"
    assert cli(*command, "order") == (2, "", said)
    assert cli(*command, "order.yml") == (2, "", "error: no such file or directory: order.yml\n")


def test_a_selection_of_nothing_is_no_full_run(shop: Path, cli: Cli) -> None:
    assert cli("run", "--local", "--select", "") == (2, "", "error: --select names no task\n")


def test_a_mock_that_looks_like_json_has_to_be_json(shop: Path, cli: Cli) -> None:
    ran = cli("run", "--local", "--mock", 'Charge={"paid": True}')
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: --mock: '{\"paid\": True}' is not JSON")
    assert cli("run", "--local", "--mock-tasks", "--mock", "Ship=by train").code == 0


def test_attempts_are_told_when_they_end(shop: Path, cli: Cli) -> None:
    (shop / "mocks.yaml").write_text(
        "Charge: [{error: 'ValueError: no', after: 2}, {result: {paid: true}, after: 1}]"
    )
    ran = cli("run", "--local", "--mock-tasks", "--mocks", "mocks.yaml")
    told = [line for line in ran.err.splitlines() if "Charge" in line]
    assert told == [
        "[     2.000] order/Charge: retrying after attempt 1",
        "[    13.000] order/Charge: success (attempt 2)",
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], None),
        (['{"a": 1}'], {"a": 1}),
        (["null"], None),
        (["3"], 3),
        (['"text"'], "text"),
        (["a=1"], {"a": 1}),
        (["a=1", "b=x", "c=[1, 2]", "d="], {"a": 1, "b": "x", "c": [1, 2], "d": ""}),
        (["a=b=c"], {"a": "b=c"}),
        (['a={"b": NaN}'], {"a": '{"b": NaN}'}),
    ],
)
def test_node_args(given: list[str], expected: Any) -> None:
    assert run_inputs.node_args(given, None) == expected


@pytest.mark.parametrize(
    "given", [["hello"], ["{a=1}"], ["NaN"], ["a=1", "a=2"], ["a=1", '{"b": 2}'], ["=1"], ["[" * 100_000]]
)
def test_node_args_that_make_no_sense(given: list[str]) -> None:
    with pytest.raises(UsageError, match=r"--node-args"):
        run_inputs.node_args(given, None)


def test_node_args_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "args.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": "\xc3\xb6"}')
    assert run_inputs.node_args([f"@{path}"], None) == {"a": "ö"}
    assert run_inputs.node_args([], str(path)) == {"a": "ö"}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[1]")))
    assert run_inputs.node_args([], "-") == [1]
    with pytest.raises(UsageError, match="not from both"):
        run_inputs.node_args(["1"], str(path))
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="not UTF-8"):
        run_inputs.node_args([], str(path))
    path.write_bytes(b"{")
    with pytest.raises(UsageError, match="is not JSON"):
        run_inputs.node_args([], str(path))


def test_failures_on_demand(shop: Path) -> None:
    plan = compile_project(["nodes.yaml", "flows"]).plan
    assert plan is not None
    assert run_inputs.failures(plan, ["Charge", "Ship:2"]) == {"Charge": None, "Ship": 2}
    for wrong in ("Charge:0", "Charge:x", "Charge:", "Ship:-1"):
        with pytest.raises(UsageError, match="TASK:N"):
            run_inputs.failures(plan, [wrong])


A_NODE = {"id": "1", "name": "Charge", "kind": "task", "flow": "order", "status": "success", "result": 1}
AN_EDGE = {"flow": "order", "index": 0, "from": [], "to": ["Charge"], "considered": 1, "fired": 1}
NO_REPORTS = [
    ("[]", "it is a list"),
    ("5", "it is a number"),
    ("{}", "it has no nodes"),
    ('{"nodes": 5}', "nodes is a number, not a list"),
    ('{"nodes": [5]}', "nodes[0] is a number, not a mapping"),
    ('{"nodes": [], "edges": 5}', "edges is a number, not a list"),
    ('{"nodes": [], "edges": [5]}', "edges[0] is a number, not a mapping"),
    *[
        (json.dumps({"nodes": [A_NODE, {**A_NODE, key: wrong}]}), f"nodes[1].{key} is ")
        for key, wrong in [
            ("id", ["1"]),
            ("flow", None),
            ("name", 5),
            ("status", True),
            ("attempts", "1"),
            ("started_at", "0"),
            ("error", "no"),
        ]
    ],
    (
        json.dumps({"nodes": [{key: value for key, value in A_NODE.items() if key != "flow"}]}),
        "nodes[0] has no flow",
    ),
    (json.dumps({"nodes": [], "edges": [{**AN_EDGE, "index": "0"}]}), "edges[0].index is text, not a number"),
    (json.dumps({"nodes": [], "edges": [{**AN_EDGE, "to": [5]}]}), "edges[0].to is not a list of names"),
    ('{"nodes": ' + "[" * 100_000, "nested too deeply"),
    ("{", "is not JSON"),
]


@pytest.mark.parametrize(("content", "told"), NO_REPORTS, ids=range(len(NO_REPORTS)))
def test_what_is_not_a_report_is_refused(shop: Path, cli: Cli, content: str, told: str) -> None:
    (shop / "r.json").write_text(content)
    for option, words in (("--reuse", ("run", "--local", "--select", "Charge")), ("--run", ("graph",))):
        ran = cli(*words, option, "r.json")
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith(f"error: {option}: r.json is not ")
        assert told in ran.err
    if told != "nested too deeply" and content != "{":
        with pytest.raises(RequestError):
            LocalExecutor(plan_of_shop(), LocalOptions(reuse=json.loads(content)))


def plan_of_shop() -> Plan:
    plan = compile_project(["nodes.yaml", "flows"]).plan
    assert plan is not None
    return plan


def test_a_report_to_reuse_needs_a_selection_and_the_same_flow(shop: Path, cli: Cli) -> None:
    (shop / "r.json").write_text('{"flow": "other", "nodes": []}')
    ran = cli("run", "--local", "--reuse", "r.json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: --reuse is about runs with --select")
    ran = cli("run", "--local", "--select", "Charge", "--reuse", "r.json")
    assert (ran.code, ran.out) == (2, "")
    assert (
        ran.err == "error: --reuse: the report is about the flow 'other', and nothing of it is in flow 'order'\n"
    )
    (shop / "r.json").write_text(json.dumps({"flow": "other", "nodes": [A_NODE]}))
    assert cli("run", "--local", "--mock-tasks", "--select", "Charge", "--reuse", "r.json").code == 0


@pytest.mark.parametrize("mock", ["1e999", "-1e999", '{"n": [1e999]}', '{"n": NaN}'])
def test_a_mock_is_a_value_that_tasks_can_return(shop: Path, cli: Cli, mock: str) -> None:
    ran = cli("run", "--local", "--mock", f"Charge={mock}")
    assert (ran.code, ran.out) == (2, "")
    assert "is not JSON" in ran.err
    for value in (float(mock), [float(mock)]) if mock.endswith("e999") else ():
        with pytest.raises(ConfigurationError, match=r"not a JSON value: \$.* is not a finite number"):
            Mocks().with_results({"Charge": value})


READERS = {
    "--mocks": ("run", "--local", "--mocks"),
    "--reuse": ("run", "--local", "--select", "Charge", "--reuse"),
    "--node-args-file": ("run", "--local", "--node-args-file"),
    "--style": ("graph", "--style"),
    "--run": ("graph", "--run"),
    "--histories": ("migrate", "check", "--histories"),
}


@pytest.mark.parametrize("option", [*READERS, "-a"])
def test_a_named_pipe_is_not_waited_for(shop: Path, cli: Cli, option: str) -> None:
    os.mkfifo(shop / "pipe")
    words = ("run", "--local", "-a", "@pipe") if option == "-a" else (*READERS[option], "pipe")
    ran = cli(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "a named pipe" in ran.err or option == "--histories"


@pytest.mark.parametrize("option", [option for option in READERS if option != "--histories"])
def test_what_never_ends_is_not_read_to_its_end(
    shop: Path, cli: Cli, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selinon_core.config.yaml.files.LARGEST_FILE", 10_000)
    ran = cli(*READERS[option], "/dev/zero")
    assert (ran.code, ran.out) == (2, "")
    assert "larger than" in ran.err


def test_reports_to_reuse(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text('{"nodes": []}')
    assert run_inputs.report(str(path)) == {"nodes": []}


SCHEMA = "    input_schema: {type: object, required: [day], properties: {day: {type: string}}}\n"


@pytest.mark.parametrize(
    ("command", "option"),
    [(["run", "--local"], ""), (["simulate", "--seeds", "2", "--flow", "order"], "--flow NAME ")],
)
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], 'has no "day"'),
        (["-a", "dya=monday"], 'has no "day"'),
        (["-a", "day=2026"], "at $.day: is a number, not text"),
        (["-a", "[1]"], "is a list, not an object"),
    ],
)
def test_arguments_that_do_not_fit_are_reported_with_how_to_give_others(
    shop: Path, cli: Cli, command: list[str], option: str, given: list[str], told: str
) -> None:
    flows = shop / "flows" / "order.yaml"
    flows.write_text(flows.read_text().replace("  - name: order\n", f"  - name: order\n{SCHEMA}"))
    ran = cli(*command, *given)
    assert ran.code == 2
    assert ran.err == (
        f"error: the arguments of flow order do not fit its input_schema: {told}\n"
        f"  {option}-a KEY=VALUE gives one; where a text reads as JSON, it is written -a KEY='\"7\"'\n"
    )


def test_a_text_in_quotes_is_no_number(shop: Path, cli: Cli) -> None:
    flows = shop / "flows" / "order.yaml"
    flows.write_text(flows.read_text().replace("  - name: order\n", f"  - name: order\n{SCHEMA}"))
    assert cli("run", "--local", "--mock-tasks", "-a", 'day="2026"').code == 0
