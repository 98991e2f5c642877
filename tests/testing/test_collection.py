"""Which case files paths mean, and to which project each belongs."""

from __future__ import annotations

from pathlib import Path

import pytest

from selinon_core.config.yaml.files import PathError
from selinon_core.errors import RequestError
from selinon_core.testing.collection import collect
from selinon_core.testing.selection import Selection, failed_first, select_cases

TASK = "tasks: [{name: A, import: m}]\nflow-definitions: [{name: FLOW, edges: [{from: , to: A}]}]\n"
CASES = """
flow: FLOW
tests: [{name: one, tags: [quick]}, {name: two}, {name: "three $n", parameters: [{n: 1}, {n: 2}]}]
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two projects, one below the other."""
    for directory, flow in ((tmp_path, "outer"), (tmp_path / "inside", "inner")):
        directory.mkdir(exist_ok=True)
        (directory / "pyproject.toml").write_text('[tool.selinon]\nflows = ["flows.yaml"]\n', encoding="utf-8")
        (directory / "flows.yaml").write_text(TASK.replace("FLOW", flow), encoding="utf-8")
        (directory / "cases").mkdir()
        (directory / "cases" / f"{flow}.flowtest.yaml").write_text(CASES.replace("FLOW", flow), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ids(*paths: str) -> list[str]:
    return [case.id for file in collect(paths) for _, case in file.selected]


def test_without_paths_all_cases_below_the_project_are_found_each_with_its_own_project(tree: Path) -> None:
    found = collect([])
    assert [file.name for file in found] == ["cases/outer.flowtest.yaml", "inside/cases/inner.flowtest.yaml"]
    assert [list(file.project.plan.flows) for file in found if file.project.plan] == [["outer"], ["inner"]]
    assert not any(file.is_broken for file in found)


def test_in_a_directory_below_the_cases_of_the_whole_project_are_found(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree / "inside" / "cases")
    assert len(ids()) == 4


def test_a_case_file_brings_its_project(tree: Path) -> None:
    (file,) = collect(["inside/cases/inner.flowtest.yaml"])
    assert file.project.plan is not None
    assert list(file.project.plan.flows) == ["inner"]


def test_names_select_cases(tree: Path) -> None:
    name = "cases/outer.flowtest.yaml"
    assert ids(f"{name}::two") == [f"{name}::two"]
    assert ids(f"{name}::three 2") == [f"{name}::three 2"]
    assert ids(f"{name}::one", f"{name}::two") == [f"{name}::one", f"{name}::two"]
    assert len(ids(f"{name}::one", name)) == 4
    assert len(ids(name, f"{name}::one")) == 4


def test_an_unknown_name_is_refused_with_a_hint(tree: Path) -> None:
    with pytest.raises(RequestError, match="has no case 'twoo'; did you mean"):
        ids("cases/outer.flowtest.yaml::twoo")


def test_a_path_with_colons_has_to_name_a_case(tree: Path) -> None:
    with pytest.raises(RequestError, match=r"outer\.flowtest\.yaml:: names no case"):
        ids("cases/outer.flowtest.yaml::")


def test_what_does_not_exist_is_refused(tree: Path) -> None:
    for path in ("nowhere", "nowhere.flowtest.yaml", "nowhere.flowtest.yaml::one"):
        with pytest.raises(PathError, match="no such file"):
            ids(path)


def test_a_file_is_collected_once(tree: Path) -> None:
    assert len(ids(".", "cases", "cases/outer.flowtest.yaml")) == len(ids("."))


def test_cases_of_a_broken_project_are_not_read(tree: Path) -> None:
    (tree / "flows.yaml").write_text(TASK.replace("to: A", "to: B"), encoding="utf-8")
    (file,) = collect(["cases"])
    assert file.project.plan is None
    assert file.cases == ()


def test_cases_are_selected_by_words_flows_tags_and_ids(tree: Path) -> None:
    def chosen(selection: Selection) -> list[str]:
        return [case.title for file in select_cases(collect([]), selection) for _, case in file.selected]

    assert chosen(Selection(tags=("quick",))) == ["one", "one"]
    assert chosen(Selection(flows=("inner",), keyword="two or quick")) == ["one", "two"]
    assert chosen(Selection(keyword="inside and three")) == ["three 1", "three 2"]
    assert chosen(Selection(failed={"cases/outer.flowtest.yaml::two"})) == ["two"]
    assert chosen(Selection(tags=("slow",))) == []


def test_a_case_has_the_tags_of_its_flow(tree: Path) -> None:
    (tree / "flows.yaml").write_text(
        TASK.replace("name: FLOW", "name: outer, tags: [shop, quick]"), encoding="utf-8"
    )
    found = select_cases(collect([]), Selection(tags=("shop",)))
    assert {case.title: case.tags for file in found for _, case in file.selected} == {
        "one": ("quick", "shop"),
        **dict.fromkeys(("two", "three 1", "three 2"), ("shop", "quick")),
    }


def test_what_failed_comes_first(tree: Path) -> None:
    failed = {"inside/cases/inner.flowtest.yaml::two"}
    files = failed_first(collect([]), failed)
    assert [case.title for file in files for _, case in file.selected][:2] == ["two", "one"]
    assert sum(len(file.numbers) for file in files) == 8
