"""Why something ran or did not: the same answer from a local run, its report, its trace and the log of workers."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from selinon_cli.render.answers import answers_mermaid, answers_text
from selinon_core.celery.reporting.run_history import history
from selinon_core.dispatch import select
from selinon_core.errors import RequestError
from selinon_core.explaining.answers import VERDICTS, Answer, Answers, cut
from selinon_core.explaining.event_facts import TraceView
from selinon_core.explaining.reason import REASON_KINDS, Reason
from selinon_core.explaining.report_facts import ReportView
from selinon_core.explaining.run_view import RunView
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import Plan
from selinon_core.simulating.world import World
from selinon_core.testing.observation import Observation
from tests.celery.waiting_project import project
from tests.explaining.live_situations import LIVE_SITUATIONS, view
from tests.explaining.situations import SITUATIONS, Situation
from tests.local import trying

GOLDEN = Path(__file__).parent / "golden"


@cache
def run_of(name: str) -> LocalRun:
    situation = SITUATIONS[name]
    plan = plan_of(name)
    trying.behaviours.clear()
    trying.behaviours.update(situation.does())
    trying.Remembering.kept.clear()
    chosen = select(plan, "main", situation.selects) if situation.selects else None
    options: Any = dict(situation.options)
    return LocalExecutor(plan, LocalOptions(**options)).run("main", situation.args, chosen)


@cache
def plan_of(name: str) -> Plan:
    return SITUATIONS[name].plan()


@cache
def expected(name: str) -> list[Answer]:
    """The answers of the local run itself."""
    return answers(Observation(plan_of(name), run_of(name)), SITUATIONS[name])


def on_workers(name: str) -> tuple[World, str]:
    situation, plan = SITUATIONS[name], plan_of(name)
    trying.behaviours.clear()
    trying.behaviours.update(situation.does())
    trying.Remembering.kept.clear()
    world = World(plan, workers=1)
    chosen = select(plan, "main", situation.selects) if situation.selects else None
    id = world.start("main", situation.args, chosen)
    world.work()
    return world, id


def answers(seen: RunView, situation: Situation) -> list[Answer]:
    asked = Answers(seen)
    found = [answer for node in situation.asks for answer in asked.of_node(node)]
    found += [answer for edge in situation.edges for answer in asked.of_edge(edge)]
    return found or [asked.of_run()]


@pytest.mark.parametrize("name", SITUATIONS)
def test_an_answer_is_that_of_the_golden_text(name: str) -> None:
    assert_golden(name, answers_text(expected(name)))


def assert_golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name.replace(' ', '_')}.txt"
    if os.environ.get("SELINON_UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


def test_every_golden_text_is_that_of_a_situation() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {
        name.replace(" ", "_") for name in (*SITUATIONS, *LIVE_SITUATIONS)
    }


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_report_gives_the_same_answer(name: str) -> None:
    if SITUATIONS[name].selects:
        pytest.skip("a report does not say what a selective run left out")
    report = json.loads(json.dumps(run_of(name).report()))
    assert causes(answers(ReportView(plan_of(name), report), SITUATIONS[name])) == causes(expected(name))


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_trace_gives_the_same_answer(name: str) -> None:
    events = [json.loads(json.dumps(line)) for line in run_of(name).trace()]
    assert causes(answers(TraceView(plan_of(name), events), SITUATIONS[name])) == causes(expected(name))


@pytest.mark.parametrize("name", [name for name, situation in SITUATIONS.items() if not situation.local_only])
def test_the_log_of_workers_and_their_history_give_the_same_answer(name: str) -> None:
    situation, (world, id) = SITUATIONS[name], on_workers(name)
    found = answers_text(answers(view(world, id), situation))
    assert without_places(found) == without_places(answers_text(expected(name)))
    events = history(plan_of(name), world.store, world.workers[0].flow_versions, id)
    told = answers(TraceView(plan_of(name), json.loads(json.dumps(events))), situation)
    assert causes(told) == causes(expected(name))


@pytest.mark.parametrize("name", LIVE_SITUATIONS)
def test_an_answer_about_a_run_that_goes_on_is_that_of_the_golden_text(name: str) -> None:
    assert_golden(name, without_times(answers_text(live_answers(name))))


@cache
def live_answers(name: str) -> list[Answer]:
    return LIVE_SITUATIONS[name]()


def without_times(text: str) -> str:
    """Without times and ids, which differ from run to run."""
    text = re.sub(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d", "TIME", text)
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)


def causes(found: list[Answer]) -> list[Any]:
    """Verdicts and reasons without the values that conditions looked at: a trace has none."""
    return [(answer.verdict, answer.text, _causes(answer.because)) for answer in found]


def _causes(reasons: tuple[Reason, ...]) -> list[Any]:
    return [
        (reason.kind, without_places(reason.text), _causes(reason.of))
        for reason in reasons
        if reason.kind != "leaf"
    ]


def without_places(text: str) -> str:
    """Without where in the user's code an error was raised: only a local run has the traceback at hand."""
    return re.sub(r" \([\w./]+\.py:\d+\)", "", text)


