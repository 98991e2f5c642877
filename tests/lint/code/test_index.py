"""What user code is found to hold, without running it."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from selinon_core.lint.code.index import CodeIndex
from selinon_core.lint.code.symbols import Kind, ModuleState, Signature

Write = Callable[..., CodeIndex]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write modules (``shop__tasks`` is ``shop/tasks.py``) and index them."""

    def write_files(**files: str) -> CodeIndex:
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/").replace("/init", "/__init__") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return CodeIndex((str(tmp_path),))

    return write_files


def kind(index: CodeIndex, module: str, name: str) -> Kind | None:
    symbol = index.lookup(module, name)
    return None if symbol is None else symbol.kind


def test_nothing_is_executed(write: Write, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    index = write(
        unheard_of__init=f"open({str(marker)!r}, 'w')",
        unheard_of__tasks=f"open({str(marker)!r}, 'w')\nclass A: ...",
    )
    assert kind(index, "unheard_of.tasks", "A") is Kind.CLASS
    assert not marker.exists()
    assert "unheard_of" not in sys.modules


def test_states_of_modules(write: Write, tmp_path: Path) -> None:
    index = write(good="x = 1", bad="def f(:", shop__init="", shop__deep__tasks="class A: ...")
    (tmp_path / "compiled.cpython-311-x86_64-linux-gnu.so").touch()
    (tmp_path / "binary.py").write_bytes(b"\x00\x01")
    states = {
        name: index.state(name)
        for name in ("good", "bad", "shop", "shop.deep.tasks", "compiled", "nowhere", "shop.nowhere", "good.inner")
    }
    assert states == {
        "good": ModuleState.FOUND,
        "bad": ModuleState.BROKEN,
        "shop": ModuleState.FOUND,
        "shop.deep.tasks": ModuleState.FOUND,
        "compiled": ModuleState.OPAQUE,
        "nowhere": ModuleState.MISSING,
        "shop.nowhere": ModuleState.MISSING,
        "good.inner": ModuleState.MISSING,
    }
    assert index.state("binary") in (ModuleState.OPAQUE, ModuleState.BROKEN)
    assert index.state("os.path") is ModuleState.OPAQUE
    assert index.state("textwrap.below") is ModuleState.OPAQUE, "a library may register modules below a plain one"
    assert index.state("not a module") is ModuleState.MISSING
    assert index.fault("bad").span.line == 1


def test_names_are_followed_to_their_definition(write: Write) -> None:
    index = write(
        shop__init="""
            from .tasks import Fetch as Loader
            from . import tasks
            import shop.tasks as t
            Alias = t.Fetch
        """,
        shop__tasks="from .deep.base import *\nclass Fetch(Base): ...",
        shop__deep__init="",
        shop__deep__base="__all__ = ['Base']\nclass Base: ...\nclass Hidden: ...",
        user="from shop import *\nimport shop\nLate = shop.Loader",
    )
    for module, name in (("shop", "Loader"), ("shop", "Alias"), ("user", "Loader"), ("user", "Late")):
        symbol = index.lookup(module, name)
        assert symbol is not None
        assert (symbol.kind, symbol.home, symbol.name) == (Kind.CLASS, "shop.tasks", "Fetch")
    assert kind(index, "shop.tasks", "Base") is Kind.CLASS
    assert kind(index, "shop.tasks", "Hidden") is None
    assert kind(index, "shop", "tasks") is Kind.MODULE
    assert kind(index, "shop", "tasks.Fetch") is Kind.CLASS
    assert kind(index, "shop", "deep") is Kind.MODULE
    assert kind(index, "shop", "Nothing") is None


@pytest.mark.parametrize(
    "text",
    [
        "from nowhere import *",
        "def __getattr__(name): ...",
        "globals()['Fetch'] = 1",
        "import sys\nsetattr(sys.modules[__name__], 'Fetch', 1)",
        "from nowhere import Fetch",
        "Fetch = make()",
        "Fetch, Other = 1, 2",
        "for Fetch in (): ...",
        "try:\n    from a import Fetch\nexcept ImportError:\n    Fetch = None",
        "if x:\n    class Fetch: ...\nelse:\n    class Fetch: ...",
        "with open('x') as Fetch: ...",
        "from here import Fetch\n",
        "Fetch = Fetch",
    ],
)
def test_what_cannot_be_followed_is_unknown(write: Write, text: str) -> None:
    index = write(here=text)
    assert kind(index, "here", "Fetch") is Kind.UNKNOWN


def test_circles_of_imports_end(write: Write) -> None:
    index = write(a="from b import *\nfrom b import X", b="from a import *\nfrom a import X")
    assert kind(index, "a", "X") is Kind.UNKNOWN
    assert kind(index, "a", "Y") in (None, Kind.UNKNOWN)
    index = write(c="class A(B): ...\nclass B(A): ...")
    found = index.lookup("c", "A")
    assert found is not None
    assert index.method(found, "run") is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("class T: ...", None),
        ("class T(object): ...", None),
        ("from selinon import SelinonTask\nclass T(SelinonTask): ...", None),
        ("import selinon_core as s\nclass T(s.SelinonTask): ...", None),
        ("from selinon_core.task import SelinonTask as Base\nclass T(Base): ...", None),
        ("from abc import ABC\nclass T(ABC): ...", None),
        ("class T:\n    def run(self, a): ...", "(a)"),
        ("class B:\n    def run(self, a, b=1): ...\nclass T(B): ...", "(a, b=...)"),
        ("class T:\n    async def run(self, *, a): ...", "(*, a)"),
        ("class T:\n    @staticmethod\n    def run(a): ...", "(a)"),
        ("class T:\n    @classmethod\n    def run(cls, a): ...", "(a)"),
        ("class T:\n    def run(*args, **kwargs): ...", "(*args, **kwargs)"),
        ("class T:\n    @far\n    def run(self): ...", "unknown"),
        ("class T:\n    run = other", "unknown"),
        ("class T:\n    if x:\n        def run(self, a): ...\n    else:\n        def run(self): ...", "unknown"),
        ("from far import B\nclass T(B): ...", "unknown"),
        ("class T(make()): ...", "unknown"),
        ("@decorated\nclass T: ...", "unknown"),
        ("class T(metaclass=M): ...", "unknown"),
        ("import threading\nclass T(threading.Thread): ...", "unknown"),
        ("class T:\n    def __getattr__(self, name): ...", "unknown"),
        ("class T(Missing): ...", "unknown"),
        ("class B:\n    def run(self, a): ...\nclass T(Far, B): ...", "unknown"),
    ],
)
def test_methods(write: Write, text: str, expected: str | None) -> None:
    index = write(here=text)
    symbol = index.lookup("here", "T")
    assert symbol is not None
    method = index.method(symbol, "run")
    if expected is None:
        assert method is None
    else:
        assert method is not None
        assert (str(method.signature) if method.signature is not None else "unknown") == expected


