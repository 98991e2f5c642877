"""What is shown while a run goes on."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from rich.console import Console

from selinon_cli.render.run_progress import TreeModel, draw_tree, progress
from selinon_cli.terminal import Terminal
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.project import compile_text
from tests.local.trying import behaviours, build

YAML = """
tasks:
  - {name: A, import: none, max_retry: 1}
  - {name: B, import: none}
flow-definitions:
  - name: inner
    edges:
      - {from: , to: [A, A, A]}
  - name: outer
    edges:
      - {from: , to: [inner, B]}
"""


class FakeTerminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run_with(observer: Any, **more: Any) -> None:
    plan = compile_text({"f.yaml": YAML}, environ={}).plan
    assert plan is not None
    LocalExecutor(plan, LocalOptions(mock_all=True, observer=observer, **more)).run("outer")


def drawn(model: TreeModel, lines: int = 50) -> str:
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(draw_tree(model, lines))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_the_tree_counts_runs_of_one_name_together() -> None:
    model = TreeModel()
    run_with(model.observe, fail={"A": 1})
    assert drawn(model) == ("outer\n├── inner  success\n│   └── A  3 success  attempt 2\n└── B  success\n")


def test_the_tree_while_it_goes_on() -> None:
    model = TreeModel()
    seen: list[str] = []

    def observe(what: str, record: Any) -> None:
        model.observe(what, record)
        seen.append(drawn(model))

    run_with(observe)
    assert any("inner  running" in text and "1 success" in text for text in seen)
    assert any("2 waiting" in text for text in seen)


def test_the_tree_fits_the_terminal() -> None:
    model = TreeModel()
    run_with(model.observe)
    assert drawn(model, 3) == "outer\n└── and 2 success\n"


def test_lines_where_there_is_no_terminal() -> None:
    err = io.StringIO()
    with progress(Terminal(io.StringIO(), err, environment={})) as observer:
        run_with(observer, fail={"B": None})
    lines = err.getvalue().splitlines()
    assert "[     0.000] inner/A: success" in lines
    assert "[     0.000] outer/inner: success" in lines
    assert "[     0.000] outer/B: failure" in lines


def test_many_lines_are_not_printed() -> None:
    many = YAML.replace("[A, A, A]", "[" + ", ".join(["A"] * 500) + "]")
    plan = compile_text({"f.yaml": many}, environ={}).plan
    assert plan is not None
    err = io.StringIO()
    with progress(Terminal(io.StringIO(), err, environment={})) as observer:
        LocalExecutor(plan, LocalOptions(mock_all=True, observer=observer)).run("outer")
    assert len(err.getvalue().splitlines()) < 150


def test_quiet_shows_nothing() -> None:
    err = io.StringIO()
    with progress(Terminal(io.StringIO(), err, verbosity=-1, environment={})) as observer:
        assert observer is None
    assert err.getvalue() == ""


@pytest.mark.parametrize("environment", [{"TERM": "xterm"}, {"TERM": "xterm", "NO_COLOR": "1"}])
def test_a_live_tree_on_a_terminal(environment: dict[str, str]) -> None:
    out, err = io.StringIO(), FakeTerminal()
    with progress(Terminal(out, err, environment=environment)) as observer:
        run_with(observer)
    assert "outer" in err.getvalue()
    assert out.getvalue() == ""
    assert ("\x1b[1m" in err.getvalue()) or "NO_COLOR" in environment


def test_a_flow_is_told_to_have_ended_after_what_is_in_it() -> None:
    ended: list[str] = []

    def observe(what: str, record: Any) -> None:
        if what == "ended":
            ended.append(record.run.name if hasattr(record, "run") else record.flow.name)

    run_with(observe)
    assert ended.index("inner") > max(place for place, name in enumerate(ended) if name == "A")
    assert ended[-1] == "outer"


def large_tree(states: dict[int, str], now: float = 0.0) -> TreeModel:
    """Sixty nodes of one flow, successful unless stated otherwise."""
    model = TreeModel(lambda: now)
    model.name = "large"
    for number in range(60):
        group = model.root.children.setdefault(f"N{number}", type(model.root)())
        state = states.get(number, "success")
        group.counts[state] = 1
        if state == "running":
            group.since[number] = 0.0
    return model


def test_what_runs_and_what_failed_stays_in_sight() -> None:
    text = drawn(large_tree({45: "running", 50: "failure", 59: "waiting"}, now=75.0), 20)
    assert text == ("large\n├── N45  running  for 75 s\n├── N50  failure\n└── and 57 success, 1 waiting\n")
    assert len(drawn(large_tree(dict.fromkeys(range(60), "failure")), 20).splitlines()) <= 20
    assert len(drawn(large_tree({}), 100).splitlines()) == 61


def test_lines_are_written_together_and_input_is_read_without_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = FakeTerminal()
    monkeypatch.setattr("sys.stdin", io.StringIO("an answer\nmore\n"))
    plan = build({"f": "-> A"})
    answers: list[str] = []

    def act(task: Any, args: Any) -> None:
        for number in range(3000):
            print(f"line {number}")
        answers.append(input("a question? "))
        answers.append(sys.stdin.readline())
        print("no line end", end="")

    behaviours.clear()
    behaviours["A"] = act
    terminal = Terminal(io.StringIO(), stream, environment={"TERM": "xterm"})
    with progress(terminal) as observer:
        LocalExecutor(plan, LocalOptions(observer=observer)).run("f")
    text = stream.getvalue()
    assert answers == ["an answer", "more\n"]
    assert all(f"line {number}\n" in text for number in (0, 1500, 2999))
    assert text.index("line 2999") < text.index("a question? ") < text.index("no line end")
    assert text.count("\x1b[2K") < 500  # repaints, of which there was one a line
