"""``selinon simulate``: what is told first, what breaks and is kept as a case, every option, bad input."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.cli.conftest import Cli

FLOWS = """\
tasks:
  - {name: Charge, import: tasks, max_retry: 1, retry_countdown: 10}
  - {name: Ship, import: tasks, timeout: 60}
  - {name: Refund, import: tasks}
flow-definitions:
  - name: order
    edges:
      - {from: , to: Charge}
      - {from: Charge, to: Ship}
    failures:
      - {nodes: Ship, fallback: Refund}
"""
TASKS = """\
import threading
import time
from selinon_core.task import SelinonTask
from selinon_core.testing import effect


class Charge(SelinonTask):
    def run(self, node_args):
        print("charging")
        effect("charge", order=7)


class Ship(SelinonTask):
    def run(self, node_args):
        pass


class Refund(SelinonTask):
    def run(self, node_args):
        pass
"""
CHECKS = """\
def one_charge(run):
    charges = [noted for noted in run.effects if noted.kind == "charge"]
    return f"order 7 is charged {len(charges)} times" if len(charges) > 1 else None
"""
INVARIANTS = """\
invariants:
  - {name: one charge per order, import: checks, function: one_charge}
  - {name: no parcel and money, if: {Refund: success}, then: {Ship: failure}}