@pytest.mark.parametrize(
    ("parameters", "accepted"),
    [
        ("", [0]),
        ("a", [1]),
        ("a, b=1", [1, 2]),
        ("a, /, b", [2]),
        ("*a", [0, 1, 2]),
        ("a, *, b", []),
        ("a, *, b=1", [1]),
    ],
)
def test_signatures(write: Write, parameters: str, accepted: list[int]) -> None:
    index = write(here=f"def f({parameters}): ...")
    symbol = index.lookup("here", "f")
    assert symbol is not None
    assert isinstance(symbol.signature, Signature)
    assert [n for n in range(3) if symbol.signature.accepts_positional(n)] == accepted


def test_spans_point_at_the_name(write: Write) -> None:
    index = write(here="\nasync def fetch(a): ...\n\nclass  Fetch: ...")
    symbol = index.lookup("here", "fetch")
    assert symbol is not None
    assert symbol.span[1:] == (2, 11, 2, 16)


def test_results_that_code_reads(write: Write) -> None:
    index = write(
        here="""
        class T:
            def run(self, node_args):
                self.parent_task_result("A")
                return self.helper(other.parent_task_result("B"), self.parent_task_result(node_args))
            def helper(self):
                self.parent_task_result("C")
                self.parent_flow_result("F", "G", 0)
        def pages(pool, node_args):
            return pool.get("D") or node_args.get("E")
        """
    )
    found = {}
    for name in ("T", "pages"):
        symbol = index.lookup("here", name)
        assert symbol is not None
        found[name] = [(read.name, read.of_flow, read.span.line) for read in index.results_read(symbol)]
    assert found == {"T": [("A", False, 4), ("C", False, 7), ("F", True, 8)], "pages": [("D", False, 10)]}


def test_installed_packages_are_found_and_not_imported() -> None:
    before = set(sys.modules)
    index = CodeIndex(())
    assert index.state("selinon_core.storages.memory") is ModuleState.FOUND
    assert index.state("pip") is not ModuleState.BROKEN
    assert not {name for name in set(sys.modules) - before if name.startswith("pip")}


def test_code_nested_beyond_reason_is_unknown(write: Write) -> None:
    branches = "".join(f"    elif x == {n}:\n        pass\n" for n in range(3000))
    index = write(
        body=f"class T:\n    if x == 0:\n        pass\n{branches}",
        module=f"if x == 0:\n        pass\n{branches.replace('    elif', 'elif')}class T: ...",
    )
    for name in ("body", "module"):
        symbol = index.lookup(name, "T")
        assert symbol is not None
        assert symbol.kind is Kind.UNKNOWN or index.method(symbol, "run") is not None


def test_what_is_no_regular_file_is_not_opened(write: Write, tmp_path: Path) -> None:
    index = write()
    os.mkfifo(tmp_path / "pipe.py")
    assert index.state("pipe") is ModuleState.OPAQUE
