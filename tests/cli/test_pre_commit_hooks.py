"""The hooks that other repositories use name commands and options that exist."""

from __future__ import annotations

from pathlib import Path

import yaml

from selinon_cli.parse import parse
from selinon_cli.registry import SELINON

HOOKS = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"


def test_every_hook_is_a_command_line_that_parses() -> None:
    hooks = {hook["id"]: hook for hook in yaml.safe_load(HOOKS.read_text())}
    assert set(hooks) == {"selinon-lint", "selinon-migrate-check"}
    for hook in hooks.values():
        program, *words = hook["entry"].split()
        assert program == "selinon"
        assert parse(SELINON, words, {}) is not None
        assert hook["language"] == "python"


def test_the_lint_hook_runs_for_all_files_that_lint_reads() -> None:
    """A class that is renamed in a Python file is a mistake of the flows that name it."""
    (hook,) = [hook for hook in yaml.safe_load(HOOKS.read_text()) if hook["id"] == "selinon-lint"]
    assert set(hook["types_or"]) == {"yaml", "python", "json"}
    assert "types" not in hook
    # Other YAML files of a repository are not reported, as they would be if they were named.
    assert hook["pass_filenames"] is False
