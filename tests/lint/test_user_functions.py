"""Functions of a project that cannot give the value that is needed: coroutines, generators, plain data."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.lint.example_projects import WITH_IMPORT, lint_text

PROJECT = """
global:
  predicates_module: {module}
  trace: [{{function: {{import: {module}, name: observe}}}}]
storages:
  - {{name: Archive, import: {module}, cache: {{import: {module}, name: Shelf}}}}
tasks:
  - name: Fetch
    import: {module}
    storage: Archive
    selective_run_function: {{import: {module}, function: again}}
  - {{name: Parse, import: {module}}}
flow-definitions:
  - name: nightly
    sampling: {{import: {module}, name: pace, args: {{}}}}
    edges:
      - {{from: , to: Fetch}}
      - from: Fetch
        to: Parse
        foreach: {{import: {module}, function: pages}}
      - from: Parse
        to: Parse
        condition: {{name: is_large}}
"""

CODE = {
    "run": "class Fetch(SelinonTask):\n    def run(self, node_args): return 1",
    "parse": "class Parse(SelinonTask):\n    def run(self, node_args): return 1",
    "store": "class Archive(DataStorage):\n    def store(self, node_args, flow, task, id, result): return 1",
    "cache": "class Shelf:\n    def add(self, id, item, task_name=None, flow_name=None): return 1",
    "observe": "def observe(event, report): return 1",
    "again": "def again(flow_name, node_name, node_args, task_names, storage_pool): return 1",
    "pages": "def pages(storage_pool, node_args): return 1",
    "pace": "def pace(status): return 1",
    "is_large": "def is_large(message): return 1",
}


def found_in(tmp_path: Path, imports: bool, **changed: str) -> list[tuple[str, str]]:
    """Codes and messages about the code of the project with some functions changed."""
    module = "m_" + "".join(c if c.isalnum() else "_" for c in tmp_path.name) + str(imports)
    code = "from selinon_core import DataStorage, SelinonTask\n" + "\n".join({**CODE, **changed}.values())
    python = textwrap.indent(code, "#   ")
    text = f"# {module}.py\n{python}\n{PROJECT.format(module=module)}"
    found = lint_text(f"{WITH_IMPORT}\n{text}" if imports else text, tmp_path)
    return [(d.code, d.message) for d in found if d.code in ("SEL204", "SEL602", "SEL611")]


def with_body(name: str, *, body: str, prefix: str = "") -> str:
    return CODE[name].replace("return 1", body).replace("def ", f"{prefix}def ", 1)


imports = pytest.mark.parametrize("imports", [False, True], ids=["parsed", "imported"])


@imports
def test_plain_functions_are_fine(imports: bool, tmp_path: Path) -> None:
    assert found_in(tmp_path, imports) == []


@imports
@pytest.mark.parametrize("name", CODE)
def test_generators(name: str, imports: bool, tmp_path: Path) -> None:
    found = found_in(tmp_path, imports, **{name: with_body(name, body="yield 1")})
    assert [code for code, _ in found] == ([] if name == "pages" else ["SEL611"])
    assert all(message.endswith("gives a generator") for _, message in found)


@imports
@pytest.mark.parametrize("name", CODE)
def test_coroutines(name: str, imports: bool, tmp_path: Path) -> None:
    found = found_in(tmp_path, imports, **{name: with_body(name, body="return 1", prefix="async ")})
    assert [code for code, _ in found] == ([] if name in ("run", "parse") else ["SEL611"])
    assert all(message.endswith("gives a coroutine") for _, message in found)


@imports
@pytest.mark.parametrize("name", CODE)
def test_asynchronous_generators(name: str, imports: bool, tmp_path: Path) -> None:
    found = found_in(tmp_path, imports, **{name: with_body(name, body="yield 1", prefix="async ")})
    assert [code for code, _ in found] == ["SEL611"]
    assert found[0][1].endswith("gives an asynchronous generator")


@pytest.mark.parametrize(
    "body",
    [
        "return [(yield_) for yield_ in ()]",
        "return (lambda: (yield))",
        "return list(x for x in ())",
    ],
)
def test_a_yield_of_something_inside_is_not_one_of_the_function(body: str, tmp_path: Path) -> None:
    assert found_in(tmp_path, False, is_large=with_body("is_large", body=body)) == []


def test_nothing_is_said_of_decorated_functions(tmp_path: Path) -> None:
    decorated = "def mark(f): return f\n@mark\n" + with_body("is_large", body="yield 1")
    assert found_in(tmp_path, False, is_large=decorated) == []


@imports
@pytest.mark.parametrize("value", ["[1, 2, 3]", "{}", "'text'", "3", "[x for x in ()]"])
@pytest.mark.parametrize("name", ["observe", "again", "pages", "pace", "is_large"])
def test_values_that_are_not_functions(name: str, value: str, imports: bool, tmp_path: Path) -> None:
    found = found_in(tmp_path, imports, **{name: f"{name} = {value}"})
    assert [code for code, _ in found] == ["SEL204" if name == "is_large" else "SEL602"]
    assert found[0][1].endswith("is a value, not a function")


@pytest.mark.parametrize("value", ["None", "make()", "other", "x if x else y", "lambda *a: 1"])
def test_values_that_may_be_functions(value: str, tmp_path: Path) -> None:
    assert found_in(tmp_path, False, pages=f"pages = {value}") == []
