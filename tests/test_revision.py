"""Projects as they were at a git revision."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from selinon_core.errors import ConfigurationError, RequestError
from selinon_core.plan import Plan
from selinon_core.project.git_revision import is_revision, plan_at

NODES = "tasks:\n  - {name: A, import: myapp.tasks}\n  - {name: B, import: myapp.tasks}\n"


def flow(name: str, *destinations: str) -> str:
    text = "flow-definitions:\n"
    text += f"  - name: {name}\n    edges:\n      - {{from: null, to: A}}\n"
    return text + "".join(f"      - {{from: A, to: {each}}}\n" for each in destinations)


class Repository:
    """A scratch repository that is the working directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.email", "a@example.com")
        self.git("config", "user.name", "A")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, **files: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x", "--allow-empty")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    root = tmp_path / "repository"
    root.mkdir()
    monkeypatch.chdir(root)
    made = Repository(root)
    made.write("nodes.yaml", NODES)
    made.write("flows/one.yaml", flow("one", "B"))
    made.commit()
    return made


def ends(plan: Plan, name: str = "one") -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(edge.sources, edge.destinations) for edge in plan.flows[name].edges]


BEFORE = [((), ("A",)), (("A",), ("B",))]


def test_the_work_tree_is_not_looked_at_and_not_touched(repository: Repository) -> None:
    repository.write("flows/one.yaml", "broken: [")
    repository.write("flows/two.yaml", flow("two"))
    status, index = repository.git("status", "--porcelain"), (repository.root / ".git/index").read_bytes()
    assert ends(plan_at("HEAD", ["flows"])) == BEFORE
    assert repository.git("status", "--porcelain") == status
    assert (repository.root / ".git/index").read_bytes() == index


def test_places_carry_the_revision(repository: Repository) -> None:
    plan = plan_at("HEAD", ["flows"])
    assert str(plan.flows["one"].edges[0].place).startswith("HEAD:flows/one.yaml:4:")
    assert str(plan.tasks["A"].place).startswith("HEAD:nodes.yaml:2:")


@pytest.mark.parametrize("paths", [["."], ["flows/one.yaml"], ["flows", "nodes.yaml"], []])
def test_ways_to_name_files(repository: Repository, paths: list[str]) -> None:
    repository.write("flows/one.yaml", flow("one"))
    assert ends(plan_at("HEAD", paths)) == BEFORE


def test_from_a_subdirectory(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository.root / "flows")
    assert ends(plan_at("HEAD")) == BEFORE
    assert ends(plan_at("HEAD", ["one.yaml"])) == BEFORE
    assert ends(plan_at("HEAD", [str(repository.root / "flows")])) == BEFORE


def test_settings_in_pyproject(repository: Repository) -> None:
    repository.write("pyproject.toml", '[tool.selinon]\nnodes = ["nodes.yaml"]\nflows = ["flows/*.yaml"]\n')
    repository.commit()
    repository.write("pyproject.toml", "")
    assert ends(plan_at("HEAD")) == BEFORE


@pytest.mark.parametrize("added", [True, False])
def test_renamed_files_are_followed(repository: Repository, added: bool) -> None:
    long = flow("one", *["B"] * 20)
    repository.write("flows/one.yaml", long)
    repository.commit()
    (repository.root / "flows/one.yaml").unlink()
    repository.write("moved/new.yaml", long + "      - {from: B, to: A}\n")
    if added:
        repository.git("add", "-A")
    for path in ("moved/new.yaml", "moved"):
        assert len(plan_at("HEAD", [path]).flows["one"].edges) == 21


def test_files_that_were_not_there_give_an_empty_plan(repository: Repository) -> None:
    repository.write("later/new.yaml", flow("new"))
    assert not plan_at("HEAD", ["later"]).flows
    assert not plan_at("HEAD", ["later/new.yaml"]).flows


def test_output_schemas_are_found_beside_the_old_files(repository: Repository) -> None:
    repository.write("schemas/a.json", "{}")
    repository.write(
        "nodes.yaml", NODES.replace("A, import: myapp.tasks", "A, import: m, output_schema: schemas/a.json")
    )
    repository.commit()
    (repository.root / "schemas/a.json").unlink()
    assert plan_at("HEAD", ["flows"]).tasks["A"].output_schema == "schemas/a.json"


def test_errors_at_the_revision_are_told_with_their_places(repository: Repository) -> None:
    repository.write("flows/one.yaml", flow("one", "Nobody"))
    repository.commit()
    with pytest.raises(ConfigurationError, match="the project had errors at HEAD") as caught:
        plan_at("HEAD", ["flows"])
    assert caught.value.diagnostics[0].span.file == "HEAD:flows/one.yaml"


@pytest.mark.parametrize("revision", ["nonsense", "", "--help", "HEAD~99"])
def test_unknown_revisions(repository: Repository, revision: str) -> None:
    assert not is_revision(revision)
    with pytest.raises(RequestError, match="revision"):
        plan_at(revision, ["flows"])


def test_known_revisions(repository: Repository) -> None:
    assert is_revision("HEAD")
    assert is_revision("main")


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match="git"):
        plan_at("HEAD", ["."])


def test_without_git(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RequestError, match="cannot run git"):
        plan_at("HEAD", ["flows"])


def test_linked_directories_in_the_repository(repository: Repository) -> None:
    flows = repository.root / "flows"
    repository.write("elsewhere/two.yaml", flow("two", "B"))
    links = {"shared": "../elsewhere", "back": ".", "out": "../..", "gone": "../none", "absolute": "/tmp"}
    for name, target in links.items():
        os.symlink(target, flows / name)
    repository.commit()
    (flows / "shared").unlink()
    assert sorted(plan_at("HEAD", ["flows"]).flows) == ["one", "two"]


def test_links_in_the_repository(repository: Repository) -> None:
    os.symlink("../nodes.yaml", repository.root / "flows" / "nodes.yaml")
    repository.commit()
    assert plan_at("HEAD", ["flows"]).tasks["B"].name == "B"
