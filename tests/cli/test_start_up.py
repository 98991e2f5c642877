"""What a start of ``selinon lint`` imports; timing is for benchmarks/startup.py, this keeps the reasons away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HEAVY = (
    "argparse",
    "asyncio",
    "boto3",
    "celery",
    "click",
    "dataclasses",
    "difflib",
    "graphviz",
    "importlib.metadata",
    "inspect",
    "json",
    "jsonschema",
    "logging",
    "pathlib",
    "pydantic",
    "pymongo",
    "redis",
    "rich",
    "sqlalchemy",
    "tempfile",
    "typer",
    "watchdog",
)

SCRIPT = """
import sys
from selinon_cli.main import main
code = main(sys.argv[1:])
sys.stdout.flush()
print(code, *sys.modules, file=sys.stderr)
"""


def modules_after(*words: str, cwd: Path) -> tuple[int, set[str]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SELINON_")}
    process = subprocess.run(
        [sys.executable, "-S", "-c", SCRIPT, *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        # Without the site module: what a virtual environment's .pth files import is not ours.
        env={**environment, "PYTHONPATH": os.pathsep.join([str(ROOT), *_site_packages()])},
        check=True,
    )
    code, *modules = process.stderr.splitlines()[-1].split()
    return int(code), set(modules)


def _site_packages() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]


def test_lint_imports_nothing_heavy(shop: Path) -> None:
    code, modules = modules_after("lint", "nodes.yaml", "flows", cwd=shop)
    assert code == 0
    assert "selinon_core.project" in modules
    assert not modules & set(HEAVY)


def test_the_version_needs_no_command(tmp_path: Path) -> None:
    code, modules = modules_after("--version", cwd=tmp_path)
    assert code == 0
    assert not modules & set(HEAVY)
    assert not any(name.startswith("selinon_cli.commands.") for name in modules)


def test_help_of_one_command_loads_no_other(tmp_path: Path) -> None:
    code, modules = modules_after("lint", "--help", cwd=tmp_path)
    assert code == 0
    assert [name for name in modules if name.startswith("selinon_cli.commands.")] == ["selinon_cli.commands.lint"]


def test_lint_makes_no_plan(shop: Path) -> None:
    code, modules = modules_after("lint", "nodes.yaml", "flows", cwd=shop)
    assert code == 0
    assert not modules & {"selinon_core.plan.model", "selinon_core.project.compiler"}


@pytest.mark.parametrize("words", [("inspect",), ("lint", "--list-rules"), ("lint", "--format", "sarif")])
def test_no_command_that_reads_files_imports_what_others_need(shop: Path, words: tuple[str, ...]) -> None:
    code, modules = modules_after(*words, cwd=shop)
    assert code == 0
    unneeded = {"celery", "sqlalchemy", "redis", "graphviz", "watchdog", "jsonschema", "rich", "typer", "pydantic"}
    assert not modules & unneeded


def test_a_plain_output_schema_is_checked_without_the_validator(shop: Path) -> None:
    draft = "https://json-schema.org/draft/2020-12/schema"
    (shop / "bill.json").write_text(f'{{"$schema": "{draft}", "type": "object", "required": ["total"]}}')
    nodes = (shop / "nodes.yaml").read_text()
    (shop / "nodes.yaml").write_text(
        nodes.replace("storage: Ledger\n", "storage: Ledger\n    output_schema: bill.json\n", 1)
    )
    code, modules = modules_after("lint", "nodes.yaml", "flows", cwd=shop)
    assert code == 0
    assert "selinon_core.lint.analysis.schema_files" in modules
    assert not modules & {"jsonschema", "referencing", "selinon_core.schemas.references"}


def test_errors_are_explained_by_modules_that_others_do_not_import(shop: Path) -> None:
    _, modules = modules_after("lint", "nodes.yaml", "flows", cwd=shop)
    assert "selinon_core.config.yaml.syntax_errors" not in modules
    (shop / "nodes.yaml").write_text("tasks: [")
    code, modules = modules_after("lint", "nodes.yaml", "flows", cwd=shop)
    assert code == 1
    assert "selinon_core.config.yaml.syntax_errors" in modules


def test_a_plan_is_made_without_the_rules_that_only_lint_runs(shop: Path) -> None:
    code, modules = modules_after("graph", "--format", "mermaid", "nodes.yaml", "flows", cwd=shop)
    assert code == 0
    rules = "selinon_core.lint.rules"
    assert f"{rules}.graph" in modules
    assert not modules & {f"{rules}.code", f"{rules}.migration", f"{rules}.style", f"{rules}.yaml"}


def own(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] in ("selinon", "selinon_cli", "selinon_core")}


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (("lint", "nodes.yaml", "flows"), 186),
        (("graph", "--format", "mermaid", "nodes.yaml", "flows"), 177),
        (("run", "--local", "--mock-tasks", "--flow", "order", "nodes.yaml", "flows"), 270),
        (("--help",), 74),
    ],
)
def test_the_number_of_own_modules_does_not_creep(shop: Path, words: tuple[str, ...], most: int) -> None:
    # A rule is a module: a new one may raise the bound of lint. Whatever else does is imported where it is needed.
    _, modules = modules_after(*words, cwd=shop)
    assert len(own(modules)) <= most


def test_rules_are_imported_where_a_project_has_something_for_them(shop: Path) -> None:
    folders = ("expressions", "fallbacks", "migration", "operating")
    rules = {f"selinon_core.lint.rules.{folder}" for folder in folders}
    words = ("lint", "nodes.yaml", "flows")
    assert modules_after(*words, cwd=shop)[1] & rules == {"selinon_core.lint.rules.fallbacks"}
    flows = shop / "flows" / "order.yaml"
    flows.write_text(flows.read_text().partition("    failures:")[0])
    assert not modules_after(*words, cwd=shop)[1] & rules


def test_user_code_is_not_imported_by_lint(shop: Path) -> None:
    _, modules = modules_after("lint", cwd=shop)
    assert "shop" not in modules


def test_help_imports_no_command_s_back_end(shop: Path) -> None:
    code, modules = modules_after("--help", cwd=shop)
    assert code == 0
    assert "typer" in modules
    assert not modules & {"celery", "sqlalchemy", "redis", "graphviz", "watchdog", "jsonschema", "yaml", "socket"}
