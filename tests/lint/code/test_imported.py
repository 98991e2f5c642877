"""``--import``: the same answers from modules that are really imported, and nothing of it on stdout."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from selinon_core.lint.code.imported import ImportedCode
from selinon_core.lint.code.symbols import Kind, ModuleState

GOOD = """
import functools
print("imported")

class Base:
    def run(self, node_args): ...

class Task(Base): ...
class Empty: ...
class Static:
    @staticmethod
    def run(node_args): ...

def wrapped(f):
    @functools.wraps(f)
    def g(*args): return f(*args)
    return g

class Given:
    @wrapped
    def run(self): ...

@wrapped
def pages(pool, node_args): ...

partial = functools.partial(pages, None)
number = 3
"""


@pytest.fixture
def index(tmp_path: Path) -> ImportedCode:
    (tmp_path / "imported_good.py").write_text(GOOD)
    (tmp_path / "imported_exits.py").write_text("import sys\nsys.exit('bye')")
    (tmp_path / "imported_syntax.py").write_text("\nx = = 1")
    (tmp_path / "imported_lacks.py").write_text("import imported_nowhere.deep")
    return ImportedCode((str(tmp_path),))


def test_prints_of_user_code_go_to_stderr(index: ImportedCode, capsys: pytest.CaptureFixture[str]) -> None:
    path = list(sys.path)
    assert index.state("imported_good") is ModuleState.FOUND
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "imported\n")
    assert sys.path == path


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("imported_exits", "SystemExit: bye"),
        ("imported_syntax", "SyntaxError: invalid syntax"),
        ("imported_lacks", "ModuleNotFoundError: No module named 'imported_nowhere'"),
    ],
)
def test_what_a_module_raises_is_its_fault(index: ImportedCode, module: str, message: str) -> None:
    assert index.state(module) is ModuleState.BROKEN
    assert index.fault(module).message.startswith(message)
    assert index.fault(module).raised
    assert index.fault(module).span.file.endswith(f"{module}.py")


def test_missing_modules(index: ImportedCode) -> None:
    assert index.state("imported_nowhere") is ModuleState.MISSING
    assert index.state("imported_good.inner") is ModuleState.MISSING
    assert index.state("not a module") is ModuleState.MISSING


def test_symbols(index: ImportedCode) -> None:
    kinds = {}
    for name in ("Task", "pages", "partial", "number", "functools", "Nothing"):
        symbol = index.lookup("imported_good", name)
        kinds[name] = None if symbol is None else symbol.kind
    assert kinds == {
        "Task": Kind.CLASS,
        "pages": Kind.FUNCTION,
        "partial": Kind.FUNCTION,
        "number": Kind.VALUE,
        "functools": Kind.MODULE,
        "Nothing": None,
    }
    assert "Task" in index.names("imported_good")


def test_signatures_are_those_of_what_is_called(index: ImportedCode) -> None:
    shown = {}
    for name in ("Task", "Static", "Empty", "Given"):
        symbol = index.lookup("imported_good", name)
        assert symbol is not None
        method = index.method(symbol, "run")
        shown[name] = None if method is None else str(method.signature)
    assert shown == {"Task": "(node_args)", "Static": "(node_args)", "Empty": None, "Given": "None"}
    partial = index.lookup("imported_good", "partial")
    assert partial is not None
    assert str(partial.signature) == "(node_args)"
