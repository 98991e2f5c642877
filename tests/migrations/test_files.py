"""Reading and writing migration files: what is accepted, and where mistakes are said to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selinon_core.errors import MigrationError, MigrationSkew
from selinon_core.migrations.compare import compare_plans
from selinon_core.migrations.files import migration_text, parse_migration
from selinon_core.migrations.repository import Migrations, write_migration
from selinon_core.plan.flow_diff import FlowChange
from tests.dispatch.plans import edge, flow, plan

#: As selinon 1.x wrote it.
RECORDED = """{
  "_meta": {
    "datetime": "2018-02-11 10:22:53.133791",
    "host": "localhost",
    "selinon_version": "1.0.0",
    "user": null
  },
  "migration": {
    "hello": {
      "tainted_edges": {},
      "tainting_nodes": {},
      "translation": {}
    },
    "travis_build_logs": {
      "tainted_edges": {"0": {"from": ["A"], "to": ["B"], "condition_str": {"name": "alwaysTrue"}}},
      "tainting_nodes": {
        "1": ["TravisLogTxt"]
      },
      "translation": {"0": null}
    }
  },
  "tainted_flow_strategy": "RETRY"
}"""


def test_a_file_of_the_original() -> None:
    found = parse_migration(RECORDED.encode(), "1.json")
    assert found.strategy == "RETRY"
    assert found.meta is not None
    assert not found.changes["hello"]
    assert found.changes["travis_build_logs"] == FlowChange({0: None}, frozenset({0}), {1: ("TravisLogTxt",)})


def test_what_is_written_is_read() -> None:
    old = plan(flow("f", [edge(None, "A"), edge("A", "B")]), flow("same", [edge(None, "A")]))
    new = plan(flow("f", [edge("A", "C B"), edge(None, "A")]), flow("same", [edge(None, "A")]))
    comparison = compare_plans(old, new)
    text = migration_text(comparison, "FAIL", {"user": "me"})
    found = parse_migration(text.encode(), "1.json")
    assert (
        found.changes
        == dict(comparison.changes)
        == {"f": FlowChange({0: 1, 1: None}, frozenset({1}), {0: ("A",)})}
    )
    assert (found.strategy, found.meta) == ("FAIL", {"user": "me"})
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True)


def edited(**parts: Any) -> str:
    change = {"translation": {}, "tainted_edges": {}, "tainting_nodes": {}, **parts}
    return json.dumps({"migration": {"f": change}, "tainted_flow_strategy": "FAIL"}, indent=1)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('{"migration": {},\n "x" 1', "2:6", "this is not JSON"),
        ("[]", "1:1", "a migration file is a mapping, not a list"),
        ('{"migration": {}}', "1:1", 'the key "tainted_flow_strategy" is missing'),
        ('{"migration": [],\n"tainted_flow_strategy": "FAIL"}', "1:2", "migration is a mapping, not a list"),
        ('{"migration": {},\n"tainted_flow_strategy": "NO"}', "2:1", "'NO' is none of IGNORE, RETRY, FAIL"),
        ('{"migration": {},\n"tainted_flow_strategy": "FAIL",\n"extra": 1}', "3:1", 'unknown key "extra"'),
        (
            '{"migration": {"f": {"translation": {}}}, "tainted_flow_strategy": "FAIL"}',
            "1:16",
            '"tainted_edges" is',
        ),
        ('{"migration": {"f": []}, "tainted_flow_strategy": "FAIL"}', "1:16", "is a mapping, not a list"),
        (edited(more={}), "7:4", 'unknown key "more"'),
        (edited(translation={"a": 1}), "5:5", "'a' is not the index of an edge"),
        (edited(translation={"0": "1"}), "5:5", "'1' is not the index of an edge; null says"),
        (edited(translation={"0": -1}), "5:5", "-1 is not the index"),
        (edited(translation={"0": 2, "1": 2}), "6:5", "the edges 0 and 1 cannot both become edge 2"),
        (edited(tainted_edges={"x": {}}), "6:5", "'x' is not the index of an edge"),
        (edited(tainted_edges=[1, "x"]), "7:5", "'x' is not the index of an edge"),
        (edited(tainted_edges=[True]), "6:5", "True is not the index of an edge"),
        (edited(tainted_edges=1), "5:4", "tainted_edges is a mapping, not a number"),
        (edited(tainting_nodes={"0": "A"}), "7:5", "a list of names of nodes is expected"),
    ],
)
def test_mistakes_have_a_place(text: str, place: str, message: str) -> None:
    with pytest.raises(MigrationError) as error:
        parse_migration(text.encode(), "migrations/4.json")
    assert str(error.value).startswith(f"migrations/4.json:{place}: ")
    assert message in str(error.value)


@pytest.mark.parametrize("data", [b"\xff", b"[" * 100_000, b'{"a": 1, "a": 2}', b"null", b"", b"a: [", b"\x00"])
def test_garbage_is_no_crash(data: bytes) -> None:
    with pytest.raises(MigrationError, match=r"^x\.json:\d+:\d+: "):
        parse_migration(data, "x.json")


def test_yaml_was_accepted_too() -> None:
    assert parse_migration(b"migration: {}\ntainted_flow_strategy: retry\n", "1.json").strategy == "RETRY"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"tainted_edges": []}, FlowChange()),
        ({"tainted_edges": [3, 0], "translation": {"3": None}}, FlowChange({3: None}, frozenset({0, 3}))),
        ({"tainted_edges": {"1": {}}, "translation": {"1": 2}}, FlowChange({1: 2}, frozenset({1}))),
        ({"tainted_edges": {"1": {}}}, FlowChange({}, frozenset({1}))),
    ],
)
def test_forms_from_before_the_first_release(change: dict[str, Any], expected: FlowChange) -> None:
    assert parse_migration(edited(**change).encode(), "1.json").changes["f"] == expected


@pytest.mark.parametrize("nothing", ["{}", "null"])
def test_nothing_may_be_said_about_a_flow(nothing: str) -> None:
    text = f'{{"migration": {{"f": {nothing}}}, "tainted_flow_strategy": "FAIL"}}'
    assert not parse_migration(text.encode(), "1.json").changes["f"]


def test_a_tainted_edge_that_becomes_another_one_taints_and_goes_on() -> None:
    change = parse_migration(edited(tainted_edges=[1], translation={"1": 2}).encode(), "1.json").changes["f"]
    assert change.taint([1], []).edges == (1,)
    assert change.moved(1) == 2


# -- the directory -----------------------------------------------------------------------------------------------


def write(directory: Path, version: int, strategy: str = "IGNORE", **flows: dict[str, Any]) -> None:
    change = {"translation": {}, "tainted_edges": {}, "tainting_nodes": {}}
    content = {"migration": {n: {**change, **c} for n, c in flows.items()}, "tainted_flow_strategy": strategy}
    (directory / f"{version}.json").write_text(json.dumps(content))


def test_steps(tmp_path: Path) -> None:
    write(tmp_path, 1, f={"translation": {"0": 1}}, same={})
    write(tmp_path, 2, "FAIL", g={"translation": {"0": 1}})
    write(tmp_path, 3, "RETRY", f={"tainting_nodes": {"0": ["A"]}})
    (tmp_path / ".4.json").write_text("")
    (tmp_path / "README").write_text("")
    migrations = Migrations.load(str(tmp_path))
    assert migrations.latest == 3
    assert [(step.version, step.strategy) for step in migrations.steps("f", 0)] == [(1, "IGNORE"), (3, "RETRY")]
    assert [step.version for step in migrations.steps("f", 1)] == [3]
    assert migrations.steps("same", 0) == ()
    assert [migrations.version_of(name) for name in ("f", "g", "same", "other")] == [3, 2, 0, 0]


def test_skew(tmp_path: Path) -> None:
    write(tmp_path, 1, f={"translation": {"0": 1}})
    write(tmp_path, 3, f={"translation": {"0": 1}})
    with pytest.raises(MigrationSkew, match="is at migration version 4, the newest known here is 3") as error:
        Migrations.load(str(tmp_path)).steps("f", 4)
    assert error.value.available_migration_version == 3
    with pytest.raises(MigrationSkew, match=r"2\.json is missing"):
        Migrations.load(str(tmp_path)).steps("f", 1)
    with pytest.raises(MigrationSkew, match="no migration is known here"):
        Migrations.load(None).steps("f", 1)
    assert Migrations.load(str(tmp_path / "nowhere")).latest == 0


@pytest.mark.parametrize("name", ["one.json", "01.json", "0.json", "-1.json", "1.5.json"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(MigrationError, match=r"migration files are called 1\.json"):
        Migrations.load(str(tmp_path))


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    migrations = Migrations.load(str(tmp_path / "deep" / "migrations"))
    assert write_migration(migrations, "a").endswith("1.json")
    assert write_migration(migrations, "b").endswith("2.json"), "another process was faster"
