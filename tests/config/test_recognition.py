"""Which of the files that are found in a directory belong to the project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from selinon_core.diagnostics import Severity
from selinon_core.project import Project, compile_project, lint_project

NODES = "tasks: [{name: A, import: m}]\n"
FLOW = "[{name: f, edges: [{from: , to: A}]}]\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "nodes.yaml").write_text(NODES)
    (tmp_path / "flow.yaml").write_text("flow-definitions: " + FLOW)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(project: Project, file: str) -> list[tuple[str, str]]:
    return [(d.code, d.help) for d in project.diagnostics if d.span.file == file]


OTHERS = {
    "Taskfile.yml": "version: '3'\ntasks:\n  build:\n    cmds: [make]\n    desc: build it\n",
    "playbook.yml": "- hosts: all\n  tasks:\n    - name: install\n      apt: {name: x}\n      become: true\n",
    "prometheus.yml": "global:\n  scrape_interval: 15s\n  evaluation_interval: 15s\nscrape_configs: []\n",
    "values.yaml": "global:\n  imageRegistry: x\n  storageClass: y\nreplicas: 1\n",
    "rasa.yml": "flows:\n  transfer_money:\n    description: d\n    steps: []\n",
    "vscode.yaml": "version: 2\ntasks:\n  - label: build\n    type: shell\n    command: make\n",
    "circle.yml": "version: 2\nworkflows:\n  build: {jobs: [a]}\n",
    "compose.yaml": "services: {web: {image: x}}\nvolumes: {}\n",
    "storage.yaml": "storage: {name: x, size: 3}\ntask: build\n",
    "chart.yaml": "a: {{ template }}\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_files_of_other_tools_are_passed_over(root: Path, name: str) -> None:
    (root / name).write_text(OTHERS[name])
    project = lint_project()
    assert sorted(project.files) == ["flow.yaml", "nodes.yaml"]
    assert found(project, name) == []
    assert project.plan is not None


def test_what_package_managers_install_is_passed_over(root: Path) -> None:
    for directory in ("node_modules/x", "env/lib/site-packages", "env/share"):
        (root / directory).mkdir(parents=True)
        (root / directory / "tasks.yaml").write_text(NODES)
    (root / "env" / "pyvenv.cfg").write_text("")
    assert sorted(lint_project().files) == ["flow.yaml", "nodes.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        f"{key}: {FLOW}"
        for key in (
            "flow_definitions",
            "flow-definition",
            "Flow-Definitions",
            "\u200bflow-definitions",
            "flwo-definitions",
        )
    ]
    + ["task:\n  - name: B\n    import: m\n", "storage: [{name: S, import: m}]\n"],
)
def test_a_file_whose_section_is_misspelt_is_an_error(root: Path, text: str) -> None:
    (root / "other.yaml").write_text(text, encoding="utf-8")
    project = lint_project()
    [(code, help)] = found(project, "other.yaml")
    assert code == "SEL100"
    assert help.startswith("did you mean")
    assert project.plan is None


@pytest.mark.parametrize("paths", [[], ["both.yaml"]], ids=["found", "named"])
@pytest.mark.parametrize("section", ["task", "Tasks", "storage", "flow-definition"])
def test_beside_other_sections_it_is_the_one_error(root: Path, section: str, paths: list[str]) -> None:
    for path in root.glob("*.yaml"):
        path.unlink()
    parts = {
        "tasks": "tasks:\n  - {name: A, import: m, storage: S}\n",
        "storages": "storages:\n  - {name: S, import: m}\n",
        "flow-definitions": "flow-definitions:\n  - {name: f, edges: [{from: , to: [A, g]}]}\n",
    }
    more = "flow-definitions:\n  - {name: g, edges: [{from: , to: A}]}\n"
    (meant,) = [name for name in parts if name.startswith(section.lower()[:4])]
    (root / "nodes.yaml").write_text("tasks: []\n" + more)
    parts[meant] = parts[meant].replace(f"{meant}:", f"{section}:")
    (root / "both.yaml").write_text("".join(parts.values()))
    project = lint_project(paths and [*paths, "nodes.yaml"])
    errors = [each for each in project.diagnostics if each.severity is Severity.ERROR]
    assert [(each.code, each.help) for each in errors] == [("SEL102", f'did you mean "{meant}"?')]
    assert project.plan is None


def test_so_it_is_where_no_other_file_is_there(root: Path) -> None:
    (root / "nodes.yaml").unlink()
    (root / "flow.yaml").write_text("flow-definition: " + FLOW)
    [(code, help)] = found(lint_project(), "flow.yaml")
    assert (code, help) == ("SEL100", 'did you mean "flow-definitions"?')


@pytest.mark.parametrize(
    "text", ["", "hello\n", "- A\n", "{{ x }}\n", "task: [{name: A, import: m}]\n", "tasks: [\n", "tasks: hello\n"]
)
@pytest.mark.parametrize("paths", [[], ["nodes.yaml", "flow.yaml"]], ids=["found", "named"])
def test_what_a_file_defines_that_gave_no_names_is_not_called_unknown(
    root: Path, text: str, paths: list[str]
) -> None:
    (root / "pyproject.toml").write_text('[tool.selinon]\nnodes = ["nodes.yaml"]\nflows = ["flow.yaml"]\n')
    (root / "nodes.yaml").write_text(text)
    edges = "[{from: , to: A}, {from: A, to: B, condition: A.n > 0}]"
    (root / "flow.yaml").write_text(f"flow-definitions: [{{name: f, edges: {edges}}}]\n")
    project = lint_project(paths)
    assert found(project, "flow.yaml") == [] or text.startswith("task:")
    assert found(project, "nodes.yaml")
    assert project.plan is None


@pytest.mark.parametrize(
    "text",
    [
        "{{- if x }}\nflow-definitions: " + FLOW,
        "a: 1\n---\nflow-definitions: " + FLOW,
        "flow-definitions: [{name: f",
        "\ttasks: []\n",
    ],
)
def test_a_file_that_cannot_be_read_is_not_passed_over(root: Path, text: str) -> None:
    (root / "other.yaml").write_text(text)
    assert found(lint_project(), "other.yaml")


def test_other_encodings_are_not_passed_over(root: Path) -> None:
    (root / "other.yaml").write_bytes(("flow-definitions: " + FLOW).encode("utf-32"))
    assert "SEL001" in {code for code, _ in found(lint_project(), "other.yaml")}


@pytest.mark.parametrize(
    "text",
    [
        "tasks: {B: {import: m, max_retry: 1}}\n",
        "tasks: [B, C]\n",
        "tasks:\n  - name: B\n    improt: m\n",
        "tasks:\n",
        "global: {default_task_queu: x}\n",
        "flows: [f]\n",
    ],
)
def test_mistakes_of_ours_are_ours(root: Path, text: str) -> None:
    (root / "other.yaml").write_text(text)
    assert "other.yaml" in compile_project().files


def test_names_in_a_list_of_tasks_are_told_once(root: Path) -> None:
    (root / "nodes.yaml").write_text("tasks: [A, B]\n")
    assert {d.code for d in lint_project().diagnostics} == {"SEL104"}


def test_a_directory_that_cannot_be_listed_is_a_diagnostic(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "closed").mkdir()
    closed = os.path.join(".", "closed")

    def refusing(real: Any) -> Any:
        def listing(path: Any = ".") -> Any:
            if os.fspath(path) == closed:
                raise PermissionError(13, "Permission denied", path)
            return real(path)

        return listing

    monkeypatch.setattr(os, "scandir", refusing(os.scandir))
    monkeypatch.setattr(os, "listdir", refusing(os.listdir))
    (diagnostic,) = [d for d in lint_project().diagnostics if d.code == "SEL002"]
    assert diagnostic.span.file == "closed"
    assert diagnostic.message == "the file cannot be read: Permission denied"
