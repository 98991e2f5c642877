"""Modules that cannot be found, and which module of the project is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from selinon_core.project import lint_project

UNKNOWN = "--pythonpath or [tool.selinon] pythonpath say where modules are"
FILES = ("tasks.py", "shop/__init__.py", "shop/orders.py", "shop/deep/refunds.py", "reports/monthly.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("class A: ...\n")
    return tmp_path


def found(root: Path, *modules: str) -> list[tuple[str, str]]:
    tasks = ", ".join(f"{{name: T{n}, import: {module}, classname: A}}" for n, module in enumerate(modules))
    (root / "f.yaml").write_text(f"tasks: [{tasks}]\n")
    project = lint_project([root / "f.yaml"], pythonpath=[str(root)])
    return [(d.severity.value, d.help) for d in project.diagnostics if d.code == "SEL601"]


@pytest.mark.parametrize(
    ("module", "severity", "meant"),
    [
        ("taks", "error", "tasks"),
        ("tasks.py", "error", "tasks"),
        ("shop.ordres", "error", "shop.orders"),
        ("shop.orders.py", "error", "shop.orders"),
        ("shpo.orders", "error", "shop.orders"),
        ("shop.deep.refund", "error", "shop.deep.refunds"),
        ("shop.deeep.refnuds", "error", "shop.deep.refunds"),
        ("report.monthly", "error", "reports.monthly"),
        ("tsk", "warning", "tasks"),
    ],
)
def test_what_is_meant(root: Path, module: str, severity: str, meant: str) -> None:
    assert found(root, module) == [(severity, f'did you mean "{meant}"?')]


def test_the_help_is_not_lost_on_the_others(root: Path) -> None:
    assert found(root, "taks", "elsewhere.entirely", "not_here") == [
        ("error", 'did you mean "tasks"?'),
        ("warning", UNKNOWN),
        ("warning", ""),
    ]


def test_a_module_of_a_thousand_packages_is_a_diagnostic(root: Path) -> None:
    codes = [severity for severity, _ in found(root, ".".join(["a"] * 1000))]
    assert codes == ["warning"]


@pytest.mark.parametrize(
    ("module", "severity", "help"),
    [
        ("selinonlib.storages.redis", "error", 'did you mean "selinon.storages.redis"?'),
        ("selinonlib.elsewhere", "warning", UNKNOWN),
        (
            "selinon.storage.sqlStorage",
            "warning",
            "--pythonpath or [tool.selinon] pythonpath say where modules are",
        ),
    ],
)
def test_modules_of_older_versions(root: Path, module: str, severity: str, help: str) -> None:
    assert found(root, module) == [(severity, help)]
