"""Mocks are played: rules, attempts, visits, whole sub-flows, functions and conditions; what is noted of it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from selinon_core.errors import ConfigurationError
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import Plan
from selinon_core.project.case_files import read_mocks
from tests.local.trying import HERE, build, each, holding, names, node, play

FILE = "mocks.yaml"


def run_with(plan: Plan, text: str, *, args: Any = None, mock_all: bool = True, **options: Any) -> LocalRun:
    mocks, wrong = read_mocks(dedent(text), FILE, plan)
    assert wrong == []
    executor = LocalExecutor(plan, LocalOptions(mocks=mocks, mock_all=mock_all, **options))
    return executor.run(next(iter(plan.flows)), args)


def results(run: LocalRun, name: str) -> list[Any]:
    return [one["result"] for one in run.nodes if one["name"] == name]


def fan() -> Plan:
    """B runs once for each of three items, which are its arguments."""
    return build({"f": ["-> A", ("A -> B", each(True))]})


ITEMS = f"functions: {{{HERE}.items: [a, b, c]}}\n"


class TestRules:
    def test_the_first_rule_that_fits_the_arguments_counts(self) -> None:
        text = (
            ITEMS
            + """
B:
  - {when: {args: b}, then: {error: "TimeoutError: no answer"}}
  - {when: {args: {$match: "[bc]"}}, then: {result: 1}}
  - {otherwise: {result: 2}}
