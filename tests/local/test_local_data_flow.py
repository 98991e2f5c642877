"""What moves between nodes: which run a name means, arguments, inputs, outputs, and how they fail."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from selinon_core.errors import ArgumentError, StorageError
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun, Mocks
from tests.local.trying import (
    HERE,
    Remembering,
    behaviours,
    build,
    build_unchecked,
    failing,
    names,
    node,
    play,
    told,
)

#: Storages as the test has them, instead of stand-ins.
REAL: dict[str, Any] = {"storage": "real"}


def args_of(run: LocalRun, name: str) -> list[Any]:
    return [node["node_args"] for node in run.nodes if node["name"] == name]


def error_of(run: LocalRun, name: str) -> str:
    error = node(run, name)["error"]
    assert error["type"] == "ArgumentError"
    message: str = error["message"]
    return message


def given(**args: Any) -> dict[str, Any]:
    """The edge key ``args``."""
    return {"args": args}


def numbered(task: Any, args: Any) -> Any:
    """Each run of the task gives the next number."""
    counts = behaviours.setdefault("counts", {})
    counts[task.task_name] = counts.get(task.task_name, 0) + 1
    return counts[task.task_name]


class TestWhichRunIsMeant:
    def test_each_combination_has_its_own_arguments(self) -> None:
        plan = build({"f": ["-> A A B B", ("A B -> C", given(a="${A}", b="${B}"))]})
        run = play(plan, does={"A": numbered, "B": numbered})
        assert sorted((args["a"], args["b"]) for args in args_of(run, "C")) == [(1, 1), (1, 2), (2, 1), (2, 2)]

    def test_one_ancestor_of_both_sources_is_meant(self) -> None:
        plan = build({"f": ["-> List", "List -> A B", ("A B -> C", given(n="${List}"))]})
        assert args_of(play(plan, does={"List": numbered}), "C") == [{"n": 1}]

    def test_two_ancestors_are_ambiguous_and_the_node_fails(self) -> None:
        plan = build({"f": ["-> List List", "List -> A B", ("A B -> C", given(n="${List}"))]})
        run = play(plan, does={"List": numbered})
        assert run.status == "failure"
        states = [(node["status"], node["attempts"]) for node in run.nodes if node["name"] == "C"]
        assert states.count(("failure", 0)) == 2  # A and B come from different runs
        assert states.count(("success", 1)) == 2
        (message, other) = [n["error"]["message"] for n in run.nodes if n["name"] == "C" and n["error"]]
        assert "2 runs of List may be meant" in message
        assert "make List a source" in other

    def test_a_default_stands_in_for_an_ambiguous_name(self) -> None:
        plan = build({"f": ["-> List List", "List -> A B", ("A B -> C", given(n="${default(List, 0)}"))]})
        found = args_of(play(plan, does={"List": numbered}), "C")
        assert sorted(args["n"] for args in found) == [0, 0, 1, 2]

    def test_sources_win_over_their_own_ancestors(self) -> None:
        plan = build({"f": ["-> B", "B -> A B2", "B2 -> D", ("A D -> C", given(b="${B2}", a="${B}"))]})
        run = play(plan, does={"B": lambda task, args: "b", "B2": lambda task, args: "b2"})
        assert args_of(run, "C") == [{"b": "b2", "a": "b"}]
        again = ("A -> B", {"condition": "A == 1"})
        twice = build({"f": ["-> B", "B -> A", ("A B -> C", given(b="${B}")), again]})
        run = play(twice, does={"B": numbered, "A": numbered})
        assert {"b": 1} in args_of(run, "C")
        assert {"b": 2} in args_of(run, "C")

    def test_in_a_loop_the_last_draft_and_the_one_outline_are_meant(self) -> None:
        edges = [
            "-> Outline",
            "Outline -> Draft",
            "Draft -> Review",
            ("Review -> Draft", {"condition": "Review < 3"}),
            (
                "Review -> Publish",
                {"condition": "Review >= 3", **given(draft="${Draft}", outline="${Outline}", review="${Review}")},
            ),
        ]
        does = {"Outline": numbered, "Draft": numbered, "Review": numbered}
        assert args_of(play(build({"f": edges}), does=does), "Publish") == [
            {"draft": 3, "outline": 1, "review": 3}
        ]

    def test_in_a_self_loop_the_run_that_just_ended_is_meant(self) -> None:
        edges = ["-> Improve", ("Improve -> Improve", {"condition": "Improve < 3", **given(last="${Improve}")})]
        run = play(build({"f": edges}), does={"Improve": numbered})
        assert args_of(run, "Improve") == [None, {"last": 1}, {"last": 2}]

    def test_a_branch_without_the_node_has_no_value(self) -> None:
        edges = ["-> A B", ("A -> C", given(b="${B}"))]
        run = play(build_unchecked({"f": edges}), does={"B": numbered})
        assert "no run of B led here" in error_of(run, "C")
        asked = build_unchecked({"f": ["-> A B", ("A -> C", given(b="${default(B, 0)}", has="${has(B)}"))]})
        assert args_of(play(asked, does={"B": numbered}), "C") == [{"b": 0, "has": False}]


class TestFanOut:
    def test_a_destination_listed_twice_is_started_twice_per_item(self) -> None:
        edge = {"foreach": {"in": "[10, 20, 30]", "as": "n"}, **given(n="${n}", at="${index}")}
        run = play(build({"f": [("-> A A B", edge)]}))
        assert sorted(names(run)) == ["A"] * 6 + ["B"] * 3
        expected = [{"n": 10, "at": 0}, {"n": 20, "at": 1}, {"n": 30, "at": 2}]
        assert args_of(run, "B") == expected
        assert args_of(run, "A") == [args for args in expected for _ in range(2)]

    def test_copies_are_the_own_of_each_run(self) -> None:
        def change(task: Any, args: Any) -> Any:
            args["list"].append(task.task_id)
            return len(args["list"])

        plan = build({"f": ["-> List", ("List -> A A", given(list="${List}"))]})
        run = play(plan, does={"List": lambda task, args: [0], "A": change})
        assert [node["result"] for node in run.nodes if node["name"] == "A"] == [2, 2]

    def test_without_args_the_item_is_the_argument(self) -> None:
        run = play(build({"f": [("-> A", {"foreach": "args.lines"})]}), {"lines": [1, {"a": 2}]})
        assert args_of(run, "A") == [1, {"a": 2}]

    def test_nothing_starts_for_an_empty_list_and_all_is_empty(self) -> None:
        plan = build(
            {"f": {"edges": [("-> A", {"foreach": "args"})], "output": "${all.A}"}}, on_unreached="ignore"
        )
        run = play(plan, [])
        assert (run.status, names(run), run.output) == ("success", [], [])

    @pytest.mark.parametrize(
        ("value", "message"),
        [(None, "is null, not a list"), ("abc", "is text, not a list"), ({"a": 1}, "is an object, not a list")],
    )
    def test_what_is_no_list_fails_the_attempt(self, value: Any, message: str) -> None:
        run = play(build({"f": [("-> A", {"foreach": "args.lines"})]}), {"lines": value})
        assert (run.status, names(run)) == ("failure", [])
        assert run.error is not None
        assert "args.lines at flow.yaml:" in run.error or "args.lines at" in run.error
        assert message in run.error
        assert ("items(" in run.error) == isinstance(value, dict)


class TestConditions:
    @pytest.mark.parametrize(("value", "what"), [(None, "null"), (0, "a number"), ("", "text")])
    def test_what_is_no_boolean_fails_the_attempt(self, value: Any, what: str) -> None:
        run = play(build({"f": ["-> A", ("A -> B", {"condition": "A"})]}), does={"A": lambda task, args: value})
        assert (run.status, names(run)) == ("failure", ["A"])
        assert run.error is not None
        assert f"is {what}, not a boolean" in run.error

    def test_a_missing_field_fails_and_a_default_is_a_value(self) -> None:
        does = {"Check": lambda task, args: {}}
        run = play(build({"f": ["-> Check", ("Check -> B", {"condition": "Check.ok"})]}), does=does)
        assert run.status == "failure"
        assert '"Check" has no key "ok"' in str(run.error)
        plan = build({"f": ["-> Check", ("Check -> B", {"condition": "default(Check.ok, false)"})]})
        run = play(plan, does=does)
        assert (run.status, names(run)) == ("success", ["Check"])

    def test_the_trace_says_what_a_condition_saw(self) -> None:
        condition = "A.total > 3 and not A.dry"
        plan = build({"f": ["-> A", ("A -> B", {"condition": condition})]})
        run = play(plan, does={"A": lambda task, args: {"total": 0, "dry": False, "rest": "x"}})
        (event,) = told(run, "EDGE_COND_FALSE")
        first, second = event["condition"]["and"]
        assert first == {"expr": "A.total > 3", "value": False, "saw": {"A.total": 0}}
        assert second == {"not": {"expr": "A.dry", "value": None}}
        (decision,) = run.report()["decisions"]
        assert decision["condition"] == event["condition"]


class TestArguments:
    def test_arguments_are_worked_out_once_for_all_attempts(self) -> None:
        plan = build({"f": ["-> A", ("A -> B", given(a="${A}"))]}, {"B": {"max_retry": 2}})
        seen: list[Any] = []

        def act(task: Any, args: Any) -> None:
            seen.append(dict(args))
            args["a"] = "changed"
            Remembering.kept.clear()
            if task.attempt < 3:
                raise ValueError

        run = play(plan, does={"A": numbered, "B": act}, **REAL)
        assert run.status == "success"
        assert seen == [{"a": 1}] * 3

    def test_a_node_whose_arguments_cannot_be_worked_out_fails_without_an_attempt(self) -> None:
        plan = build({"f": ["-> A", ("A -> B", given(x="${A.x}")), "A -> C"]}, {"B": {"max_retry": 5}})
        run = play(plan, does={"A": lambda task, args: {"y": 1}})
        assert (run.status, node(run, "B")["attempts"]) == ("failure", 0)
        assert node(run, "C")["status"] == "success"
        message = error_of(run, "B")
        assert message.startswith("flow f, edge A -> B at ")
        assert "args.x at " in message
        assert message.endswith('"A" has no key "x"')
        assert [event["node_name"] for event in told(run, "NODE_FAILURE")] == ["B"]
        assert told(run, "TASK_FAILURE") == []

    def test_fallbacks_handle_it(self) -> None:
        plan = build(
            {
                "f": {
                    "edges": ["-> A", ("A -> B", given(x="${A.x}"))],
                    "failures": [("B -> F", given(why="${failed.B.message}", kind="${failed.B.type}"))],
                }
            }
        )
        run = play(plan, does={"A": lambda task, args: {}})
        assert run.status == "success"
        (args,) = args_of(run, "F")
        assert args["kind"] == "ArgumentError"
        assert 'has no key "x"' in args["why"]

    def test_eager_failures_end_the_flow(self) -> None:
        plan = build({"f": {"edges": ["-> A", ("A -> B", given(x="${A.x}"))], "eager_failures": "B"}})
        run = play(plan, does={"A": lambda task, args: {}})
        assert run.error == "B failed and is listed in eager_failures"

    def test_the_trace_says_what_a_node_was_given_and_from_where(self) -> None:
        args = {"n": "${A.n}", "text": "no ${A.n}", "plain": "EUR", "nested": {"a": ["${A.n}"]}}
        plan = build({"f": ["-> A", ("A -> B", {"args": args})]})
        run = play(plan, does={"A": lambda task, args: {"n": 7}})
        (event,) = told(run, "NODE_ARGS")
        assert event["args"] == {"n": 7, "text": "no 7", "plain": "EUR", "nested": {"a": [7]}}
        assert event["args_from"] == {"n": "A.n", "text": "no ${A.n}", "nested": '{"a": ["${A.n}"]}'}
        assert node(run, "B")["args_from"] == event["args_from"]
        assert "args_from" not in node(run, "A")

    def test_long_arguments_are_cut_in_the_trace_only(self) -> None:
        plan = build({"f": ["-> A", ("A -> B", given(a="${A}"))]})
        run = play(plan, does={"A": lambda task, args: ["x" * 50] * 100})
        (event,) = told(run, "NODE_ARGS")
        assert len(event["args"]["a"]) == 2003
        assert args_of(run, "B") == [{"a": ["x" * 50] * 100}]

    def test_values_are_never_taken_for_expressions(self) -> None:
        plan = build(
            {"f": ["-> A", ("A -> B", given(a="${A}", b="is ${A.x}", c="$${A}")), ("B -> C", given(b="${B}"))]}
        )
        tricky = {"x": "${A.y}", "$ref": ["f", "A", "id", []]}
        run = play(plan, does={"A": lambda task, args: tricky, "B": lambda task, args: args})
        assert args_of(run, "B") == [{"a": tricky, "b": "is ${A.y}", "c": "${A}"}]
        assert args_of(run, "C") == [{"b": {"a": tricky, "b": "is ${A.y}", "c": "${A}"}}]

    def test_a_result_without_a_storage_cannot_be_read(self) -> None:
        plan = build_unchecked({"f": ["-> A", ("A -> B", given(a="${A}"))]}, {"A": {"storage": None}})
        run = play(plan, does={"A": numbered})
        assert "has no storage" in error_of(run, "B")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("length(A) > 1", 'there is no function "length"'),
            ("len(A, 2) > 1", "len() takes 1 argument and gets 2"),
            ("has(vars)", '"vars" is used with a name'),
        ],
    )
    def test_what_lint_would_not_have_let_pass_fails_where_it_stands(self, text: str, message: str) -> None:
        asked = play(build_unchecked({"f": ["-> A", ("A -> B", {"condition": text})]}), does={"A": numbered})
        assert message in str(asked.error)
        items = play(build_unchecked({"f": ["-> A", ("A -> B", {"foreach": f"[{text}]"})]}), does={"A": numbered})
        assert message in str(items.error)
        for args in (f"${{{text}}}", f"a ${{{text}}}"):
            run = play(build_unchecked({"f": ["-> A", ("A -> B", given(a=args))]}), does={"A": numbered})
            assert message in error_of(run, "B")

    def test_a_result_that_is_gone_fails_the_node(self) -> None:
        def forget(task: Any, args: Any) -> None:
            Remembering.kept.clear()

        plan = build({"f": ["-> A", "A -> B", ("B -> C", given(a="${default(A, 1)}"))]})
        run = play(plan, does={"A": numbered, "B": forget}, **REAL)
        assert "the result of A (run " in error_of(run, "C")
        assert "is gone" in error_of(run, "C")

    def test_a_storage_that_is_away_defers_the_arguments(self) -> None:
        tries = iter(range(2))

        def away(flow: str, task: str, id: str) -> None:
            if next(tries, None) is not None:
                raise StorageError("it is away")

        plan = build({"f": {"edges": ["-> A", ("A -> B", given(a="${A}"))], "retry_countdown": 5}})
        run = play(plan, does={"A": numbered, "retrieve": away}, **REAL)
        assert (run.status, args_of(run, "B")) == ("success", [{"a": 1}])
        assert len(told(run, "DISPATCHER_RETRY")) == 2
        assert run.virtual_seconds == 10

    def test_an_eager_failure_drops_the_open_question(self) -> None:
        def away(flow: str, task: str, id: str) -> None:
            raise StorageError("it is away")

        flow = {
            "edges": ["-> A E", ("A -> B", given(a="${A}"))],
            "retry_countdown": 5,
            "eager_failures": "E",
        }
        plan = build({"f": flow})
        does = {"A": numbered, "E": failing(1), "retrieve": away}
        run = play(plan, does=does, durations={"E": 7.0}, **REAL)
        assert run.error == "E failed and is listed in eager_failures"
        assert "B" not in names(run)

    def test_sub_flows_in_nowait_get_arguments_too(self) -> None:
        plan = build(
            {
                "f": {"edges": ["-> A", ("A -> g", given(a="${A}"))], "nowait": "g"},
                "g": {"edges": [("-> B", given(b="${args.a}"))], "output": "${B}"},
            }
        )
        run = play(plan, does={"A": numbered})
        assert args_of(run, "B") == [{"b": 1}]
        assert run.result.keys() == {"finished_nodes", "failed_nodes", "active_nodes"}

    def test_a_selective_run_feeds_an_earlier_result_to_args(self) -> None:
        reusing = {"A": {"selective_run_function": {"name": "reuse", "import": HERE}}}
        plan = build({"f": ["-> A", ("A -> B", given(a="${A.n}"))]}, reusing)
        earlier = play(plan, does={"A": lambda task, args: {"n": 7}})
        behaviours["reuse"] = lambda *given: node(earlier, "A")["id"]
        run = LocalExecutor(plan, LocalOptions(reuse=earlier.report())).run_selective("f", ["B"])
        assert [(n["name"], n["status"]) for n in run.nodes] == [("A", "reused"), ("B", "success")]
        assert args_of(run, "B") == [{"a": 7}]


class TestBehindFallbacks:
    def flow(self, **args: str) -> dict[str, Any]:
        return {"f": {"edges": ["-> S", "S -> X", ("F -> G", {"args": args})], "failures": ["X -> F"]}}

    def test_the_source_of_the_failed_run_is_in_reach(self) -> None:
        plan = build(self.flow(s="${S}", why="${failed.X.message}", tries="${failed.X.attempts}"))
        run = play(plan, does={"S": numbered, "X": failing(1, ValueError("no"))})
        assert args_of(run, "G") == [{"s": 1, "why": "no", "tries": 1}]

    def test_the_failed_node_has_no_result(self) -> None:
        run = play(build_unchecked(self.flow(x="${X}")), does={"S": numbered, "X": failing(1)})
        assert "no run of X led here" in error_of(run, "G")

    def test_failed_runs_of_different_sources_are_ambiguous(self) -> None:
        def plan(text: str) -> Any:
            edges = ["-> S S", ("S -> A", {"condition": "S == 1"}), ("S -> B", {"condition": "S == 2"})]
            return build({"f": {"edges": edges, "failures": [("A B -> F", given(s=text))]}})

        does = {"S": numbered, "A": failing(1), "B": failing(1)}
        run = play(plan("${S}"), does=does)
        assert "2 runs of S may be meant" in error_of(run, "F")
        does = {"S": numbered, "A": failing(1), "B": failing(1)}
        assert args_of(play(plan("${default(S, 0)}"), does=does), "F") == [{"s": 0}]

    def test_a_failed_flow_says_why(self) -> None:
        flows = {
            "f": {"edges": ["-> g"], "failures": [("g -> F", given(why="${failed.g}"))]},
            "g": {"edges": ["-> X"], "max_retry": 1},
        }
        run = play(build(flows), does={"X": failing(2)})
        (args,) = args_of(run, "F")
        assert args["why"] == {
            "type": "FlowError",
            "message": "no fallback applies to the failed nodes: X",
            "attempts": 2,
        }


class TestInputs:
    SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "default": 7}}}

    def flows(self, **edge: Any) -> dict[str, Any]:
        return {
            "f": {"edges": ["-> A", ("A -> g", edge)]},
            "g": {"edges": [("-> B", given(n="${args.n}"))], "input_schema": self.SCHEMA},
        }

    def test_defaults_are_filled_in_where_a_flow_begins(self) -> None:
        plan = build({"f": {"edges": [("-> B", given(n="${args.n}"))], "input_schema": self.SCHEMA}})
        assert args_of(play(plan), "B") == [{"n": 7}]
        assert args_of(play(plan, {}), "B") == [{"n": 7}]
        assert args_of(play(plan, {"n": 1}), "B") == [{"n": 1}]
        assert play(plan).report()["node_args"] == {"n": 7}
        assert args_of(play(build(self.flows(args={})), does={"A": numbered}), "B") == [{"n": 7}]

    def test_a_flow_that_is_called_wrongly_does_not_begin(self) -> None:
        plan = build({"f": {"edges": ["-> B"], "input_schema": self.SCHEMA}})
        with pytest.raises(ArgumentError) as caught:
            play(plan, {"n": "secret"})
        what = "the arguments of flow f do not fit its input_schema: at $.n: is text, not an integer"
        assert str(caught.value) == what

    def test_args_that_do_not_fit_the_sub_flow_fail_the_node(self) -> None:
        run = play(build(self.flows(args={"n": "${A}"})), does={"A": lambda task, args: "secret"})
        assert names(run) == ["A", "g"]
        assert "the arguments of flow g do not fit its input_schema: at $.n: is text" in error_of(run, "g")
        assert "secret" not in error_of(run, "g")

    def test_handed_down_arguments_are_checked_where_the_sub_flow_begins(self) -> None:
        flows = self.flows()
        flows["f"] |= {"propagate_node_args": "g"}
        flows["g"] |= {"max_retry": 3}
        run = play(build(flows), {"n": "secret"})
        assert (run.status, names(run)) == ("failure", ["A", "g"])
        assert "at $.n: is text, not an integer" in str(told(run, "FLOW_FAILURE")[0]["reason"])
        assert len(told(run, "FLOW_RETRY")) == 0

    def test_args_that_do_not_fit_a_task_fail_it_without_an_attempt(self) -> None:
        tasks = {"B": {"input_schema": {"type": "object", "required": ["n"]}, "max_retry": 3}}
        run = play(build_unchecked({"f": ["-> A", ("A -> B", given(m="${A}"))]}, tasks), does={"A": numbered})
        assert 'the arguments of task B do not fit its input_schema: has no "n"' in error_of(run, "B")
        assert node(run, "B")["attempts"] == 0

    def test_one_of_two_destinations_may_refuse(self) -> None:
        tasks = {"B": {"input_schema": {"type": "object", "required": ["n"]}}}
        run = play(build_unchecked({"f": ["-> A", ("A -> B C", given(m="${A}"))]}, tasks), does={"A": numbered})
        assert (node(run, "B")["status"], node(run, "C")["status"]) == ("failure", "success")

    def test_a_task_has_its_schema_checked_however_it_is_given_arguments(self) -> None:
        tasks = {"A": {"input_schema": self.SCHEMA, "max_retry": 3}}
        plan = build({"f": ["-> A"]}, tasks)
        run = play(plan, {"n": "x"})
        assert (node(run, "A")["error"]["type"], node(run, "A")["attempts"]) == ("ArgumentError", 1)
        found = play(plan, {}, does={"A": lambda task, args: args})
        assert node(found, "A")["result"] == {"n": 7}

    def test_a_second_attempt_of_the_flow_has_the_arguments_as_first_given(self) -> None:
        flow = {
            "edges": [("-> A", given(n="${args.n}")), ("A -> B", given(a="${A}"))],
            "input_schema": self.SCHEMA,
            "max_retry": 1,
            "output": "${all.A}",
        }
        run = play(build({"f": flow}), does={"A": numbered, "B": failing(1)})
        assert args_of(run, "A") == [{"n": 7}, {"n": 7}]
        assert args_of(run, "B") == [{"a": 1}, {"a": 2}]
        assert run.output == [2]


class TestOutputs:
    def test_a_flow_is_called_like_a_function(self) -> None:
        flows = {
            "f": {
                "edges": ["-> A", ("A -> g", given(n="${A}")), ("g -> B", given(twice="${g.twice}"))],
                "output": {"b": "${B}", "twice": "${g.twice}"},
            },
            "g": {"edges": [("-> D", given(n="${args.n}"))], "output": {"twice": "${D}"}},
        }
        does = {"A": lambda task, args: 4, "D": lambda task, args: args["n"] * 2, "B": lambda task, args: args}
        run = play(build(flows), does=does)
        assert run.output == {"b": {"twice": 8}, "twice": 8}
        assert run.result["output"] == run.output
        assert run.report()["output"] == run.output
        assert node(run, "g")["output"] == {"twice": 8}

    def test_a_flow_without_output_has_none_in_its_result(self) -> None:
        run = play(build({"f": ["-> A"]}))
        assert run.result.keys() == {"finished_nodes", "failed_nodes", "active_nodes"}
        assert "output" not in run.report()

    def test_a_sub_flow_without_output_has_no_value(self) -> None:
        run = play(build_unchecked({"f": ["-> g", ("g -> B", given(g="${g}"))], "g": ["-> A"]}))
        assert "flow g declares no output" in error_of(run, "B")

    def test_false_conditions_leave_one(self) -> None:
        edges = [
            ("-> Check", {"foreach": "[1, 2, 3]"}),
            ("Check -> Publish", {"condition": "Check == 2", **given(n="${Check}")}),
        ]
        plan = build({"f": {"edges": edges, "output": "${all.Publish}"}})
        run = play(plan, does={"Check": lambda task, args: args, "Publish": lambda task, args: args["n"]})
        assert run.output == [2]

    @pytest.mark.parametrize(
        ("output", "times", "value"),
        [
            ("${X}", 1, 1),
            ("${default(X, 0)}", 0, 0),
            ("${all.X}", 0, []),
            ("${all.X}", 3, [1, 2, 3]),
            ("${last.X}", 3, 3),
            ("${len(all.X)}", 3, 3),
        ],
    )
    def test_how_often_a_node_ran(self, output: str, times: int, value: Any) -> None:
        edge = ("-> X", {"foreach": f"{list(range(times))}"})
        plan = build({"f": {"edges": [edge], "output": output}}, on_unreached="ignore")
        assert play(plan, does={"X": numbered}).output == value

    @pytest.mark.parametrize(
        ("output", "times", "message"),
        [
            ("${X}", 0, "no run of X finished"),
            ("${X}", 3, "3 runs of X finished"),
            ("${last.X}", 0, "no run of X"),
        ],
    )
    def test_an_output_that_cannot_be_worked_out_fails_the_attempt(
        self, output: str, times: int, message: str
    ) -> None:
        edge = ("-> X", {"foreach": f"{list(range(times))}"})
        plan = build({"f": {"edges": [edge], "output": output, "max_retry": 1}}, on_unreached="ignore")
        run = play(plan, does={"X": numbered})
        assert run.status == "failure"
        assert message in str(run.error)
        assert len(told(run, "FLOW_RETRY")) == 1

    def test_the_order_of_all_is_that_of_the_items_whatever_finishes_first(self) -> None:
        plan = build({"f": {"edges": [("-> X", {"foreach": "[3, 1, 2]"})], "output": "${all.X}"}})
        outputs = [play(plan, does={"X": lambda task, args: args}, seed=seed).output for seed in range(5)]
        assert outputs == [[3, 1, 2]] * 5

    def test_recursion_has_the_output_of_each_run(self) -> None:
        walk = {
            "edges": [
                ("-> Step", given(n="${args.n}")),
                ("Step -> walk", {"condition": "args.n > 0", **given(n="${args.n - 1}")}),
            ],
            "output": "${flatten([[Step], default(walk, [])])}",
        }
        run = play(build({"walk": walk}), {"n": 3}, does={"Step": lambda task, args: args["n"]})
        assert run.output == [3, 2, 1, 0]

    def test_an_output_that_does_not_fit_its_schema_fails_the_attempt(self) -> None:
        schema = {"type": "integer"}
        plan = build({"f": {"edges": ["-> X"], "output": "${X}", "output_schema": schema}})
        assert play(plan, does={"X": numbered}).output == 1
        run = play(plan, does={"X": lambda task, args: "text"})
        assert run.status == "failure"
        assert "does not fit the output_schema" in str(run.error)

    def test_a_failed_flow_has_no_output(self) -> None:
        plan = build({"f": {"edges": ["-> X Y"], "output": "${X}"}})
        run = play(plan, does={"X": numbered, "Y": failing(1)})
        assert run.output is None
        assert "output" not in run.result


class TestMocks:
    def test_what_a_mock_does_not_have_is_said_with_the_option(self) -> None:
        from selinon_core.local.mocks import Mocks

        plan = build(
            {"f": ["-> A", ("A -> B", given(x="${A.lines}")), ("A -> C", {"condition": "A.total + 1 > 1"})]}
        )
        mocks = Mocks.from_mapping({"A": {"result": {"total": None}}})
        run = play(plan, mocks=mocks)
        assert 'the mock of A has no "lines": --mock A=...' in error_of(run, "B")
        assert "(the result of A is a mock: --mock A=... gives another)" in str(run.error)

    def test_arguments_that_are_fine_do_not_look_at_the_mocks_of_the_whole_run(self) -> None:
        """A run of very many nodes would look at all of them for each."""
        edges = ["-> A", ("A -> A", {"condition": "A < 9", **given(n="${A + 1}")})]
        mocks = Mocks.from_mapping({"A": [{"result": number} for number in range(1, 10)]})
        with patch("selinon_core.local.mock_hints.with_hints", side_effect=AssertionError):
            run = play(build({"f": edges}), mocks=mocks)
        assert (run.status, len(names(run))) == ("success", 9)

    def test_a_sub_flow_is_mocked_by_its_output(self) -> None:
        from selinon_core.local.mocks import Mocks

        flows = {
            "f": {"edges": ["-> g", ("g -> B", given(x="${g.shelves}"))], "output": "${g}"},
            "g": {"edges": ["-> A"], "output": "${A}"},
        }
        run = play(build(flows), mocks=Mocks.from_mapping({"g": {"output": {"shelves": [1]}}}))
        assert (names(run), args_of(run, "B")) == (["g", "B"], [{"x": [1]}])
        assert run.output == {"shelves": [1]}
