"""What tests/README.md says about the folders of tests holds, and so do the bounds on the size of code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent

#: Lines that a function and a class may have.
LONGEST = {"function": 60, "class": 250}
#: What is longer, by module and name, and why. The reason stands beside the code, too.
LONGER = {
    "selinon_core.celery.app.Selinon": "the client: a few lines a method, each leads to where it is done",
    "selinon_core.celery.execution.outbox_relay.OutboxRelay": "what an outbox may hold: few lines for each kind",
    "selinon_core.celery.stores.protocol.Store": "the protocol: one step a method, with what it promises",
    "selinon_core.celery.stores.memory.MemoryStore": "as long as the protocol: few lines a method, one lock",
    "selinon_core.celery.stores.redis.store.RedisStore": "as long as the protocol: one script a method",
    "selinon_core.celery.stores.sql.store.SqlStore": "as long as the protocol: one transaction a method",
    "selinon_core.celery.stores.sql.tables.Tables": "a list: one column a line",
}
#: Modules of the adapter with a clock of their own; each says why in its docstring.
REAL_TIME = {
    "embedded_server.py",
    "surroundings.py",
    "transport/redis_resilience.py",
    "worker/bootsteps.py",
    "worker/fork_gate.py",
    "worker/waiting_starts.py",
}


def test_what_several_modules_of_tests_use_is_in_no_module_of_tests() -> None:
    found = [
        f"{path.relative_to(TESTS)}: {line}"
        for path in sorted(TESTS.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*from tests(\.\w+)*\.test_\w+ import|\s*from tests(\.\w+)* import test_", line)
    ]
    assert found == []


def test_every_folder_of_tests_is_described() -> None:
    readme = (TESTS / "README.md").read_text(encoding="utf-8")
    folders = {path.parent.relative_to(TESTS).parts[0] for path in TESTS.rglob("*/test_*.py")}
    described = set(re.findall(r"^\| `(\w+)/` \|", readme, re.MULTILINE))
    assert described == folders


def definitions(node: ast.AST, inside: str) -> Iterator[tuple[str, str, int]]:
    """Yield the kind, the full name and the number of lines of functions and classes, inner ones too."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            kind = "class" if isinstance(child, ast.ClassDef) else "function"
            name = f"{inside}.{child.name}"
            yield kind, name, (child.end_lineno or child.lineno) - child.lineno + 1
            yield from definitions(child, name)
        else:
            yield from definitions(child, inside)


def test_no_function_and_no_class_is_longer_than_its_bound_without_a_reason() -> None:
    long = {
        name
        for package in ("selinon_core", "selinon_cli", "selinon")
        for path in sorted((ROOT / package).rglob("*.py"))
        for kind, name, lines in definitions(
            ast.parse(path.read_bytes()), ".".join(path.relative_to(ROOT).with_suffix("").parts)
        )
        if lines > LONGEST[kind]
    }
    # An exception that is not needed any more is taken out of the table.
    assert long == LONGER.keys()


def test_the_adapter_has_its_clock_from_the_surroundings() -> None:
    adapter = ROOT / "selinon_core" / "celery"
    found = {
        str(path.relative_to(adapter))
        for path in adapter.rglob("*.py")
        if re.search(r"^\s*(import time|from time import)\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert found == REAL_TIME
