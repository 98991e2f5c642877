"""Coverage data as a value and as a file: older versions of a flow, broken files, several writers."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from selinon_core.covering import CoverageData
from selinon_core.covering.data_file import read_data, update_data
from selinon_core.covering.elements import elements_of
from selinon_core.errors import RequestError
from selinon_core.plan import Plan
from tests.covering.small_flows import FIRST, HEAD, SECOND, flow, plan_of


def covering(plan: Plan, *keys: str, session: str = "s") -> CoverageData:
    data = CoverageData(session)
    part = data.of_flow("f", elements_of(plan.flows["f"]))
    for key in keys:
        part.hit(key, "case")
    return data


def test_hits_follow_an_edge_that_has_another_index_now() -> None:
    old, new = flow(FIRST, SECOND), flow("{from: , to: C}", FIRST, SECOND)
    data, gone = covering(old, "edge:0/fired", "edge:1/no", "node:A/ran").onto(new)
    assert set(data.flows["f"].hits) == {"edge:1/fired", "edge:2/no", "node:A/ran"}
    assert gone == {}


def test_hits_of_an_edge_whose_condition_changed_do_not_count() -> None:
    old, new = flow(FIRST, SECOND), flow(FIRST, SECOND.replace("key: x", "key: y"))
    data, gone = covering(old, "edge:0/fired", "edge:1/no").onto(new)
    assert set(data.flows["f"].hits) == {"edge:0/fired"}
    assert gone == {"f": 1}


def test_a_changed_edge_that_nothing_had_covered_is_not_worth_a_word() -> None:
    old, new = flow(FIRST, SECOND), flow(FIRST, SECOND.replace("key: x", "key: y"))
    assert covering(old, "edge:0/fired").onto(new)[1] == {}


def test_equal_edges_are_matched_in_order() -> None:
    twice = flow(FIRST, FIRST)
    assert set(covering(twice, "edge:1/fired").onto(flow(SECOND, FIRST, FIRST))[0].flows["f"].hits) == {
        "edge:2/fired"
    }


def test_places_names_and_the_order_of_arguments_do_not_make_another_edge() -> None:
    old = flow(FIRST, "{from: A, to: B, condition: {name: fieldEqual, args: {key: x, value: 1}}}")
    new = flow(FIRST, "{condition: {args: {value: 1, key: x}, name: fieldEqual}, name: n, to: B, from: A}")
    assert elements_of(old.flows["f"]) == elements_of(new.flows["f"])


def test_a_flow_that_is_gone_is_reported() -> None:
    data = covering(flow(FIRST))
    other = plan_of(HEAD.replace("name: f\n", "name: g\n") + f"    edges: [{FIRST}]\n")
    assert data.onto(other)[1] == {"f": 1}


def test_a_file_is_added_to_by_its_session_and_replaced_by_another(tmp_path: Path) -> None:
    plan, path = flow(FIRST), str(tmp_path / "deep" / "coverage.json")
    update_data(path, covering(plan, "edge:0/fired"))
    update_data(path, covering(plan, "node:A/ran"))
    assert set(read_data(path).flows["f"].hits) == {"edge:0/fired", "node:A/ran"}
    update_data(path, covering(plan, "node:A/ran", session="next"))
    assert set(read_data(path).flows["f"].hits) == {"node:A/ran"}
    update_data(path, covering(plan, "edge:0/fired", session=""))
    update_data(path, covering(plan, "node:A/ran", session=""))
    assert set(read_data(path).flows["f"].hits) == {"node:A/ran"}


def _write(path: str, number: int) -> None:
    data = CoverageData("one")
    data.of_flow("f", {}).hit(f"node:N{number}/ran", "case")
    update_data(path, data)


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "coverage.json")
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(_write, [path] * 24, range(24)))
    assert len(read_data(path).flows["f"].hits) == 24
    assert sorted(file.name for file in tmp_path.iterdir()) == ["coverage.json", "coverage.json.lock"]


GOOD: dict[str, Any] = {
    "version": 1,
    "kind": "selinon-coverage",
    "session": "",
    "cases": ["a"],
    "flows": {"f": {"elements": {}, "hits": {"edge:0/no": [[0, 1]]}, "vectors": {}}},
}


def test_the_least_that_a_file_may_hold_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps(GOOD))
    assert read_data(str(path)).flows["f"].hits == {"edge:0/no": {"a": 1}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ":1:1: not JSON"),
        ('{"version": 1,\n "kind"', ":2:8: not JSON"),
        ("[" * 100_000, " is not a JSON file"),
        ("[]", " is not coverage data"),
        ('{"files": {}}', " is not coverage data"),
        (json.dumps(GOOD | {"version": 2}), " is coverage data of version 2"),
        (json.dumps({key: value for key, value in GOOD.items() if key != "flows"}), " is broken (KeyError"),
        (json.dumps(GOOD | {"cases": []}), " is broken (IndexError"),
        (json.dumps(GOOD | {"flows": []}), " is broken (AttributeError"),
        (json.dumps(GOOD).replace("[[0, 1]]", "[[-1, 1]]"), " is broken (ValueError: -1 is not a count"),
        (json.dumps(GOOD).replace("[[0, 1]]", "[[0, 1.5]]"), " is broken (ValueError: 1.5 is not a count"),
        (json.dumps(GOOD).replace("[[0, 1]]", "[0]"), " is broken (TypeError"),
        (
            json.dumps(GOOD).replace('"vectors": {}', '"vectors": {"edge:0": {"tq:t": []}}'),
            " is broken (ValueError: 'tq:t' is not the evaluation",
        ),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(RequestError) as raised:
        read_data(str(path))
    assert str(raised.value).startswith(f"{path}{says}"), raised.value
    assert path.read_text() == text


def test_a_file_that_is_not_there_or_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"cannot read .*: No such file"):
        read_data(str(tmp_path / "none.json"))
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match=r"cannot write .*"):
        update_data(str(tmp_path / "file" / "c.json"), CoverageData())


def test_names_that_json_has_to_escape_come_back(tmp_path: Path) -> None:
    data, path = CoverageData(), str(tmp_path / "c.json")
    data.of_flow("f", {}).hit("node:A/ran", 'a "case"\n\udc80 é 漢')
    update_data(path, data)
    assert read_data(path).to_json() == data.to_json()
