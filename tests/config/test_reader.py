"""Readers: what every key becomes, and every mistake of shape at its place."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.config.model import AndDef, BrokenDef, LeafDef, NotDef, OrDef, leaves
from selinon_core.project import compile_text
from tests.config.reads import FULL, read_data, read_text, where

TASK = {"name": "A", "import": "m"}
TASK_KEYS = [
    "classname",
    "max_retry",
    "retry_countdown",
    "timeout",
    "output_schema",
    "storage",
    "storage_readonly",
    "storage_task_name",
    "selective_run_function",
    "queue",
    "throttling",
    "tags",
]
FLOW = {"name": "f", "edges": [{"from": None, "to": "A"}]}


def test_a_file_with_every_key_has_nothing_to_complain_about() -> None:
    model, found = read_data(FULL)
    assert found == ()
    fetch, store, mail = model.tasks
    assert (fetch.name.name, str(fetch.function), fetch.max_retry, fetch.retry_countdown, fetch.timeout) == (
        "Fetch",
        "ImportDef(shop.tasks.FetchTask)",
        3,
        1.5,
        60,
    )
    assert fetch.throttling == 90.5
    assert fetch.output_schema is not None
    assert fetch.output_schema.name == "fetch.json"
    assert fetch.storage_task_name == "Fetched"
    assert str(store.function) == "ImportDef(shop.tasks.Store)"
    assert store.storage_readonly is True
    assert str(fetch.selective_run_function) == "ImportDef(shop.selective.fresh)"
    assert str(mail.selective_run_function) == "ImportDef(m.fresh)"
    database, bare, one = model.storages
    assert database.configuration == {"connection_string": "x", "ports": {80: "http"}}
    assert database.cache is not None
    assert database.cache.configuration == {"max_cache_size": 10}
    assert (bare.configuration, one.configuration) == (None, [1, 2])
    order, nightly = model.flows
    assert [ref.name for ref in model.flow_list or ()] == ["order", "nightly"]
    assert order.edges[0].is_start
    assert order.edges[0].name == "begin"
    assert [ref.name for ref in order.edges[1].destinations or ()] == ["Store", "Store", "nightly"]
    condition = order.edges[1].condition
    assert isinstance(condition, AndDef)
    assert [leaf.name.name for leaf in leaves(condition)] == ["fieldEqual", "isDict", "argsIsNone", "alwaysFalse"]
    assert isinstance(condition.operands[1], NotDef)
    assert isinstance(condition.operands[1].operand, OrDef)
    foreach, selective = order.edges[2].foreach, order.edges[2].selective
    assert foreach is not None
    assert (str(foreach.function), foreach.propagate_result) == ("ImportDef(shop.each.items)", True)
    assert selective is not None
    assert [ref.name for ref in selective.tasks or ()] == ["Mail"]
    assert [ref.name for ref in selective.run_subsequent.refs] == ["nightly"]
    assert [(f.fallback_true, f.propagate_failure) for f in order.failures] == [(False, True), (True, False)]
    assert order.propagate_failures.everything
    assert order.propagate_parent.covers("nightly")
    assert not order.propagate_compound_finished
    assert order.throttling == 3600
    assert nightly.edges[0].condition is nightly.edges[0].foreach is nightly.sampling is None
    assert nightly.eager_failures.everything
    assert [list(entry.sinks) for entry in model.settings.trace] == [
        ["logging"],
        ["function"],
        ["storage"],
        ["sentry"],
        ["opentelemetry"],
    ]
    assert model.settings.trace[2].sinks == {"storage": {"name": "Bare", "method": "trace"}}
    assert model.settings.on_graph_change == "retry"


def test_reading_changes_nothing_it_was_given() -> None:
    import copy

    before = copy.deepcopy(FULL)
    read_data(FULL)
    assert before == FULL


MISTAKES = """\
tasks:
  - name: Fetch-it
    import: shop.tasks
  - name: A
    import: shop/tasks
    max_retry: many
    retry_countdown: -1
    timeout: 0
    storage_task_name: X
    queu: q
  - import: shop.tasks
  - B
