"""``[tool.selinon]``: which files and rules, and mistakes with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from selinon_core.config.pyproject import configured_files, project_settings
from selinon_core.config.yaml.files import PathError
from selinon_core.project import Project, compile_project, lint_project

NODES = "tasks: [{name: A, import: json, classname: JSONDecoder}]\nstorages: [{name: S, import: m}]\n"
FLOW = "flow-definitions: [{name: %s, edges: [{from: , to: %s}]}]\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in the working directory, with SEL903 in nodes.yaml and SEL201 in two flows."""
    files = {
        "conf/nodes.yaml": NODES,
        "conf/flows/a.yaml": FLOW % ("f", "A"),
        "conf/flows/b.yml": FLOW % ("g", "Cc"),
        "conf/flows/old/c.yaml": FLOW % ("h", "Dd"),
        "src/m.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(root: Path, table: str) -> None:
    (root / "pyproject.toml").write_text(f"[project]\nname = 'ignore'\n\n[tool.selinon]\n{table}")


def found(project: Project) -> set[tuple[str, str]]:
    return {(d.code, Path(d.span.file).name) for d in project.diagnostics if not d.code.startswith("SEL6")}


ALL = {("SEL201", "b.yml"), ("SEL201", "c.yaml"), ("SEL903", "nodes.yaml")}


def test_what_the_keys_mean(root: Path) -> None:
    write(
        root,
        'nodes = "conf/nodes.yaml"\nflows = ["conf/flows/*.yaml", "conf/**/b.*"]\npythonpath = ["src"]\n'
        'select = ["SEL2"]\nignore = ["SEL9"]\nstrict = true\n'
        '[tool.selinon.per-file-ignores]\n"conf/flows/*" = ["SEL201"]\n',
    )
    settings = project_settings(str(root / "conf" / "flows"))
    assert settings._replace(text="") == (
        str(root),
        ("conf/nodes.yaml",),
        ("conf/flows/*.yaml", "conf/**/b.*"),
        ("src",),
        ("SEL9",),
        ("SEL2",),
        (("conf/flows/*", ("SEL201",)),),
        True,
        "pyproject.toml",
        "",
    )
    names = ["conf/nodes.yaml", "conf/flows/a.yaml", "conf/flows/b.yml"]
    assert [Path(file.name).as_posix() for file in configured_files(settings)] == names
    project = lint_project()
    assert list(project.files) == names
    assert str(root / "src") in project.pythonpath


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("", ALL),
        ('ignore = ["SEL9"]', ALL - {("SEL903", "nodes.yaml")}),
        ('select = ["SEL9"]', {("SEL903", "nodes.yaml")}),
        ('select = "SEL"\nignore = ["SEL2"]', {("SEL903", "nodes.yaml")}),
        ('select = "SEL201"\nignore = ["SEL2"]', ALL - {("SEL903", "nodes.yaml")}),
        ('per-file-ignores = {"conf/flows/old/*" = ["SEL2"]}', ALL - {("SEL201", "c.yaml")}),
        ('[tool.selinon.per-file-ignores]\n"conf/flows/*" = "SEL2"', {("SEL903", "nodes.yaml")}),
    ],
)
def test_which_findings_are_reported(root: Path, table: str, expected: set[tuple[str, str]]) -> None:
    write(root, table)
    assert found(lint_project()) == expected


def test_select_of_the_caller_takes_the_place_of_that_of_the_project(root: Path) -> None:
    write(root, 'select = ["SEL9"]\nignore = ["SEL3"]')
    assert found(lint_project(select=["SEL2"])) == ALL - {("SEL903", "nodes.yaml")}
    assert found(lint_project(ignore=["SEL9"])) == set()


def test_a_file_that_cannot_be_read_is_never_left_out(root: Path) -> None:
    write(root, 'ignore = ["SEL"]')
    (root / "conf" / "flows" / "a.yaml").write_text("flow-definitions: [")
    assert {code for code, _ in found(lint_project())} == {"SEL001"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            "\nignroe = ['SEL9']",
            'pyproject.toml:6: unknown key "ignroe" in [tool.selinon]; did you mean "ignore"?',
        ),
        ("wild = 1", 'pyproject.toml:5: unknown key "wild" in [tool.selinon]; known are nodes, flows'),
        ("flows = [1]", "pyproject.toml:5: tool.selinon.flows has to be a list of texts"),
        ("strict = 1", "pyproject.toml:5: tool.selinon.strict has to be true or false"),
        ("per-file-ignores = []", "pyproject.toml:5: tool.selinon.per-file-ignores has to be a table of lists"),
        ('[tool.selinon.per-file-ignores]\n"a" = 1', "pyproject.toml:6: tool.selinon.a has to be a list of texts"),
        ('flows = [\n  "conf",\n  "none/*.yaml",\n]', 'pyproject.toml:7: flows: "none/*.yaml" matches no file'),
        ('pythonpath = ["src", "srcc"]', 'pyproject.toml:5: pythonpath: there is no directory "srcc"'),
        ("flows = [\n  'a' 'b']", "pyproject.toml:6:7: this is not TOML: "),
    ],
)
def test_mistakes(root: Path, table: str, message: str) -> None:
    write(root, table)
    with pytest.raises(PathError) as raised:
        compile_project()
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ('ignore = ["SEL9O2"]', "pyproject.toml:5: ignore"),
        ('ignore = [\n  "SEL9",\n  "FOO",\n]', "pyproject.toml:7: ignore"),
        ('select = ["SEL9990"]', "pyproject.toml:5: select"),
        ('ignore = [""]', "pyproject.toml:5: ignore"),
        ('[tool.selinon.per-file-ignores]\n"x/*" = ["SEL77"]', "pyproject.toml:6: x/*"),
    ],
)
def test_codes_that_no_rule_has(root: Path, table: str, place: str) -> None:
    write(root, table)
    with pytest.raises(PathError, match="no rule has the code") as raised:
        lint_project()
    assert str(raised.value).startswith(place)
    compile_project()  # which rules are reported is not its business


def test_a_table_that_is_not_one(root: Path) -> None:
    (root / "pyproject.toml").write_text("tool = {selinon = 3}\n")
    with pytest.raises(PathError, match="has to be a table"):
        compile_project()
