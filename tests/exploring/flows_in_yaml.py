"""Plans for explorations, from the YAML of flow definitions alone: all tasks they name are defined beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selinon_core.exploring import Context, Exploration, Limits, ProjectModel, Summaries
from selinon_core.plan import Plan
from selinon_core.project import compile_project
from selinon_core.schemas.check import ResultSchema

STORAGE = "storages: [{name: Results, import: selinon_core.storages.memory, classname: InMemoryStorage}]\n"


def plan_of(directory: Path, flows: str, tasks: str, **more: str) -> Plan:
    """A plan of ``flows`` (the list under ``flow-definitions``) and ``tasks`` (names with spaces between).

    ``more``: keys of the YAML definition of one task, by its name.
    """
    lines = [
        f"  - {{name: {name}, import: tasks, storage: Results{more.get(name, '')}}}\n" for name in tasks.split()
    ]
    text = f"tasks:\n{''.join(lines)}{STORAGE}flow-definitions:\n{flows}"
    path = directory / "nodes.yaml"
    path.write_text(text)
    project = compile_project([str(path)])
    assert project.plan is not None, [found.message for found in project.diagnostics]
    return project.plan


def summaries_of(plan: Plan, directory: Path, **limits: Any) -> Summaries:
    """Explorations of a plan whose schemas are in ``directory``."""
    return Summaries(ProjectModel(plan, lambda task: ResultSchema.of_task(task, str(directory))), Limits(**limits))


def explored(directory: Path, flows: str, tasks: str, flow: str = "main", **limits: Any) -> Exploration:
    """Explore a flow given as YAML."""
    plan = plan_of(directory, flows, tasks)
    return summaries_of(plan, directory, **limits).explore(Context(flow))


def shown(exploration: Exploration) -> set[tuple[str, str]]:
    """The outcomes as (status, node runs), the latter as ``A B*2``."""
    return {
        (key.status, " ".join(name if count == 1 else f"{name}*{count}" for name, count in sorted(key.runs)))
        for key in exploration.outcomes
    }
