"""The reader of case files: what every key becomes, parameters, and the shape of files that are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.cases.matchers import Containing, Equal, Match
from selinon_core.cases.model import UNGIVEN, Case, Invariant, Outcome
from selinon_core.cases.writing import case_file_text
from selinon_core.config.schema.case_json_schema import case_json_schema
from selinon_core.diagnostics import Severity
from selinon_core.diagnostics.location import Place
from selinon_core.project import compile_text
from selinon_core.project.case_files import read_case_file
from tests.cases.reading import EVERY_KEY, FILE, case_of, cases_of, read, wrong
from tests.example_counts import examples

VALIDATOR = jsonschema.Draft202012Validator(case_json_schema())
#: What stands in the place of parts of a case file.
VALUES: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 1.5, "x", "$$x", "A -> B", "error", [], [1], ["x"], [[]], [["a", "b"]], [{}], {}),
    *({"a": 1}, {"$any": True}, {"$type": None}, {"$nope": 1}, {"at_most": 1}, {"result": 1}, [{"result": 1}]),
)


def everything() -> Case:
    return case_of(EVERY_KEY)


def test_every_key_of_a_case_is_read() -> None:
    case = everything()
    assert (case.id, case.flow, case.args, case.tags) == (
        f"{FILE}::everything",
        "payment",
        {"order": 1},
        ("shop", "slow"),
    )
    assert case.env == {"STAGE": "test", "REGION": "eu", "TOKEN": None}
    assert (case.skip, case.xfail, case.tasks, case.stand_ins) == ("too slow", "a bug", "real", "allow")
    assert (case.fail, case.at, case.durations) == (
        {"Charge": 2, "Ship": None},
        ((5.0, "cancel"),),
        {"Charge": 2.5},
    )
    assert (case.timeout, case.max_steps, case.seeds, case.driver) == (100, 1000, (0, 3), "production")
    assert case.select == {
        "tasks": ("Charge",),
        "follow_subflows": True,
        "run_subsequent": ("order",),
        "reuse": "everything",
    }


def test_every_expectation_is_read() -> None:
    expect = everything().expect
    assert (expect.status.value, expect.reason.value) == ("failure", Match("no .* left"))  # type: ignore[union-attr]
    values: dict[str, Any] = {
        name: expected.value for name, expected in expect._asdict().items() if hasattr(expected, "value")
    }
    assert values["ran"] == ("Ship",)
    assert values["not_ran"] == ("Charge",)
    assert values["order"] == (("A", "B"), ("A", "C"))
    assert values["fallbacks"] == ((("Charge",), ("Refund",)), (("A", "B"), True))
    assert values["unreached"] == ("Ship",)
    assert values["warnings"] == (Containing("no storage"),)
    assert values["virtual_seconds"] == {"at_most": 100}
    assert values["snapshot"] is True
    assert expect.args["Charge"].value == Equal({"number": 7, "total": 81.0})
    assert expect.results["Charge"].value == (Equal(1), Equal(2))
    assert expect.errors["Ship"].value == Equal("Busy: no")
    assert {edge: counts.value for edge, counts in expect.edges.items()} == {
        "[A, B] -> C": {"considered": 1, "fired": 0},
        "again": {"fired": 1},
    }
    assert {name: stored.value for name, stored in expect.stored.items()} == {
        "Orders": 2,
        "Bills": {"Charge": (Equal(1),)},
    }
    assert str(expect.args["Charge"].place) == f"{FILE}:64:14"


def test_every_form_of_a_mock_is_read() -> None:
    nodes = everything().mocks.nodes
    assert [(one.kind, one.value) for one in nodes["Charge"].rules[0].script.outcomes] == [
        ("error", "Busy: no"),
        ("fatal", "stolen"),
        ("retry", 5),
        ("result", UNGIVEN),
    ]
    last = nodes["Charge"].rules[0].script.outcomes[-1]
    assert (last.after, last.times, last.check) == (2.0, 3, "strict")
    assert nodes["Refund"].rules[0].script.per_run
    first, second = nodes["Ship"].rules
    assert first.when is not None
    assert (first.when.flow, first.when.visit, first.when.parent) == ("order", Equal(2), {"Charge": Equal(1)})
    assert (second.when, [one.value for one in second.script.outcomes]) == (None, [2, 3])
    assert nodes["LoadOrder"].rules[0].script.outcomes[0].value == {"number": 7, "total": 81.0}
    outcomes = {name: nodes[name].rules[0].script.outcomes[0] for name in ("inner", "outer", "third")}
    assert {name: (one.kind, one.value) for name, one in outcomes.items()} == {
        "inner": ("finished", {"Charge": [1, 2], "Ship": [3]}),
        "outer": ("failed", {"Charge": ["Busy: no"]}),
        "third": ("error", "FlowError: no"),
    }
    assert everything().mocks.functions["checks.is_big"].values == (True, False)


def test_an_outcome_stands_where_people_look_for_it() -> None:
    nodes = everything().mocks.nodes
    places = {name: nodes[name].rules[0].script.outcomes[0].place for name in ("LoadOrder", "Charge", "Refund")}
    assert places == {
        "LoadOrder": Place(FILE, 7, 3),  # its name
        "Charge": Place(FILE, 24, 16),  # the outcome in the list
        "Refund": Place(FILE, 25, 27),
    }
    assert nodes["Ship"].rules[1].place == Place(FILE, 28, 11)


def test_invariants_of_the_file_hold_for_every_case() -> None:
    assert [(one.name, one.kind, one.value, one.flow) for one in everything().invariants] == [
        ("charged once", "at_most", {"Charge": 1}, None),
        ("shipped when charged", "before", {"Ship": ("Charge", {"edge": "A -> Ship"})}, None),
        ("never both", "never_both", ("Refund", "Restore"), "payment"),
        (
            "money back",
            "if_then",
            {"if": {"Charge": "success", "status": "failure"}, "then": {"Refund": "success"}},
            None,
        ),
        ("own", "function", "checks.one_charge", None),
        ("twice", "exactly", {"Charge": 2}, None),
    ]
    assert all(isinstance(one, Invariant) for one in everything().invariants)


def test_a_null_result_is_a_result() -> None:
    case = case_of("tests: [{name: a, flow: f, mocks: {A: {result: null}, B: {}}}]")
    assert [case.mocks.nodes[name].rules[0].script.outcomes[0].value for name in "AB"] == [None, UNGIVEN]


def test_mocks_of_a_case_replace_those_of_the_file_one_by_one() -> None:
    case = case_of("""
        flow: f
        mocks: {A: {result: 1}, B: {result: 2}, functions: {m.a: 1, m.b: 2}}
        tests: [{name: a, mocks: {B: {result: 3}, functions: {m.b: 4}}}]
        """)
    assert {name: mock.rules[0].script.outcomes[0].value for name, mock in case.mocks.nodes.items()} == {
        "A": 1,
        "B": 3,
    }
    assert {name: mock.values for name, mock in case.mocks.functions.items()} == {"m.a": (1,), "m.b": (4,)}


def test_a_warning_may_be_one_matcher() -> None:
    case = case_of('tests: [{name: a, flow: f, expect: {warnings: {$match: "no .*"}}}]')
    assert case.expect.warnings is not None
    assert case.expect.warnings.value == (Match("no .*"),)


def test_a_number_of_seeds_counts_from_zero() -> None:
    assert case_of("tests: [{name: a, flow: f, seeds: 3}]").seeds == (0, 1, 2)
    assert case_of("tests: [{name: a, flow: f}]").seeds == (0,)


def test_arguments_come_from_a_file_beside(tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text('{"number": 7}')
    path = tmp_path / "a.flowtest.yaml"
    path.write_text(
        "tests: [{name: a, flow: f, args: {$file: order.json}}, {name: b, flow: f, args: {$file: no.json}}]"
    )
    cases, (found,) = read_case_file(str(path))
    assert cases[0].args == {"number": 7}
    assert (found.code, found.message) == ("SEL800", "no.json cannot be read: No such file or directory")


# --- parameters ---------------------------------------------------------------------------------------------


def test_a_case_is_made_of_each_row_of_parameters() -> None:
    two, three = cases_of("""
        flow: f
        tests:
          - name: works at $attempt for $$5
            parameters:
              - {attempt: 2, outcomes: [{error: "Busy: no"}, {result: 1}]}
              - {attempt: 3, outcomes: [{error: "Busy: no", times: 2}, {result: 1}]}
            mocks: {A: $outcomes}
            expect: {attempts: {A: $attempt}, results: {A: $$attempt}}
        """)
    assert (two.name, three.title) == ("works at 2 for $5", "works at 3 for $5")
    assert two.parameters == {"attempt": 2, "outcomes": [{"error": "Busy: no"}, {"result": 1}]}
    assert three.expect.attempts["A"].value == Equal(3)
    assert three.expect.results["A"].value == Equal("$attempt")
    assert [outcome.times for outcome in three.mocks.nodes["A"].rules[0].script.outcomes] == [2, 1]
    assert three.mocks.nodes["A"].rules[0].script.outcomes[0].place == Place(FILE, 7, 33)


def test_a_matrix_makes_a_case_of_every_combination() -> None:
    found = cases_of("""
        flow: f
        tests:
          - name: a
            matrix: {n: [1, 2], text: [x, {y: 1}]}
            args: {n: $n, text: $text}
        """)
    assert [case.args for case in found] == [
        {"n": 1, "text": "x"},
        {"n": 1, "text": {"y": 1}},
        {"n": 2, "text": "x"},
        {"n": 2, "text": {"y": 1}},
    ]
    assert [case.title for case in found] == ["a[n=1, text=x]", "a[n=1, text1]", "a[n=2, text=x]", "a[n=2, text3]"]


def test_parameters_reach_through_anchors_and_merge_keys() -> None:
    case = case_of("""
        flow: f
        tests:
          - name: a
            parameters: [{total: 0}]
            mocks: {A: {result: &tea {total: $total, n: 1}}, B: {result: {<<: *tea, n: 2}}, C: {result: *tea}}
        """)
    results = {name: mock.rules[0].script.outcomes[0].value for name, mock in case.mocks.nodes.items()}
    assert results == {"A": {"total": 0, "n": 1}, "B": {"total": 0, "n": 2}, "C": {"total": 0, "n": 1}}


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("{name: a, parameters: [{n: 1}], args: $m}", 'there is no parameter "m"'),
        (
            "{name: a, parameters: [{n: 1}], args: {k: x-$n}}",
            'the parameter "n" is not replaced inside a longer text',
        ),
        ("{name: a $m, parameters: [{n: 1}], args: $n}", 'there is no parameter "m"'),
        ("{name: a, args: $m}", 'there is no parameter "m"'),
        ("{name: a, parameters: [{n: 1}]}", 'the parameter "n" is not used'),
        ("{name: a, parameters: [{n: 1}, {m: 2}], args: $n}", 'the rows of parameters differ: "n" is missing'),
    ],
)
def test_a_parameter_that_is_unknown_or_unused_is_a_mistake(case: str, message: str) -> None:
    found = wrong(f"flow: f\ntests: [{case}]")
    assert ("SEL807", True) in [(code, message in text) for code, _, text in found]


# --- what is wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "1:1", "the case file is empty"),
        ("# nothing\n", "1:1", "the case file is empty"),
        ("null", "1:1", "the case file is empty"),
        ("flow: f", "1:1", 'a case file has no "tests"'),
        ("tests: []", "1:1", '"tests" of a case file needs a value'),
        ("tests:\n  name: a", "2:3", '"tests" has to be a list of test cases, not a mapping'),
        ("tests: [a]", "1:9", "a test case has to be a mapping with a name, not the text"),
        ("tests: [{flow: f}]", "1:10", 'a test case has no "name"'),
        ("tests: [{name: a}]", "1:10", 'the case "a" has no flow'),
        ("test: [{name: a, flow: f}]", "1:1", 'unknown key "test" in a case file'),
        ("tests: [{name: a, flow: f, expct: {}}]", "1:28", 'unknown key "expct" in a test case'),
        ("tests: [{name: a, flow: f, schedule: x}]", "1:38", '"schedule" has to be a list'),
        ("tests: [{name: a, flow: f, deploy: x}]", "1:36", '"deploy" is not a key of a case'),
        ("tests: [{name: a, flow: f, seeds: 0}]", "1:35", "seeds has to be an integer greater than 0"),
        ("tests: [{name: a, flow: f, fail: [A:0]}]", "1:35", '"A:0" does not say what fails'),
        ("tests: [{name: a, flow: f, mocks: {A: 1}}]", "1:39", 'the mock of "A" has to be an outcome like'),
        ("tests: [{name: a, flow: f, mocks: {A: {reslt: 1}}}]", "1:40", 'unknown key "reslt" in an outcome'),
        (
            "tests: [{name: a, flow: f, mocks: {A: {result: 1, error: x}}}]",
            "1:51",
            '"result" and "error" in an outcome',
        ),
        ("tests: [{name: a, flow: f, mocks: {A: []}}]", "1:39", 'the mock of "A" is an empty list'),
        (
            "tests: [{name: a, flow: f, mocks: {A: [{otherwise: {result: 1}}, {result: 1}]}}]",
            "1:66",
            "an outcome stands among rules",
        ),
        ("tests: [{name: a, flow: f, mocks: {A: {when: {visit: 1}}}}]", "1:39", 'a rule has no "then"'),
        (
            "tests: [{name: a, flow: f, mocks: {A: {then: {}, otherwise: {}}}}]",
            "1:40",
            '"then" and "otherwise" in one rule',
        ),
        ("tests: [{name: a, flow: f, expect: {ran: [A], runs: {A: 1}}}]", "1:37", '"ran" stands beside "runs"'),
        (
            "tests: [{name: a, flow: f, expect: {status: fine}}]",
            "1:45",
            "status has to be one of success, failure",
        ),
        (
            "tests: [{name: a, flow: f, expect: {order: [A]}}]",
            "1:44",
            'a chain of "order" has fewer than two nodes',
        ),
        ("tests: [{name: a, flow: f, expect: {fallbacks: [A]}}]", "1:49", "does not name a fallback"),
        ("tests: [{name: a, flow: f, expect: {edges: {e: {}}}}]", "1:48", "there is no count"),
        ("invariants: [{name: a}]\ntests: [{name: a, flow: f}]", "1:14", "an invariant says nothing"),
        (
            "invariants: [{name: a, if: {A: success}}]\ntests: [{name: a, flow: f}]",
            "1:14",
            'an invariant has "if" but no "then"',
        ),
        ("tests: [{name: a, flow: f, at: [{at: 5}]}]", "1:34", 'an entry of at has no "cancel"'),
        (
            "tests: [{name: a, flow: f, matrix: {n: 1}, args: $n}]",
            "1:40",
            "has to be a list of at least one value",
        ),
        (
            "tests: [{name: a, flow: f, parameters: [{n: 1}], matrix: {n: [1]}}]",
            "1:50",
            '"parameters" and "matrix" in a test case',
        ),
        ("tests: [{name: a, flow: f", "2:1", "YAML syntax: the { is not closed here"),
        ("tests: [{name: a, flow: f, args: *x}]", "1:34", "unknown alias"),
        ("tests: [{name: a, flow: f, args: !!python/object:os.system x}]", "1:34", "unknown tag"),
    ],
)
def test_what_is_wrong_with_the_shape_is_reported_with_its_place(text: str, place: str, message: str) -> None:
    found = wrong(text)
    assert ("SEL800", place, True) in [(code, at, message in says) for code, at, says in found], found
    assert {code for code, _, _ in found} <= {"SEL800", "SEL807"}


def test_all_mistakes_are_reported_sorted_with_what_was_meant() -> None:
    _, found = read("""
        flow: f
        tests:
          - name: a
            sedes: 3
            expect: {statsu: failure}
          - name: b
            mocks: {A: {eror: x}}
        """)
    assert [(one.span.line, one.help) for one in found] == [
        (5, 'did you mean "seeds"?'),
        (6, 'did you mean "status"?'),
        (8, 'did you mean "error"?'),
    ]


def test_two_cases_of_one_name_are_a_mistake() -> None:
    assert wrong("flow: f\ntests: [{name: a}, {name: b}, {name: a}]") == [
        ("SEL806", "2:38", 'there is another case "a"')
    ]


def test_a_file_that_cannot_be_read_is_a_diagnostic(tmp_path: Path) -> None:
    assert [one.message for one in read_case_file(str(tmp_path / "no.flowtest.yaml"))[1]] == [
        "the case file cannot be read: No such file or directory"
    ]


def test_the_json_schema_takes_what_the_reader_takes() -> None:
    schema = case_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(yaml.safe_load(EVERY_KEY))
    refused = [
        {"flow": "f"},
        {"tests": []},
        {"tests": [{"flow": "f"}]},
        {"tests": [{"name": "a", "sedes": 3}]},
        {"tests": [{"name": "a", "env": {"PORT": 80}}]},
        {"tests": [{"name": "a", "schedule": [1]}]},
        {"tests": [{"name": "a", "mocks": {"A": {"reslt": 1}}}]},
        {"tests": [{"name": "a", "expect": {"results": {"A": {"$matches": "x"}}}}]},
        {"tests": [{"name": "a", "expect": {"results": {"A": [{"$matches": "x"}]}}}]},
        {"tests": [{"name": "a", "mocks": {"g": {"failed": {"A": 1}}}}]},
    ]
    assert [data for data in refused if validator.is_valid(data)] == []


@settings(max_examples=examples(50, 150), deadline=None)
@given(st.data())
def test_an_editor_marks_nothing_that_the_reader_takes(data: st.DataObject) -> None:
    whole = yaml.safe_load(EVERY_KEY)
    part, key = whole, data.draw(st.sampled_from(sorted(whole)))
    while isinstance(part[key], dict | list) and part[key] and data.draw(st.integers(0, 4)):
        part = part[key]
        key = data.draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
    part[key] = data.draw(st.sampled_from(VALUES))
    _, found = read(yaml.safe_dump(whole))
    taken = not [one for one in found if one.severity is Severity.ERROR or one.code == "SEL901"]
    assert VALIDATOR.is_valid(whole) or not taken


def test_the_default_outcome_is_a_stand_in() -> None:
    assert Outcome("result", UNGIVEN).value is UNGIVEN


def test_how_often_nodes_ran_may_be_said_of_some() -> None:
    text = "flow: order\ntests:\n  - {name: a, expect: {ran: {reserve/ReserveItem: 2, Charge: 1}}}\n"
    case = case_of(text)
    assert case.expect.ran is not None
    assert case.expect.ran.value == {"reserve/ReserveItem": 2, "Charge": 1}
    plan = compile_text({"f.yaml": "{tasks: [{name: A, import: m}], flow-definitions: []}"}).plan
    assert plan is not None
    again = case_of(case_file_text([case], plan)).expect.ran
    assert again is not None
    assert again.value == case.expect.ran.value
    assert VALIDATOR.is_valid(yaml.safe_load(text))