def test_the_golden_situations_have_every_kind_of_reason() -> None:
    found = {kind for name in SITUATIONS for answer in expected(name) for kind in _kinds(answer.because)}
    assert {kind for kind, (_, everywhere) in REASON_KINDS.items() if everywhere} <= found
    found |= {kind for name in LIVE_SITUATIONS for answer in live_answers(name) for kind in _kinds(answer.because)}
    assert found | {"ended"} == set(REASON_KINDS)  # when sources ended is a matter of tests of the order


def _kinds(reasons: tuple[Reason, ...]) -> Iterator[str]:
    for reason in reasons:
        yield reason.kind
        yield from _kinds(reason.of)


def test_an_answer_as_json_has_the_closed_words() -> None:
    (answer,) = expected("a false predicate")
    value = json.loads(json.dumps(answer.to_json()))
    assert value["version"] == 1
    assert value["verdict"] in VERDICTS
    assert value["subject"]["node"] == "B"
    assert value["because"][0]["reason"] == "condition-false"
    assert value["because"][0]["of"][0]["detail"] == 'is false: the result was {"total": 2}'


def test_reasons_are_cut_at_a_depth() -> None:
    (answer,) = expected("a source that never ran")
    assert answer.because[0].of
    assert not cut(answer.because, 1)[0].of
    assert cut(answer.because, 2)[0].of
    assert not cut(answer.because, 2)[0].of[0].of


def test_a_drawing_escapes_what_results_say() -> None:
    situation = Situation(
        {"main": ["-> A", ("A -> B", {"condition": "A.kind == 'gift'"})]},
        lambda: {"A": lambda *_: {"kind": '"]; click a "javascript:alert(1)" <b>'}},
        asks=("B",),
    )
    run = trying.play(situation.plan(), does=situation.does())
    text = answers_mermaid(answers(Observation(situation.plan(), run), situation))
    assert "<b>" not in text
    assert 'click a "' not in text
    assert "#quot;" in text


def test_unknown_names_get_a_hint() -> None:
    seen = Answers(Observation(plan_of("a node that ran"), run_of("a node that ran")))
    with pytest.raises(RequestError, match="no node is named 'AB': did you mean"):
        seen.of_node("AB")
    with pytest.raises(RequestError, match="A ran once"):
        seen.of_node("A#2")
    with pytest.raises(RequestError, match="no edge is 'A -> C': did you mean"):
        seen.of_edge("A -> C")


def test_what_is_redacted_is_in_no_answer() -> None:
    plan = trying.build({"main": ["-> A", ("A -> B", {"condition": "A.token == 'x'"})]}, redact=["token"])
    trying.behaviours.clear()
    trying.behaviours["A"] = lambda *_: {"token": "sesame-4711"}
    trying.Remembering.kept.clear()
    world = World(plan, workers=1)
    id = world.start("main")
    world.work()
    text = answers_text(Answers(view(world, id)).of_node("B"))
    assert "sesame" not in text
    assert "A.token was" in text


# -- runs that go on --------------------------------------------------------------------------------------------


