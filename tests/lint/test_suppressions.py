"""Ignore comments: what they silence, and complaints about those of no use."""

from __future__ import annotations

import pytest

from selinon_core.diagnostics.location import Place
from selinon_core.lint.suppressions import silenced_places
from selinon_core.project import Project, compile_text

HEAD = "tasks: [{name: A, import: m}]\n"


def lint(text: str) -> Project:
    return compile_text({"f": text}, lint=True)


def codes(project: Project) -> list[tuple[str, int]]:
    about = ("SEL1", "SEL2")
    return [(d.code, d.span.line) for d in project.diagnostics if d.code.startswith(about)]


FLOW = (
    HEAD.replace("{", "{{").replace("}", "}}")
    + "flow-definitions:\n  - name: f{0}\n    edges:{1}\n      - from:{2}\n        to: B{3}\n"
)


@pytest.mark.parametrize("where", range(4))
def test_a_comment_on_the_line_or_where_something_around_it_begins(where: int) -> None:
    comments = [""] * 4
    comments[where] = "  # selinon: ignore[SEL201] comes later"
    project = lint(FLOW.format(*comments))
    assert codes(project) == []
    assert [(s.diagnostic.code, s.reason) for s in project.suppressed] == [("SEL201", "comes later")]


def test_a_comment_on_a_line_of_its_own_speaks_for_the_next() -> None:
    text = FLOW.format("", "", "", "").replace(
        "        to", "        # selinon:ignore[SEL201]\n        # more\n        to"
    )
    assert codes(lint(text)) == []


def test_without_a_comment_it_is_reported() -> None:
    assert codes(lint(FLOW.format("", "", "", ""))) == [("SEL201", 6)]


@pytest.mark.parametrize(
    "elsewhere", ["tasks: []  # selinon: ignore[SEL201]\n", "# selinon: ignore[SEL201]\ntasks: []\n"]
)
def test_a_comment_elsewhere_silences_nothing_and_is_reported(elsewhere: str) -> None:
    text = elsewhere + "flow-definitions:\n  - name: f\n    edges: [{from: , to: B}]\n"
    project = lint(text)
    assert ("SEL190", 1) in codes(project)
    assert "SEL201" in [code for code, _ in codes(project)]


def test_several_codes_in_one_comment_are_judged_one_by_one() -> None:
    project = lint(FLOW.format("", "", "", "  # selinon: ignore[SEL201, SEL202,SEL20] why"))
    found = [(d.code, d.span.column, d.span.end_column) for d in project.diagnostics if d.code < "SEL2"]
    assert found == [("SEL190", 42, 48), ("SEL191", 49, 54)]


@pytest.mark.parametrize("comment", ["# selinon: ignore", "# selinon: ignore[]", "# selinon: ignore all"])
def test_a_comment_without_codes_ignores_nothing(comment: str) -> None:
    assert codes(lint(FLOW.format("", "", "", "  " + comment))) == [("SEL201", 6), ("SEL191", 6)]


@pytest.mark.parametrize(
    "value",
    [
        "'x  # selinon: ignore[SEL201]'",
        '"x # selinon: ignore[SEL201]"',
        "|\n      # selinon: ignore[SEL201]",
        "x#selinon: ignore[SEL201]",
    ],
)
def test_what_looks_like_a_comment_in_a_value_is_none(value: str) -> None:
    project = lint(HEAD + f"storages:\n  - name: S\n    import: m\n    configuration: {value}\n")
    assert not [code for code, _ in codes(project) if code.startswith("SEL19")]


def test_other_lines_of_a_mapping_are_not_covered() -> None:
    text = HEAD + (
        "flow-definitions:\n"
        "  - name: f\n"
        "    edges:\n"
        "      - from:  # selinon: ignore[SEL201] here only\n"
        "        to: B\n"
        "      - from:\n"
        "        to: C\n"
    )
    assert codes(lint(text)) == [("SEL201", 8)]


def test_an_error_that_keeps_the_plan_from_being_made_is_reported_by_every_command_that_runs() -> None:
    text = FLOW.format("", "", "", "  # selinon: ignore[SEL201]")
    assert (lint(text).plan, codes(lint(text))) == (None, [])
    compiled = compile_text({"f": text})
    assert (compiled.plan, codes(compiled)) == (None, [("SEL201", 6)])


