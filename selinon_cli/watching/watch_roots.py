"""What to watch for a project: the places its YAML files, settings and modules can be read from."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selinon_cli.watching.file_snapshot import WatchRoots
from selinon_core.config.pyproject import ProjectSettings, project_settings
from selinon_core.config.yaml.files import PathError, nodes_file_for

if TYPE_CHECKING:
    from selinon_core.plan import FlowPlan, Plan, TaskPlan
    from selinon_core.project import Project

_ROOT_FILES = ("pyproject.toml", ".git")


def watch_roots(paths: Sequence[str], pythonpath: Sequence[str] = ()) -> WatchRoots:
    """What to watch for these paths, whether or not there is a project yet.

    The working directory is on the path of modules without being part of the project: of a directory that is not,
    only the modules right in it matter (it may be the user's home).
    """
    begin = (paths[0] if os.path.isdir(paths[0]) else os.path.dirname(paths[0]) or ".") if paths else "."
    try:
        settings = project_settings(begin)
    except PathError:  # the check of every rebuild reports it
        settings = ProjectSettings(os.path.abspath(begin))
    deep = [path for path in paths if os.path.isdir(path)]
    shallow = [os.getcwd(), *(os.path.dirname(os.path.abspath(path)) for path in paths if path not in deep)]
    marked = any(os.path.exists(os.path.join(settings.root, name)) for name in _ROOT_FILES)
    (deep if marked or not paths else shallow).append(settings.root)
    deep += [path for path in _modules_from(settings, pythonpath) if os.path.isdir(path)]
    files = [path for path in paths if path not in deep]
    nodes = nodes_file_for(begin)
    if nodes is not None:
        files.append(nodes.path)
    return WatchRoots(tuple(deep), tuple(shallow), tuple(files))


def _modules_from(settings: ProjectSettings, pythonpath: Sequence[str]) -> Iterator[str]:
    yield from pythonpath
    for path in settings.pythonpath:
        yield os.path.join(settings.root, path)


def files_of(project: Project) -> list[str]:
    """The files, wherever they are, that the check of a project and a run of it read."""
    found = {os.path.abspath(name) for name in project.files if not name.startswith("<")}
    if project.plan is not None:
        found.update(_schemas(project.plan))
        for module in set(_modules(project.plan)):
            found.update(_sources(module, project.pythonpath))
    return sorted(found)


def files_imported(pythonpath: Sequence[str]) -> list[str]:
    """The files of the project's modules that this process has imported."""
    roots = tuple(os.path.abspath(path).rstrip(os.sep) + os.sep for path in pythonpath)
    found = set()
    for module in list(sys.modules.values()):
        file = _file_of(module)
        if isinstance(file, str) and file.startswith(roots) and file.endswith(".py"):
            found.add(file)
    return sorted(file for file in found if f"{os.sep}site-packages{os.sep}" not in file)


def _file_of(module: Any) -> Any:
    try:
        return getattr(module, "__file__", None)
    except Exception:  # a lazy module that cannot be loaded
        return None


def _schemas(plan: Plan) -> Iterator[str]:
    """Files that tasks and flows name as schemas, beside the YAML file or in the working directory."""
    nodes: tuple[TaskPlan | FlowPlan, ...] = (*plan.tasks.values(), *plan.flows.values())
    for node in nodes:
        for schema in (node.output_schema, node.input_schema):
            for base in (os.path.dirname(node.place.file), "."):
                path = os.path.join(base, schema) if isinstance(schema, str) else ""
                if path and os.path.isfile(path):
                    yield os.path.abspath(path)


def _modules(value: Any) -> Iterator[str]:
    """The names of all modules that anything in a plan refers to."""
    from selinon_core.plan import ImportRef

    if isinstance(value, ImportRef):
        yield value.module
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _modules(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _modules(item)


def _sources(module: str, pythonpath: Iterable[str]) -> Iterator[str]:
    relative = module.replace(".", os.sep)
    for base in pythonpath:
        for path in (os.path.join(base, relative + ".py"), os.path.join(base, relative, "__init__.py")):
            if os.path.isfile(path):
                yield os.path.abspath(path)