"""
        )
        run = run_with(fan(), text)
        assert results(run, "B") == [2, None, 1]
        assert [one["status"] for one in run.nodes if one["name"] == "B"] == ["success", "failure", "success"]

    def test_an_attempt_that_no_rule_fits_is_as_without_a_mock(self) -> None:
        plan = fan()
        ran: list[Any] = []
        mocks, _ = read_mocks(ITEMS + "B: {when: {args: b}, then: {result: 1}}", FILE, plan)
        play(plan, mocks=mocks, does={"B": lambda task, args: ran.append(args)})
        assert ran == ["a", "c"]

    def test_visits_count_the_runs_of_a_node_in_its_flow_run(self) -> None:
        plan = build({"f": ["-> A", "A -> B", "B -> C", "C -> B"], "g": ["-> f f"]})
        mocks = """
            B:
              - {when: {visit: 1}, then: {result: 1}}
              - {when: {visit: {$type: int, $not: 3}}, then: {result: 2}}
              - {otherwise: {error: "Stop: three"}}
            """
        assert results(run_with(plan, mocks), "B") == [1, 2, None]

    def test_attempts_of_each_run_begin_with_the_first_outcome(self) -> None:
        plan = build({"f": "-> A A"}, {"A": {"max_retry": 5}})
        run = run_with(plan, "A: {attempts: [{error: 'E: 1', times: 2}, {result: 1}]}")
        assert [(one["attempts"], one["result"]) for one in run.nodes] == [(3, 1), (3, 1)]
        run = run_with(plan, "A: [{error: 'E: 1', times: 2}, {result: 1}]")
        assert sorted(one["attempts"] for one in run.nodes) == [2, 2]  # one list for both

    def test_rules_look_at_the_attempt_the_flow_and_the_parent(self) -> None:
        plan = build({"f": ["-> A", "A -> B", "A -> g"], "g": ["-> B"]}, {"B": {"max_retry": 1}})
        mocks = """
            A: {result: {n: 3}}
            B:
              - {when: {flow: g}, then: {result: inner}}
              - {when: {attempt: 1}, then: {error: "E: first"}}
              - {when: {parent: {A: {n: 4}}}, then: {result: four}}
              - {when: {parent: {A: {n: 3}}, attempt: 2}, then: {result: three}}
            """
        run = run_with(plan, mocks)
        assert {one["flow"]: (one["result"], one["attempts"]) for one in run.nodes if one["name"] == "B"} == {
            "f": ("three", 2),
            "g": ("inner", 1),
        }

    def test_a_list_in_a_rule_has_a_counter_of_its_own(self) -> None:
        text = ITEMS + "B: [{when: {args: a}, then: {result: 0}}, {otherwise: [{result: 1}, {result: 2}]}]"
        assert results(run_with(fan(), text), "B") == [0, 1, 2]

    def test_runs_of_one_executor_each_begin_anew(self) -> None:
        plan = build({"f": "-> A A"})
        mocks, _ = read_mocks("A: [{result: 1}, {result: 2}]", FILE, plan)
        executor = LocalExecutor(plan, LocalOptions(mocks=mocks))
        assert [results(executor.run("f"), "A") for _ in range(2)] == [[1, 2], [1, 2]]


class TestSubflows:
    def plan(self) -> Plan:
        flows = {
            "f": {
                "edges": ["-> g", "g -> C"],
                "failures": ["g -> D"],
                "propagate_finished": ["g"],
            },
            "g": ["-> B"],
        }
        return build(flows)

    def test_a_flow_that_finishes_starts_no_nodes(self) -> None:
        run = run_with(self.plan(), "g: {finished: {B: [1, 2]}, after: 5}")
        assert names(run) == ["g", "C"]
        assert (node(run, "g")["status"], node(run, "g")["attempts"], run.virtual_seconds) == ("success", 1, 5)

    def test_conditions_read_the_results_it_stores(self) -> None:
        flows = {
            "f": [
                "-> g",
                (
                    "g -> A",
                    {"condition": {"name": "fieldEqual", "node": ["g", "B"], "args": {"key": "n", "value": 2}}},
                ),
            ],
            "g": ["-> B"],
        }
        plan = build(flows, predicates_module="selinon_core.predicates")
        assert names(run_with(plan, "g: {finished: {B: [{n: 1}, {n: 2}]}}")) == ["g", "A"]
        assert names(run_with(plan, "g: {finished: {B: [{n: 2}, {n: 1}]}}")) == ["g"]

    def test_tasks_behind_it_see_what_it_finished(self) -> None:
        seen: list[Any] = []
        plan = self.plan()
        mocks, _ = read_mocks("g: {finished: {B: [1, 2]}}", FILE, plan)
        play(plan, mocks=mocks, does={"C": lambda task, args: seen.append(task.parent_flow_result("g", "B", 1))})
        assert seen == [2]

    @pytest.mark.parametrize(
        ("mock", "error"),
        [
            ("{failed: {B: 'E: no'}}", "FlowError"),
            ("{error: 'Busy: no answer'}", "Busy"),
        ],
    )
    def test_a_flow_that_fails_is_handled_as_one(self, mock: str, error: str) -> None:
        run = run_with(self.plan(), f"g: {mock}")
        assert names(run) == ["g", "D"]
        assert (node(run, "g")["status"], node(run, "g")["error"]["type"]) == ("failure", error)

    def test_its_timeout_passes_on_virtual_time(self) -> None:
        plan = build({"f": ["-> g"], "g": {"edges": ["-> B"], "timeout": 10}})
        run = run_with(plan, "g: {finished: {}, after: 11}")
        assert (run.status, node(run, "g")["error"]["type"], run.virtual_seconds) == ("failure", "FlowTimeout", 10)

    def test_it_is_cancelled_with_the_flow_above(self) -> None:
        plan = build({"f": {"edges": ["-> g A"], "timeout": 2}, "g": ["-> B"]})
        run = run_with(plan, "g: {finished: {}, after: 5}\nA: {after: 3}")
        assert run.status == "failure"
        assert (node(run, "g")["finished_at"], node(run, "g")["status"]) == (2, "failure")

    def test_the_trace_has_its_begin_and_end(self) -> None:
        events = [one["event"] for one in run_with(self.plan(), "g: {finished: {B: [1]}}").trace()]
        assert events.count("FLOW_START") == events.count("FLOW_END") == 2

    def test_rules_and_lists_choose_its_outcomes(self) -> None:
        plan = build({"f": ["-> A", ("A -> g", each(True))], "g": ["-> B"]})
        text = ITEMS + "g: [{when: {args: b}, then: {failed: {}}}, {otherwise: {finished: {}}}]"
        run = run_with(plan, text)
        assert [one["status"] for one in run.nodes if one["name"] == "g"] == ["success", "failure", "success"]


class TestFunctionsAndConditions:
    def test_a_function_returns_one_value_a_call(self) -> None:
        plan = build({"f": ["-> A", ("A -> A", holding())]})
        run = run_with(plan, f"functions: {{{HERE}.holds: [true, true, false]}}")
        assert names(run) == ["A"] * 3

    def test_a_foreach_function_returns_a_list_and_several_under_calls(self) -> None:
        plan = build({"f": ["-> A A", ("A -> B", each(True))]})
        text = f"functions: {{{HERE}.items: {{calls: [[a, b], [c]]}}}}"
        assert sorted(one["node_args"] for one in run_with(plan, text).nodes if one["name"] == "B") == [
            "a",
            "b",
            "c",
        ]

    def test_conditions_are_mocked_by_edge(self) -> None:
        plan = build({"f": ["-> A", ("A -> A", {"name": "again", **holding()}), ("A -> B", holding())]})
        run = run_with(plan, "conditions: {again: [true, false], A -> B: true}")
        assert names(run).count("A") == 2
        assert names(run).count("B") == 2
        assert run.made_up_decisions == []

    def test_a_condition_of_a_fallback_is_mocked(self) -> None:
        condition = {"condition": {"name": "envExist", "args": {"env": "NOWHERE"}}}
        flows = {"f": {"edges": ["-> A"], "failures": [("A -> B", condition)]}}
        plan = build(flows)
        mocks = "A: {error: 'E: no'}\nconditions: {A -> B: %s}"
        assert names(run_with(plan, mocks % "true")) == ["A", "B"]
        assert names(run_with(plan, mocks % "false")) == ["A"]


class TestWhatIsNoted:
    def test_every_attempt_names_the_outcome_with_its_place(self) -> None:
        plan = build({"f": ["-> A", "A -> B"]}, {"A": {"max_retry": 1}})
        run = run_with(plan, "A:\n  - {error: 'E: no'}\n  - {result: 1}\n")
        assert [
            (one.node.run.name, one.attempt, str(one.outcome.place), one.is_stand_in) for one in run.mock_uses
        ] == [
            ("A", 1, f"{FILE}:2:5", False),
            ("A", 2, f"{FILE}:3:5", False),
            ("B", 1, "None", True),
        ]

    def test_a_condition_on_a_made_up_result_is_noted(self) -> None:
        condition = {"condition": {"name": "fieldExist", "node": "A", "args": {"key": "n"}}}
        plan = build({"f": ["-> A", ("A -> B", condition)]}, predicates_module="selinon_core.predicates")
        (decision,) = run_with(plan, "").made_up_decisions
        assert [one.run.name for one in decision.results] == ["A"]
        assert run_with(plan, "A: {result: {n: 1}}").made_up_decisions == []

    def test_a_default_of_a_function_is_noted(self) -> None:
        nowhere = {"foreach": {"import": "not_installed_at_all", "function": "items"}}
        plan = build({"f": ["-> A", ("A -> B", nowhere)]})
        (decision,) = run_with(plan, "A: {result: 1}").made_up_decisions
        assert [str(one) for one in decision.functions] == ["not_installed_at_all.items"]
        mocked = "A: {result: 1}\nfunctions: {not_installed_at_all.items: [1]}"
        assert run_with(plan, mocked).made_up_decisions == []

    def test_mocks_and_rules_that_decided_nothing_are_named(self) -> None:
        plan = build({"f": ["-> A", ("A -> B", holding())], "g": ["-> C"]})
        run = run_with(
            plan,
            f"""
            A:
              - {{when: {{visit: 2}}, then: {{result: 1}}}}
              - {{otherwise: {{result: 2}}}}
            C: {{result: 1}}
            functions: {{{HERE}.holds: false}}
            conditions: {{A -> B: false}}
            """,
        )
        assert [(one.text, str(one.place)) for one in run.unused_mocks] == [
            ("a rule of the mock of A", f"{FILE}:3:5"),
            ("the mock of C", f"{FILE}:5:1"),
            (f"the mock of the function {HERE}.holds", f"{FILE}:6:{15 + len(HERE) + 6}"),
        ]


class TestChecks:
    def test_a_result_may_be_checked_in_part_or_not_at_all(self, tmp_path: Path) -> None:
        path = tmp_path / "schema.json"
        path.write_text('{"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "integer"}}}')
        plan = build({"f": "-> A"}, {"A": {"output_schema": str(path)}})
        for fine in ("{result: {a: 1, b: 2}}", "{result: {a: 1}, check: present}", "{result: x, check: none}"):
            assert run_with(plan, f"A: {fine}").status == "success"
        for refused in ("{result: {a: 1}}", "{result: {a: x}, check: present}"):
            with pytest.raises(ConfigurationError, match=f"{FILE}:1:1: the mock of A is not realistic"):
                run_with(plan, f"\n\nA: {refused}".replace("\n\n", ""))

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("A: {finished: {}}", 'the mock of A has "finished", but A is a task'),
            ("g: {result: 1}", 'the mock of g has "result", but g is a flow'),
            ("gg: {finished: {}}", 'no task or flow has this name; did you mean "g"?'),
        ],
    )
    def test_an_outcome_fits_what_it_is_for(self, text: str, says: str) -> None:
        plan = build({"f": ["-> A", "A -> g"], "g": ["-> B"]})
        with pytest.raises(ConfigurationError) as caught:
            run_with(plan, text)
        assert says in str(caught.value)