storages:
  - name: S
    configuration: {}
  - &s {name: T, import: m, cache: [1], configuration: {limit: [1, .inf]}}
flow-definitions:
  - name: f
    edges: []
    failures:
      - nodes: []
        fallback: false
      - fallback: A
  - name: g
    edges:
      - to: A
      - from: A
        too: [A, [B]]
        condition: {nam: isDict}
      - from:
        to: A
        foreach: {import: m, funktion: f}
        condition: [{name: isDict}]
      - from:
        to: A
        condition: {and: {name: isDict}, name: isDict}
      - from:
        to: A
        condition: {not: [], or: []}
    throttling: {second: 1, hours: soon}
    nowait: {A: B}
    eager_failures: false
    sampling: {args: []}
global:
  on_unreached: panic
  trace: {sentry: {}}
flow-definition: []
"""

EXPECTED = [
    ("SEL106", 2, 11),  # a name with a dash
    ("SEL106", 5, 13),  # a module with a slash
    ("SEL104", 6, 16),  # text for a number
    ("SEL105", 7, 22),  # negative
    ("SEL105", 8, 14),  # not positive
    ("SEL110", 9, 5),  # storage_task_name without storage
    ("SEL101", 10, 5),  # unknown key
    ("SEL103", 11, 5),  # no name
    ("SEL104", 12, 5),  # text for a mapping
    ("SEL103", 14, 5),  # no import
    ("SEL104", 16, 36),  # list for a cache
    ("SEL105", 16, 68),  # no number of JSON
    ("SEL107", 19, 12),  # no edges
    ("SEL107", 21, 16),  # no nodes
    ("SEL104", 22, 19),  # fallback: false
    ("SEL103", 23, 9),  # no nodes
    ("SEL103", 26, 9),  # no from
    ("SEL101", 28, 9),  # too
    ("SEL104", 28, 18),  # a list in a list of nodes
    ("SEL101", 29, 21),  # nam
    ("SEL101", 32, 30),  # funktion
    ("SEL104", 33, 20),  # a list as condition
    ("SEL111", 36, 42),  # and beside name
    ("SEL111", 39, 30),  # not beside or
    ("SEL101", 40, 18),  # a unit
    ("SEL104", 40, 36),  # text for a number
    ("SEL104", 41, 13),  # a mapping for nodes
    ("SEL104", 42, 21),  # false for eager failures
    ("SEL103", 43, 16),  # no strategy
    ("SEL105", 45, 17),  # an unknown word
    ("SEL103", 46, 19),  # no dsn
    ("SEL102", 47, 1),  # an unknown section
]


def test_every_mistake_of_a_file_is_reported_once_at_its_place() -> None:
    _, found = read_text(MISTAKES)
    assert where(found) == EXPECTED


def test_messages_name_the_offender_what_was_expected_and_what_was_meant() -> None:
    _, found = read_text(MISTAKES)
    said = {(d.span.line, d.span.column): d for d in found}
    assert said[6, 16].message == 'max_retry has to be an integer of at least 0, not the text "many"'
    assert said[6, 16].note == "expected an integer of at least 0"
    assert (said[10, 5].message, said[10, 5].help) == ('unknown key "queu" in a task', 'did you mean "queue"?')
    assert said[28, 9].help == 'did you mean "to"?'
    assert said[47, 1].help == 'did you mean "flow-definitions"?'
    assert said[6, 16].span == ("f0.yaml", 6, 16, 6, 20)


@pytest.mark.parametrize(
    ("section", "entry", "key"),
    [("tasks", TASK, key) for key in TASK_KEYS]
    + [("storages", TASK, key) for key in ("classname", "cache")]
    + [("flow-definitions", FLOW, key) for key in FULL["flow-definitions"][0] if key not in ("name", "edges")],
)
@pytest.mark.parametrize("unset", [None, []])
def test_null_and_an_empty_list_mean_not_given(section: str, entry: dict[str, Any], key: str, unset: Any) -> None:
    with_key, found = read_data({section: [{**entry, key: unset}]})
    without, _ = read_data({section: [entry]})
    assert found == ()
    name = {"tasks": "tasks", "storages": "storages", "flow-definitions": "flows"}[section]
    (left,), (right,) = getattr(with_key, name), getattr(without, name)
    attributes = [a for a in type(left).__slots__ if a not in ("name", "edges", "failures", "function")]
    for attribute in attributes:
        a, b = getattr(left, attribute), getattr(right, attribute)
        assert a == b or a is b, attribute


@pytest.mark.parametrize("nothing", ["", "null", "[]", "''", '""'])
def test_an_edge_from_nothing_starts_the_flow(nothing: str) -> None:
    model, found = read_text(f"flow-definitions: [{{name: f, edges: [{{from: {nothing}, to: A}}]}}]")
    assert not found
    assert model.flows[0].edges[0].sources == ()


def test_a_merged_key_is_unset_by_an_alias() -> None:
    model, found = read_text(
        "flow-definitions:\n"
        "  - &base\n"
        "    name: f\n"
        "    queue: q\n"
        "    nowait: [A]\n"
        "    failures: [{nodes: A, fallback: true}]\n"
        "    edges: [{from: , to: A}]\n"
        "  - <<: *base\n"
        "    name: g\n"
        "    nowait: []\n"
        "    failures:\n"
    )
    assert found == ()
    base, alias = model.flows
    assert (alias.name.name, alias.queue and alias.queue.name, alias.nowait, alias.failures) == ("g", "q", (), ())
    assert (alias.merged, base.merged) == (True, False)
    assert [ref.name for ref in alias.edges[0].destinations or ()] == ["A"]


def test_a_mistake_inside_an_alias_tells_where_it_is_used() -> None:
    _, found = read_text(
        "flow-definitions:\n"
        "  - &base\n"
        "    name: f\n"
        "    edges: &edges [{from: , to: 5}]\n"
        "  - <<: *base\n"
        "    name: g\n"
        "  - name: h\n"
        "    edges: *edges\n"
    )
    assert where(found) == [("SEL104", 4, 33)]  # one mistake, however often its text is used
    assert sorted(related.span.line for d in found for related in d.related) == [5, 8]


def test_references_inside_an_alias_know_their_uses() -> None:
    model, _ = read_text("x-e: &e\n  - {from: , to: A}\nflow-definitions:\n  - name: f\n    edges: *e\n")
    ref = (model.flows[0].edges[0].destinations or ())[0]
    assert ref.location.span[1:] == (2, 18, 2, 19)
    assert [span[1:] for span in ref.location.alias_path] == [(5, 12, 5, 14)]


@pytest.mark.parametrize("word", ["on", "no", "Yes", "true", "OFF"])
def test_yaml_booleans_as_names_are_taken_as_written(word: str) -> None:
    model, found = read_text(
        f"tasks: [{{name: {word}, import: m}}]\nflow-definitions:\n- name: f\n  edges: [{{from: , to: {word}}}]\n"
    )
    assert where(found) == [("SEL901", 1, 16), ("SEL901", 4, 24)]
    assert list(model.task_by_name) == [word]
    assert (model.flows[0].edges[0].destinations or ())[0].name == word


def test_quoted_words_are_no_booleans() -> None:
    _, found = read_text("tasks: [{name: 'on', import: m, classname: \"no\"}]\n")
    assert found == ()


def test_a_misspelt_required_key_is_one_mistake() -> None:
    model, found = read_text("tasks:\n- nmae: A\n  improt: m\n")
    assert [(d.code, d.help) for d in found] == [
        ("SEL101", 'did you mean "name"?'),
        ("SEL101", 'did you mean "import"?'),
    ]
    assert list(model.task_by_name) == ["A"]


@pytest.mark.parametrize(
    ("condition", "broken"),
    [
        ("{and: []}", "SEL107"),
        ("{or: }", "SEL104"),
        ("{not: [{name: a}, {name: b}]}", "SEL105"),
        ("{not: []}", "SEL107"),
        ("{not: 5}", "SEL104"),
        ("{xor: [{name: a}]}", "SEL111"),
        ("{}", "SEL111"),
        ("isDict and", "SEL430"),
        ("'${isDict}'", "SEL446"),
        ("5", "SEL104"),
        ("{name: []}", "SEL103"),
        ("{name: 'is dict'}", "SEL106"),
        ("{name: a, args: 5}", "SEL104"),
        ("{name: a, args: {1: 2}}", "SEL104"),
        ("{name: a, node: {b: c}}", "SEL104"),
        ("{name: a, node: A, quantifier: any}", "SEL110"),
        ("{name: a, node: [f, A], quantifier: some}", "SEL105"),
        ("{and: [{name: a}], args: {}}", "SEL101"),
    ],
)
def test_broken_conditions(condition: str, broken: str) -> None:
    model, found = read_text(
        f"flow-definitions:\n- name: f\n  edges: [{{from: A, to: A, condition: {condition}}}]\n"
    )
    assert [d.code for d in found] == [broken]
    read = model.flows[0].edges[0].condition
    assert isinstance(read, BrokenDef | LeafDef | AndDef | NotDef)


def test_a_broken_part_does_not_break_the_rest() -> None:
    model, _ = read_text(MISTAKES)
    assert [task.name.name for task in model.tasks] == ["Fetch-it", "A"]
    assert [flow.name.name for flow in model.flows] == ["f", "g"]
    f, g = model.flows
    assert f.edges_broken
    assert [edge.index for edge in g.edges] == [0, 1, 2, 3, 4]
    assert g.edges[1].destinations is None
    assert g.edges[2].is_start


def test_files_are_merged_and_the_last_global_counts() -> None:
    model, found = read_text(
        "tasks: [{name: A, import: m}]\nflows: [f]\nglobal: {default_task_queue: a, migration_dir: d}\n",
        "tasks: [{name: B, import: m}]\nflows: [g]\nglobal: {default_task_queue: b}\n",
        "storages:\nflows: []\n",
    )
    assert [(d.code, d.span.file, d.related[0].span.file) for d in found] == [("SEL109", "f1.yaml", "f0.yaml")]
    assert list(model.task_by_name) == ["A", "B"]
    assert [ref.name for ref in model.flow_list or ()] == ["f", "g"]
    assert model.settings.default_task_queue is not None
    assert model.settings.default_task_queue.name == "b"
    assert model.settings.migration_dir is not None
    assert model.files == ("f0.yaml", "f1.yaml", "f2.yaml")


def test_no_flows_section_is_no_list() -> None:
    assert read_text("tasks: []\n")[0].flow_list is None
    assert read_text("tasks: []\nflows:\n")[0].flow_list is None
    assert read_text("tasks: []\nflows: []\n")[0].flow_list == ()


@pytest.mark.parametrize("text", ["", "# nothing\n", "5\n", "[1, 2]\n", "a: b\n", "---\n", "x-a: b\n"])
def test_a_file_without_sections(text: str) -> None:
    _, found = read_text(text)
    assert "SEL100" in [d.code for d in found]


LIST = """\
- tasks: [{name: A, import: m}]
- flow-definitions:
  - name: one
    edges: [{from: , to: A}]