def test_where_the_nodes_of_a_live_run_are() -> None:
    plan = trying.build(
        {"main": ["-> A B", "A B -> C"]}, {"B": {"max_retry": 2, "retry_countdown": 60, "queue": "slow"}}
    )
    trying.behaviours.clear()
    trying.behaviours["B"] = trying.failing(9)
    world = (
        World(plan, workers=1, inline=0) if "inline" in World.__init__.__annotations__ else World(plan, workers=1)
    )
    id = world.start("main")
    world.work_some(1)
    (first,) = Answers(view(world, id)).of_node("B")
    assert first.verdict in ("waiting", "running")
    world.work(until=world.now + 1)
    (second,) = Answers(view(world, id)).of_node("B")
    assert (second.verdict, second.because[0].kind) == ("waiting", "retry")
    assert "attempt 2 of 3" in second.because[0].text
    (third,) = Answers(view(world, id)).of_node("C")
    assert third.verdict == "not_run"
    assert third.because[0].of[0].kind == "retry"
    whole = Answers(view(world, id)).of_run()
    assert (whole.verdict, whole.because[0].kind) == ("running", "retry")


def test_a_node_that_a_queue_holds() -> None:
    plan = trying.build({"main": ["-> A B"]}, {"B": {"queue": "slow"}})
    trying.behaviours.clear()
    world = World(plan, workers=1)
    id = world.start("main")
    world.work_some(1)
    (answer,) = Answers(view(world, id)).of_node("B")
    assert (answer.verdict, answer.because[0].kind) == ("waiting", "on-its-way")
    assert "of the queue slow" in answer.because[0].text


def test_a_task_that_waits_for_a_signal_and_a_run_that_is_paused() -> None:
    world = World(project(), workers=1)
    id = world.start("order", {"number": 7})
    world.work(until=world.now + 60)
    (answer,) = Answers(view(world, id)).of_node("Approve")
    assert (answer.verdict, answer.because[0].kind) == ("waiting", "waits-for-signal")
    assert "Approve waits for a signal, until " in answer.because[0].text
    world.pause("order", id, 1)
    world.work(until=world.now + 1)
    assert [reason.kind for reason in Answers(view(world, id)).of_run().because] == ["waits-for-signal", "paused"]


def test_a_task_that_a_paused_run_does_not_begin_and_a_run_that_was_paused_before_it_began() -> None:
    world = World(trying.build({"main": ["-> A B"]}, {"B": {"queue": "slow"}}), workers=1)
    trying.behaviours.clear()
    id = world.start("main")
    world.work_some(1)
    world.pause("main", id, 1)
    world.broker.queue.insert(0, world.broker.queue.pop())
    world.work(until=world.now + 1)
    (answer,) = Answers(view(world, id)).of_node("B")
    assert (answer.verdict, answer.because[0].kind) == ("waiting", "paused")
    world.pause("main", "before", 1)
    world.work(until=world.now + 1)
    with pytest.raises(RequestError, match="flow run before has not begun"):
        view(world, "before")


def test_an_unknown_run() -> None:
    world = World(trying.build({"main": "-> A"}), workers=1)
    with pytest.raises(RequestError, match="there is no flow run"):
        view(world, "nix")


# -- broken reports and traces ----------------------------------------------------------------------------------


def test_a_report_of_files_that_changed_is_about_the_edges_that_ran() -> None:
    report = json.loads(json.dumps(run_of("a false predicate").report()))
    changed = trying.build({"main": ["-> A X", "X -> B"]})
    seen = ReportView(changed, report)
    (answer,) = Answers(seen).of_node("B")
    assert answer.because[0].kind == "condition-false"
    assert answer.because[0].text.startswith("edge A -> B")
    assert seen.notes
    assert "flow main has changed since" in seen.notes[0]


def test_a_trace_of_several_runs_asks_which() -> None:
    name = "a node that ran"
    run = run_of(name)
    other = [{**line, "dispatcher_id": "other"} for line in run.trace() if "dispatcher_id" in line]
    events = [*run.trace(), *other]
    with pytest.raises(RequestError, match="2 flow runs"):
        TraceView(plan_of(name), events)
    assert TraceView(plan_of(name), events, run.id[:8]).root.id == run.id
