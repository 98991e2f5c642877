"""Mocked tasks and functions: the mocks file, ``fail``, ``mock_all``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from selinon_core.errors import ConfigurationError, UnknownTaskError
from selinon_core.local import LocalExecutor, LocalOptions, Mocks
from tests.local.trying import HERE, build, each, holding, names, node, play, told


def read(text: str) -> Mocks:
    return Mocks.from_mapping(yaml.safe_load(text), "mocks.yaml")


def chain(**a: Any) -> Any:
    return build({"f": ["-> A", "A -> B"]}, {"A": a})


class TestOutcomes:
    def test_a_result(self) -> None:
        run = play(chain(), does={"A": lambda task, args: "real"}, mocks=read("A: {result: {x: [1]}}"))
        assert node(run, "A")["result"] == {"x": [1]}
        assert list(run.stored("S").values()) == [{"x": [1]}, None]

    def test_a_null_result_is_one(self) -> None:
        assert node(play(chain(), mocks=read("A: {result: null}")), "A")["status"] == "success"

    @pytest.mark.parametrize(
        ("text", "name", "message"),
        [
            ("ValueError: not good", "ValueError", "not good"),
            ("KeyError: x", "KeyError", "x"),
            ("StorageError: gone", "StorageError", "gone"),
            ("TheirOwn: odd", "TheirOwn", "odd"),
            ("UnicodeDecodeError: bad", "UnicodeDecodeError", "bad"),
            ("SystemExit: 1", "SystemExit", "1"),
            ("KeyboardInterrupt: ", "KeyboardInterrupt", ""),
            ("TimeoutError", "TimeoutError", ""),
            ("something went wrong", "RuntimeError", "something went wrong"),
            ("no: class", "no", "class"),
        ],
    )
    def test_an_error_of_a_class(self, text: str, name: str, message: str) -> None:
        error = node(play(chain(), mocks=Mocks.from_mapping({"A": {"error": text}})), "A")["error"]
        assert (error["type"], error["message"]) == (name, message)

    def test_an_error_is_retried_and_a_fatal_one_is_not(self) -> None:
        plan = chain(max_retry=3, retry_countdown=2)
        run = play(plan, mocks=read("A: [{error: 'ValueError: no'}, {fatal: no use}, {result: 1}]"))
        a = node(run, "A")
        assert (a["status"], a["attempts"], a["error"]["type"]) == ("failure", 2, "FatalTaskError")

    def test_a_retry_waits_and_does_not_count(self) -> None:
        run = play(chain(), mocks=read("A: [{retry: 30}, {retry: 5, after: 1}, {result: 1, after: 2}]"))
        assert (node(run, "A")["attempts"], node(run, "A")["finished_at"]) == (3, 38.0)
        assert [event["user_retry"] for event in told(run, "TASK_RETRY")] == [True, True]

    def test_an_error_that_looks_like_a_retry_is_still_an_error(self) -> None:
        run = play(chain(), mocks=read("A: {error: 'Retry: soon'}"))
        assert node(run, "A")["status"] == "failure"

    def test_a_list_goes_on_over_attempts_and_visits_and_the_last_one_repeats(self) -> None:
        plan = build({"f": "-> A A A"}, {"A": {"max_retry": 1}})
        run = play(plan, mocks=read("A: [{error: 'E: 1'}, {result: 2}, {result: 3}]"))
        assert sorted(n["result"] for n in run.nodes) == [2, 3, 3]

    def test_results_are_copies(self) -> None:
        plan = build({"f": ["-> A A", "A -> B"]})

        def spoil(task: Any, args: Any) -> None:
            task.parent_task_result("A").append(1)

        run = play(plan, mocks=read("A: {result: []}"), does={"B": spoil})
        assert [n["result"] for n in run.nodes if n["name"] == "A"] == [[], []]

    def test_tasks_may_stand_under_a_key(self) -> None:
        mocks = read("tasks: {A: {result: 1}}\nfunctions: {}")
        assert node(play(chain(), mocks=mocks), "A")["result"] == 1

    def test_results_given_apart_come_first(self) -> None:
        mocks = read("A: {result: 1}").with_results({"A": 2})
        assert node(play(chain(), mocks=mocks), "A")["result"] == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1]", "mocks.yaml: expected a mapping of tasks to outcomes, got a list"),
        ("A: 5", 'mocks.yaml: A: the mock of "A" has to be an outcome like {result: 1}'),
        ("A: []", 'mocks.yaml: A: the mock of "A" is an empty list'),
        (
            "A: {resutl: 1}",
            'mocks.yaml: A: unknown key "resutl" in an outcome (not a key of an outcome; did you mean "result"?)',
        ),
        (
            "A: {result: 1, error: 'E: x'}",
            'mocks.yaml: A: "result" and "error" in an outcome: an attempt ends one way',
        ),
        ("A: {result: 2020-01-01}", "mocks.yaml: A is not a JSON value"),
        (
            "A: {result: 1, after: soon}",
            'mocks.yaml: A: after has to be a number of at least 0, not the text "soon"',
        ),
        ("A: {result: 1, after: -1}", "mocks.yaml: A: after has to be a number of at least 0, not -1"),
        ("A: {after: .inf}", "mocks.yaml: A is not a JSON value"),
        ("A: {retry: true}", "mocks.yaml: A: retry has to be a number of at least 0"),
        ("A: {error: 5}", "mocks.yaml: A: error has to be text, not the number 5"),
        ("tasks: [A]", "mocks.yaml: tasks: expected a mapping"),
        ("functions: [A]", "mocks.yaml: functions: expected a mapping"),
        ("functions: {m.f: 2020-01-01}", "mocks.yaml: functions: m.f"),
        ("1: {result: 1}", "what a mock is for has to be a name, not the number 1"),
        ("Aa: {result: 1}", 'did you mean "A"?'),
        ("functions: {m.f: true}", 'a mock is given for the function "m.f"'),
    ],
)
def test_a_wrong_file_is_told_with_the_place_in_it(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        play(chain(), mocks=read(text))
    assert says in str(caught.value)


def test_an_empty_file_mocks_nothing() -> None:
    assert read("") == Mocks()


class TestFail:
    def test_every_attempt(self) -> None:
        run = play(chain(max_retry=2), fail={"A": None})
        assert (node(run, "A")["status"], node(run, "A")["attempts"]) == ("failure", 3)
        assert node(run, "A")["error"]["type"] == "InjectedFailure"

    def test_the_first_attempts(self) -> None:
        run = play(chain(max_retry=2), does={"A": lambda task, args: "real"}, fail={"A": 2})
        assert (node(run, "A")["result"], node(run, "A")["attempts"]) == ("real", 3)

    def test_fallbacks_run(self) -> None:
        plan = build({"f": {"edges": ["-> A"], "failures": ["A -> B"]}})
        assert names(play(plan, fail={"A": None})) == ["A", "B"]

    def test_an_unknown_task_is_reported(self) -> None:
        with pytest.raises(UnknownTaskError, match='did you mean "A"'):
            LocalExecutor(chain(), LocalOptions(fail={"Aa": None}))


class TestAll:
    SCHEMAS: tuple[tuple[Any, Any], ...] = (
        ({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 3}}}, {"n": 3}),
        ({"type": "array", "minItems": 1, "items": {"enum": ["x"]}}, ["x"]),
        ({"type": "string"}, ""),
        ({}, None),
    )

    def test_nothing_is_imported(self) -> None:
        nowhere = {"import": "not_installed_at_all"}
        plan = build(
            {
                "f": {
                    "edges": [
                        "-> A",
                        ("A -> B", holding()),
                        ("A -> C", {"foreach": {"import": "not_installed_at_all", "function": "items"}}),
                        "A -> g",
                    ]
                },
                "g": ["-> D"],
            },
            dict.fromkeys("ABCD", nowhere),
            {"S": nowhere},
            predicates_module="not_installed_at_all",
            trace=[{"function": {"import": "not_installed_at_all", "name": "sink"}}],
        )
        run = play(plan, mock_all=True)
        assert (run.status, names(run)) == ("success", ["A", "g", "D"])
        assert len(run.warnings) == len(set(run.warnings)) == 3
        text = "\n".join(run.warnings)
        assert "without a mock not_installed_at_all.holds is false" in text
        assert "without a mock not_installed_at_all.items yields nothing" in text
        assert run.report()["warnings"] == run.warnings

    def test_functions_can_be_mocked(self) -> None:
        plan = build({"f": ["-> A", ("A -> B", holding()), ("A -> C", each(True))]})
        mocks = Mocks.from_mapping({"functions": {f"{HERE}.holds": True, f"{HERE}.items": [1, 2]}})
        run = play(plan, mock_all=True, mocks=mocks)
        assert names(run) == ["A", "B", "C", "C"]
        assert run.warnings == []

    @pytest.mark.parametrize(("schema", "value"), SCHEMAS)
    def test_a_result_is_the_least_value_that_fits(self, tmp_path: Path, schema: Any, value: Any) -> None:
        path = tmp_path / "schema.json"
        path.write_text(json.dumps(schema))
        run = play(chain(output_schema=str(path)), mock_all=True)
        assert node(run, "A")["result"] == value
        assert node(run, "B")["result"] is None

    def test_a_mock_that_the_schema_refuses_is_not_realistic(self, tmp_path: Path) -> None:
        path = tmp_path / "schema.json"
        path.write_text('{"type": "string"}')
        with pytest.raises(ConfigurationError, match="the mock of A is not realistic"):
            play(chain(output_schema=str(path)), mocks=read("A: {result: 5}"))

    def test_mocks_and_real_tasks_mix_under_concurrency(self) -> None:
        plan = build({"f": "-> A B A B A B A B C"}, {"C": {}})
        ran: list[str] = []
        does = {"A": lambda task, args: ran.append("A"), "C": lambda task, args: ran.append("C")}
        for concurrency in (1, 2, 4):
            ran.clear()
            run = play(plan, does=does, mocks=read("B: {after: 5}"), concurrency=concurrency)
            assert run.status == "success"
            assert sorted(ran) == ["A"] * 4 + ["C"]
            assert all(n["status"] == "success" for n in run.nodes)
