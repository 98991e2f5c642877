"""Every place where a project names user code, with what is expected there."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from selinon_core.config.model import ImportDef, NameRef, ProjectModel
from selinon_core.lint.analysis.uses import cache_uses
from selinon_core.plan import shipped


class Role(Enum):
    """What a name is used as, in words."""

    TASK = "task class"
    STORAGE = "storage class"
    CACHE = "cache class"
    FOREACH = "foreach function"
    SELECTIVE = "selective run function"
    STRATEGY = "sampling strategy"
    TRACE = "trace function"
    NOTIFY = "notify function"


CLASSES = frozenset({Role.TASK, Role.STORAGE, Role.CACHE})


class CodeUse:
    """A name in a module, and what it is used as."""

    __slots__ = ("function", "role")

    def __init__(self, function: ImportDef, role: Role) -> None:
        self.function = function
        self.role = role


def code_uses(model: ProjectModel) -> Iterator[CodeUse]:
    """Yield the classes and functions named, each once per role, at its first place. Predicates, and what is
    looked up among the shipped strategies and caches, are not among them: they have rules of their own.
    """
    seen: set[tuple[str, str, Role]] = set()
    for function, role in _all(model):
        if function is None or function.module.name in (*shipped.STRATEGY_MODULES, *shipped.CACHE_MODULES):
            continue
        key = (function.module.name, function.name.name, role)
        if key not in seen:
            seen.add(key)
            yield CodeUse(function, role)


def modules_named(model: ProjectModel) -> dict[str, list[NameRef]]:
    """Module -> where it is named, in the order of first use."""
    found: dict[str, list[NameRef]] = {}
    for function, _ in _all(model):
        if function is not None and function.module.name:
            found.setdefault(function.module.name, []).append(function.module)
    predicates = model.settings.predicates_module
    if predicates is not None and predicates.name:
        found.setdefault(predicates.name, []).append(predicates)
    return found


def _all(model: ProjectModel) -> Iterator[tuple[ImportDef | None, Role]]:
    for task in model.tasks:
        yield task.function, Role.TASK
        yield task.selective_run_function, Role.SELECTIVE
    for storage in model.storages:
        yield storage.function, Role.STORAGE
    for cache in cache_uses(model):
        yield cache.function, Role.CACHE
    for flow in model.flows:
        if flow.sampling is not None:
            yield flow.sampling.function, Role.STRATEGY
        for edge in flow.edges:
            if edge.foreach is not None:
                yield edge.foreach.function, Role.FOREACH
    for trace in model.settings.trace:
        yield trace.function, Role.TRACE
    for notify in model.settings.notify or ():
        yield notify.function, Role.NOTIFY