- &more
  flow-definitions:
  - name: two
    edges: [{from: , to: A, colour: red}]
"""


def test_a_file_may_be_a_list_of_what_several_files_hold() -> None:
    model, found = read_text(LIST)
    assert [flow.name.name for flow in model.flows] == ["one", "two"]
    assert [task.name.name for task in model.tasks] == ["A"]
    assert [(d.code, d.span.line) for d in found] == [("SEL101", 8)]


@pytest.mark.parametrize(
    ("entry", "line"), [("- x", 9), ("- []", 9), ("- {a: 1}", 9), ("-", 9), ("- x-more: 1", 9)]
)
def test_each_entry_of_such_a_list_has_sections(entry: str, line: int) -> None:
    _, found = read_text(LIST.replace(", colour: red", "") + entry)
    assert ("SEL100", line) in [(d.code, d.span.line) for d in found]


def test_a_list_without_any_section_is_not_one() -> None:
    _, found = read_text("- a: 1\n- b: 2\n")
    assert [(d.code, d.span.line) for d in found] == [("SEL100", 1)]


def test_sections_of_users_are_silent() -> None:
    assert read_text("x-any: [thing]\ntasks: []\n")[1] == ()


def test_names_behind_a_syntax_error_may_be_defined() -> None:
    model, found = read_text("tasks:\n- {name: A, import: m}\n- name: B\n  import: 'm\n- name: C\n  import: m\n")
    assert [d.code for d in found] == ["SEL001"]
    assert list(model.task_by_name) == ["A"]
    assert model.maybe_defined == {"B", "C"}
    assert model.incomplete


@pytest.mark.parametrize("trace", [False, {"logging": True}, [], None, [{"json": True}, {"logging": False}]])
def test_trace_forms(trace: Any) -> None:
    model, found = read_data({"global": {"trace": trace}})
    assert found == ()
    expected = {"logging": ["logging"]} if isinstance(trace, dict) else {}
    assert all(isinstance(entry.sinks, dict) for entry in model.settings.trace)
    assert len(expected) <= len(model.settings.trace)


def test_keys_lead_to_their_places() -> None:
    model, _ = read_text("tasks:\n- name: A\n  import: m\n  max_retry: 3\n")
    task = model.tasks[0]
    assert task.given("max_retry")
    assert not task.given("queue")
    assert task.key_location("max_retry").span[1:] == (4, 3, 4, 12)
    assert task.value_location("max_retry").span[1:] == (4, 14, 4, 15)
    assert task.key_location("queue").span.line == 2


@pytest.mark.parametrize("written", ["true", "True", "yes", "on"])
def test_fallback_true_in_every_spelling(written: str) -> None:
    failures = f"[{{nodes: A, fallback: {written}}}]"
    model, found = read_text(
        f"flow-definitions: [{{name: f, edges: [{{from: , to: A}}], failures: {failures}}}]\n"
    )
    assert found == ()
    (failure,) = model.flows[0].failures
    assert (failure.fallback_true, failure.fallback) == (True, ())


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        (["condition:", "  name: isInt", "args: {key: a}"], None),
        (["condition:", "and: [{name: isInt}]"], "condition"),
        (["condition:", "args: {key: a}"], None),  # args of the edge
        (["foreach:", "import: m"], "foreach"),
        (["selective:", "tasks: [A]"], "selective"),
        (["condition: ", "to: A"], None),
    ],
)
def test_keys_one_step_too_far_left(lines: list[str], key: str | None) -> None:
    edge = "\n      ".join(["from:", *lines])
    text = f"flow-definitions:\n  - name: f\n    edges:\n    - {edge}\n"
    helps = [d.help for d in compile_text({"f": text}).diagnostics if d.code == "SEL101"]
    expected = f'"{key}" has no value: indent "{lines[1].partition(":")[0]}"'
    assert any(help.startswith(expected) for help in helps) is (key is not None)


@pytest.mark.parametrize(
    ("tag", "remedy"),
    [("slow tasks", 'write "slow-tasks"'), ("+slow", 'write "slow"'), ("a,b", 'write "a-b"'), ("*", "")],
)
def test_a_tag_has_nothing_that_means_something_in_selectors(tag: str, remedy: str) -> None:
    _, (found,) = read_data({"tasks": [{**TASK, "tags": ["ok", tag]}], "flow-definitions": [FLOW]})
    assert (found.code, found.severity.name) == ("SEL105", "ERROR")
    assert found.message == f'an item of tags: "{tag}" cannot be a tag'
    assert found.help == remedy