def test_silencing_an_error_that_does_not_matter_gives_a_plan() -> None:
    text = (
        HEAD
        + "flow-definitions:\n  - name: f\n    nots: 1  # selinon: ignore[SEL101]\n    edges: [{from: , to: A}]\n"
    )
    project = lint(text)
    assert project.plan is not None


@pytest.mark.parametrize("code", ["SEL999", "SEL218O", "FOO"])
def test_a_code_that_no_rule_has_is_reported(code: str) -> None:
    found = lint(FLOW.format("", "", "", f"  # selinon: ignore[{code}]")).diagnostics
    assert [d.severity.value for d in found if d.code == "SEL191"] == ["warning"]


def test_each_of_many_comments_silences_what_is_on_its_line() -> None:
    lines = [f"      - {{from: , to: B{n}}}  # selinon: ignore[SEL201] number {n}" for n in range(2000)]
    project = lint("\n".join([HEAD + "flow-definitions:", "  - name: f", "    edges:", *lines]))
    assert codes(project) == []
    silenced = [(s.diagnostic.span.line, s.reason) for s in project.suppressed if s.diagnostic.code == "SEL201"]
    assert silenced == [(n + 5, f"number {n}") for n in range(2000)]


@pytest.mark.parametrize(
    ("edge", "code"),
    [
        ("{from: A, to: A, condition: {name: fieldExist, node: [A, B], args: {key: x}}}", "SEL405"),
        ("{from: A, to: A, selective: {tasks: [A]}}", "SEL421"),
        ("{from: A, to: g, selective: {tasks: [B]}}", "SEL422"),
    ],
)
def test_what_would_end_every_run_cannot_be_silenced(edge: str, code: str) -> None:
    text = (
        "tasks: [{name: A, import: m}, {name: B, import: m}]\nflow-definitions:\n"
        "  - {name: g, edges: [{from: , to: A}, {from: B, to: B}], failures: [{nodes: A, fallback: B}]}\n"
        f"  - name: f\n    edges:\n      - {{from: , to: A}}\n      - {edge}"
    )
    assert code in {d.code for d in compile_text({"f": text}).diagnostics}
    silenced = compile_text({"f": f"{text}  # selinon: ignore[{code}]"})
    assert silenced.plan is None
    assert code in {d.code for d in silenced.diagnostics}


def test_a_name_of_another_command_is_left_to_that_command() -> None:
    project = lint(
        HEAD + "flow-definitions:\n  - name: f\n    edges:\n"
        "      # selinon: ignore[cover-edge-fired, check-silent-end] it is new\n"
        "      - from:\n        to: A\n"
    )
    assert codes(project) == []
    found = [(i.name, i.reason, i.span.line, i.span.column) for i in project.named_ignores]
    assert found == [("cover-edge-fired", "it is new", 5, 25), ("check-silent-end", "it is new", 5, 43)]


@pytest.mark.parametrize("name", ["covered-edge-no", "cover", "cover-", "Cover-edge", "sel201"])
def test_a_word_that_no_command_can_own_is_reported(name: str) -> None:
    project = lint(FLOW.replace("B", "A").format(f"  # selinon: ignore[{name}]", "", "", ""))
    assert codes(project) == [("SEL191", 3)]
    assert project.named_ignores == ()


def test_a_name_speaks_for_its_line_and_for_what_begins_on_it() -> None:
    text = FLOW.replace("B", "A").format("", "", "  # selinon: ignore[cover-edge-no] never so", "")
    (ignore,) = lint(text).named_ignores
    places = [Place("f", line, 9) for line in (4, 5, 6, 7)] + [Place("g", 5, 9)]
    assert [ignore.speaks_for(place) for place in places] == [False, True, True, False, False]
    found = [("f/edge:0/no", "cover-edge-no", places[1]), ("f/edge:0/fired", "cover-edge-fired", places[1])]
    assert silenced_places([ignore], found) == ({"f/edge:0/no": "never so"}, [])
    assert silenced_places([ignore], found[1:]) == ({}, [ignore])
