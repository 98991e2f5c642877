"""From paths to a checked project: read, check, compile."""

from __future__ import annotations

from selinon_core.project.linting import lint_project
from selinon_core.project.loader import (
    Project,
    compile_data,
    compile_project,
    compile_text,
)

__all__ = [
    "Project",
    "compile_data",
    "compile_project",
    "compile_text",
    "lint_project",
]