"""
CRASHES = ("--faults", "crash=0.2", "--seeds", "8")
BROKEN = ("simulate", "--tasks", "real", "--invariants", "invariants.yaml", *CRASHES)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose task charges twice when its worker dies after it."""
    for name, text in (
        ("flows.yaml", FLOWS),
        ("tasks.py", TASKS),
        ("checks.py", CHECKS),
        ("invariants.yaml", INVARIANTS),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_campaign_tells_first_what_users_ask_first(shop: Path, cli: Cli) -> None:
    ended = cli("simulate", *CRASHES)
    assert ended.code == 0
    lines = [line.strip() for line in ended.out.splitlines()]
    assert re.fullmatch(r"order: 8 schedules( \(\d different\))?, 3 workers, crash; \d+/s", lines[0])
    assert lines[1] == "outcome as undisturbed (success) in 8 of 8"
    assert lines[2].startswith("attempts per task: Charge up to ")
    assert any(
        re.match(r"Charge ran more than once in \d schedules?, twice to its end in \d", line) for line in lines
    )
    assert "-> is it safe to run them twice? (--tasks real checks effects)" in lines
    assert "fallbacks used: 0 of 1 (never: order/Ship -> Refund)" in lines
    assert "time-outs hit: 0 of 1 (never: Ship)" in lines
    assert any(line.startswith("never exercised: crash ") for line in lines)


def test_schedules_that_several_seeds_draw_are_counted_once(shop: Path, cli: Cli) -> None:
    ended = cli("simulate", "--faults", "none", "--workers", "1", "--seeds", "20", "-j", "1")
    assert ended.out.startswith("order: 20 schedules (1 different), 1 worker, no faults")
    report = json.loads(cli("simulate", *CRASHES, "--seeds", "40", "--format", "json").out)
    (campaign,) = report["campaigns"]
    assert 1 < campaign["distinct"] < campaign["schedules"] == 40


def test_a_task_that_charges_twice_is_found_with_a_schedule_of_few_lines(shop: Path, cli: Cli) -> None:
    ended = cli(*BROKEN, "--format", "json")
    assert ended.code == 1
    report = json.loads(ended.out)
    (violation,) = report["violations"]
    assert violation["invariant"] == "one charge per order"
    assert violation["text"] == "order 7 is charged 2 times"
    assert len(violation["deviations"]) <= 2
    assert len(violation["deviations"]) < violation["drawn"]
    assert violation["nondeterminism"] is None
    (campaign,) = report["campaigns"]
    assert campaign["attempts"]["Charge"]["completed"] >= 1
    assert any("no parcel and money" in phrase for phrase in campaign["never_exercised"])
    assert "charging" not in ended.out + ended.err, "what tasks print is not the report"
    diagram = cli(*BROKEN, "--format", "mermaid").out
    assert diagram.startswith("sequenceDiagram\n")
    assert "dies" in diagram
    assert "start order#35;1 is sent" in diagram, "it begins at the beginning"
    text = cli(*BROKEN).out
    assert "broken    one charge per order: order 7 is charged 2 times" in text
    assert re.search(r"crash after \w+.* in ", text)
    assert 'never exercised: the invariant "no parcel and money": no schedule has Refund: success' in text


def test_results_do_not_depend_on_the_number_of_processes(
    shop: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selinon_core.testing.simulation.campaign.BLOCK", 3)

    def report(jobs: str) -> object:
        found = json.loads(cli(*BROKEN, "--format", "json", "-j", jobs).out)
        for part in (found, *found["campaigns"]):
            part.pop("seconds")
        found.pop("per_second")
        return found

    assert report("1") == report("3")


def test_saved_violations_are_cases_that_fail_until_what_is_wrong_is_repaired(
    shop: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = cli(*BROKEN, "--save", "found.flowtest.yaml")
    assert ended.code == 1
    assert "wrote 1 test case to found.flowtest.yaml" in ended.err
    text = Path("found.flowtest.yaml").read_text(encoding="utf-8")
    (case,) = yaml.safe_load(text)["tests"]
    assert case["expect"] == {"ends": "once", "same_as": "undisturbed"}
    failing = cli("test")
    assert failing.code == 1
    assert "but       order 7 is charged 2 times" in failing.out
    again = cli(*BROKEN, "--save", "found.flowtest.yaml")
    assert "wrote 0 test cases to found.flowtest.yaml; it had 1 already" in again.err
    assert Path("found.flowtest.yaml").read_text(encoding="utf-8") == text
    replayed = cli("simulate", "--replay", f"found.flowtest.yaml::{case['name']}")
    assert replayed.code == 1
    assert "broken    one charge per order" in replayed.out
    repaired = CHECKS.replace("len(charges) > 1", "len({str(one.about) for one in charges}) > 1")
    (shop / "checks.py").write_text(repaired, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "checks")
    ended = cli("test")
    assert (ended.code, ended.out.startswith("1 passed")) == (0, True)


def test_a_file_is_extended_and_nothing_in_it_changes(shop: Path, cli: Cli) -> None:
    before = "# by hand\nflow: order\ntests:\n  - name: all is well  # indeed\n    expect: {ran: Ship}\n"
    (shop / "order.flowtest.yaml").write_text(before, encoding="utf-8")
    assert cli(*BROKEN, "--flow", "order", "--save", "order.flowtest.yaml").code == 1
    after = (shop / "order.flowtest.yaml").read_text(encoding="utf-8")
    assert after.startswith(before)
    assert len(yaml.safe_load(after)["tests"]) == 2
    (shop / "order.flowtest.yaml").write_text("tests: [{name: a, flow: order}]\n", encoding="utf-8")
    ended = cli(*BROKEN, "--flow", "order", "--save", "order.flowtest.yaml")
    assert ended.code == 2
    assert "cases cannot be put behind those of order.flowtest.yaml" in ended.err


def test_stale_deviations_are_told_and_an_error_in_continuous_integration(shop: Path, cli: Cli) -> None:
    text = """\
flow: order
tests:
  - name: half of it is gone
    schedule:
      - crash: {after: commit, in: start order#1}
      - twice: Refund#1
    expect: {ends: once, same_as: undisturbed}
"""
    (shop / "order.flowtest.yaml").write_text(text, encoding="utf-8")
    ended = cli("test")
    assert ended.code == 0
    assert "order.flowtest.yaml:6:16: note: half of it is gone: stale: 1 of 2 deviations met nothing" in ended.err
    assert cli("test", "--ci").code == 1
    replayed = cli("simulate", "--replay", "order.flowtest.yaml::half of it is gone")
    assert replayed.code == 0
    assert "met nothing: Refund#1 is delivered twice" in replayed.out
    assert "nothing is broken" in replayed.out
    diagram = cli("simulate", "--replay", "order.flowtest.yaml::half of it is gone", "--format", "mermaid").out
    assert diagram.startswith("sequenceDiagram\n")
    assert re.search(r"Note over w\d: start order#35;1 dies after commit", diagram)


def test_cases_for_simulation_are_taken_before_flows(shop: Path, cli: Cli) -> None:
    text = """\
flow: order
tests:
  - {name: local}
  - {name: in production, driver: production, mocks: {Charge: [{error: "Busy: no"}, {result: 1}]}}
  - {name: marked, tags: simulate, mocks: {Ship: {fatal: lost}}, expect: {status: failure}}
"""
    (shop / "order.flowtest.yaml").write_text(text, encoding="utf-8")
    ended = cli("simulate", "--seeds", "2", "--format", "json")
    assert ended.code == 0
    campaigns = {each["case"]: each for each in json.loads(ended.out)["campaigns"]}
    assert list(campaigns) == ["order.flowtest.yaml::in production", "order.flowtest.yaml::marked"]
    assert campaigns["order.flowtest.yaml::marked"]["fallbacks"] == {"order/Ship -> Refund": True}
    assert campaigns["order.flowtest.yaml::in production"]["virtual_seconds"]["p50"] >= 10
    one = cli("simulate", "--case", "order.flowtest.yaml::local", "--seeds", "1", "--format", "json")
    assert [each["case"] for each in json.loads(one.out)["campaigns"]] == ["order.flowtest.yaml::local"]


def test_a_case_is_of_the_project_that_is_given(shop: Path, cli: Cli) -> None:
    text = "flow: order\ntests: [{name: twice, schedule: [{twice: Charge#1}], expect: {ends: once}}]\n"
    (shop / "cases").mkdir()
    (shop / "cases" / "order.flowtest.yaml").write_text(text, encoding="utf-8")
    (shop / "others").mkdir()
    (shop / "others" / "flows.yaml").write_text(FLOWS, encoding="utf-8")
    name = "cases/order.flowtest.yaml::twice"
    assert cli("simulate", "--replay", name).code == 2, "two definitions of everything"
    assert cli("simulate", "flows.yaml", "--replay", name).code == 0
    ended = cli("simulate", "flows.yaml", "--case", name, "--seeds", "1", "--format", "json")
    assert [each["case"] for each in json.loads(ended.out)["campaigns"]] == [name]


def test_durations_are_drawn_and_time_outs_hit(shop: Path, cli: Cli) -> None:
    (shop / "durations.yaml").write_text("Charge: {recorded: [1, 2]}\n", encoding="utf-8")
    options = ("--durations", "durations.yaml", "--durations", "Ship={uniform: [0, 119]}", "--faults", "none")
    ended = cli("simulate", *options, "--seeds", "8", "--format", "json")
    (campaign,) = json.loads(ended.out)["campaigns"]
    assert campaign["timeouts"] == {"Ship": True}
    assert campaign["virtual_seconds"]["p50"] > 1


def test_durations_are_those_of_recorded_traces(shop: Path, cli: Cli) -> None:
    """As ``--trace`` writes them, with seconds, and as the sink of workers does, with date and time."""
    local = [
        {"event": "TASK_START", "time": 2.0, "task_name": "Charge", "task_id": "a"},
        {"event": "TASK_START", "time": 3.0, "task_name": "Ship", "task_id": "never ends"},
        {"event": "TASK_RETRY", "time": 6.5, "task_name": "Charge", "task_id": "a"},
        {"event": "TASK_START", "time": 7.0, "task_name": "gone", "task_id": "b"},
    ]
    of_ship = {"task_name": "Ship", "task_id": "c"}
    workers = [
        {"event": "TASK_START", "time": "2026-11-30 23:59:58.500000", "details": of_ship},
        {"event": "TASK_END", "time": "2026-12-01 00:01:28.500000", "details": of_ship},
    ]
    (shop / "traces").mkdir()
    for name, events in (("local", local), ("workers", workers)):
        (shop / "traces" / name).write_text("".join(json.dumps(event) + "\n" for event in events))
    ended = cli("simulate", "--durations", "traces", "--faults", "none", "--seeds", "1", "--format", "json")
    (campaign,) = json.loads(ended.out)["campaigns"]
    assert campaign["timeouts"] == {"Ship": True}
    assert campaign["virtual_seconds"]["p50"] == pytest.approx(4.5 + 60, abs=1)


def test_traces_without_attempts_or_times_are_refused(shop: Path, cli: Cli) -> None:
    start = {"event": "TASK_START", "task_name": "Ship", "task_id": "a"}
    (shop / "t.jsonl").write_text(json.dumps({**start, "event": "TASK_END", "time": 1}))
    ended = cli("simulate", "--durations", "t.jsonl")
    assert ended.code == 2
    assert "--durations: t.jsonl has no attempt of a task of this project" in ended.err
    for time in (None, "yesterday", True):
        (shop / "t.jsonl").write_text(json.dumps({**start, "time": time}))
        ended = cli("simulate", "--durations", "t.jsonl")
        assert (ended.code, ended.err) == (
            2,
            f"error: t.jsonl:1: the event TASK_START has no time, but {time!r}\n",
        )


def test_results_as_junit_name_what_is_broken(shop: Path, cli: Cli) -> None:
    assert cli(*BROKEN, "--junit", "results.xml", "-q").code == 1
    (suite,) = ElementTree.parse("results.xml").getroot()
    assert suite.attrib["failures"] == "1"
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "order 7 is charged 2 times" in failure.attrib["message"]


def test_a_real_task_that_reads_the_world_is_reported(shop: Path, cli: Cli) -> None:
    unsteady = TASKS.replace('print("charging")', "self.__class__.count = getattr(self, 'count', 0) + 1")
    (shop / "tasks.py").write_text(
        unsteady.replace('effect("charge", order=7)', "return self.count"), encoding="utf-8"
    )
    ended = cli("simulate", "--tasks", "real", "--seeds", "1")
    assert "uncontrolled nondeterminism without any fault, at: the result of Charge" in ended.err


def test_a_real_task_that_leaves_a_thread_is_refused(shop: Path, cli: Cli) -> None:
    threaded = TASKS.replace(
        'print("charging")', "threading.Thread(target=time.sleep, args=(1,), daemon=True).start()"
    )
    (shop / "tasks.py").write_text(threaded, encoding="utf-8")
    ended = cli("simulate", "--tasks", "real", "--seeds", "1")
    assert ended.code == 2
    assert "running, whose work no simulation can repeat: mock these tasks" in ended.err


def test_workers_change_to_another_configuration(shop: Path, cli: Cli) -> None:
    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True
        )

    git("init", "-q", ".")
    git("add", ".")
    git("commit", "-qm", "first")
    (shop / "flows.yaml").write_text(FLOWS.replace("max_retry: 1", "max_retry: 2"), encoding="utf-8")
    assert cli("simulate", "--deploy", "HEAD", "--seeds", "2").code == 0
    assert cli("simulate", "--deploy", ".", "--at", "2", "--seeds", "2").code == 0
    ended = cli("simulate", "--deploy", "no-such-revision", "--seeds", "2")
    assert ended.code == 2


def test_an_interrupted_campaign_tells_what_was_found(
    shop: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selinon_core.testing.simulation.campaign.BLOCK", 2)
    from selinon_core.testing.simulation import campaign

    play, played = campaign.play, []

    def interrupted(*about: object) -> object:
        if played:
            signal.raise_signal(signal.SIGINT)
        played.append(about)
        return play(*about)  # type: ignore[arg-type]

    monkeypatch.setattr(campaign, "play", interrupted)
    ended = cli("simulate", "--seeds", "8")
    assert ended.code == 130
    assert "interrupted: this is what was found so far" in ended.err
    assert ended.out.startswith("order: 2 schedules of 8, ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--faults", "crahs"], 'no fault is named "crahs"; did you mean "crash"?'),
        (["--faults", "crash=2"], '"crash=2" has no probability'),
        (["--faults", ","], "--faults names no fault"),
        (["--flow", "ordre"], 'no flow is named "ordre"'),
        (["--flow", "order", "--case", "a.flowtest.yaml::b"], "--case and --flow name different subjects"),
        (["-a", "1"], "--node-args is for a flow that --flow names"),
        (["--case", "no.flowtest.yaml::b"], "no such file: no.flowtest.yaml"),
        (["--replay", "flows.yaml"], "names no case"),
        (["--replay", "a.flowtest.yaml::b", "--save", "x.yaml"], "--replay plays one case"),
        (["--durations", "Chrage=5"], 'no task is named "Chrage"'),
        (["--durations", "Charge={uniform: [9, 1]}"], "the first number of uniform is the larger one"),
        (["--durations", "Charge={unifrom: [1, 9]}"], 'did you mean "uniform"?'),
        (["--durations", "nowhere.yaml"], "nowhere.yaml"),
        (["--invariants", "nowhere.yaml"], "cannot be read"),
        (["--save", "-"], "--save adds cases to a file"),
        (["--save", "nowhere/x.flowtest.yaml"], "there is no directory nowhere"),
        (["--at", "3"], "--at says when workers change"),
        (["-j", "0"], "-j: expected auto or a number"),
        (["--junit", "-", "--format", "json"], "cannot both write to stdout"),
    ],
)
def test_bad_input_is_refused_with_a_remedy(shop: Path, cli: Cli, words: list[str], said: str) -> None:
    ended = cli("simulate", *words)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
