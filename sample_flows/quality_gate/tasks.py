"""Looks for functions without a docstring in the modules below ``source/``."""

from __future__ import annotations

import ast
from pathlib import Path

from selinon_core import SelinonTask

SOURCE = Path(__file__).with_name("source")


def modules(storage_pool, node_args):
    """The modules to check: those that ``node_args`` lists, by default all."""
    return node_args or sorted(file.name for file in SOURCE.glob("*.py"))


class CheckModule(SelinonTask):
    def run(self, module):
        tree = ast.parse((SOURCE / module).read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        bare = [function.name for function in functions if not ast.get_docstring(function)]
        return {"module": module, "functions": len(functions), "undocumented": bare}


class Release(SelinonTask):
    def run(self, node_args):
        return "released"


class AskForReview(SelinonTask):
    def run(self, node_args):
        runs = range(len(self.parent["checks"]["CheckModule"]))
        reports = [self.parent_flow_result("checks", "CheckModule", run) for run in runs]
        return {report["module"]: report["undocumented"] for report in reports if report["undocumented"]}
