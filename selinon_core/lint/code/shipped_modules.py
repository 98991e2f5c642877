"""Modules of ours that projects name in nearly every file: their classes by heart, so that they need no parsing.

A name that is not here is looked up in the source like any other. Tests hold the table against the modules.
"""

from __future__ import annotations

from selinon_core.plan import shipped

#: Classes of ``selinon_core.storages.<module>``; ``selinon.storages.<module>`` has them too.
STORAGES: dict[str, tuple[str, ...]] = {
    "filesystem": ("Filesystem",),
    "memory": ("InMemoryStorage",),
    "mongodb": ("MongoDB",),
    "redis": ("Redis",),
    "s3": ("S3",),
    "sql": ("SqlStorage",),
}

CLASSES: dict[str, tuple[str, ...]] = {
    "selinon.storages.postgresql": ("PostgreSQL",),
    **{f"selinon.storages.{module}": classes for module, classes in STORAGES.items()},
    **{f"selinon_core.storages.{module}": classes for module, classes in STORAGES.items()},
    **{module: tuple(shipped.CACHES) for module in shipped.CACHE_MODULES},
}

FUNCTIONS: dict[str, tuple[str, ...]] = {
    "selinon.routines": ("always_run",),
    "selinon_core.routines": ("always_run",),
    **{module: tuple(shipped.PREDICATES) for module in shipped.PREDICATE_MODULES},
    **{module: tuple(shipped.STRATEGIES) for module in shipped.STRATEGY_MODULES},
}

#: Where the base class of tasks may be imported from.
TASK_BASE_MODULES = ("selinon", "selinon_core", "selinon.selinon_task", "selinon.task", "selinon_core.task")

#: Base classes, by module, that certainly have no ``run`` of their own to call.
PLAIN_BASES = frozenset(
    {
        *((module, "SelinonTask") for module in TASK_BASE_MODULES),
        ("abc", "ABC"),
        ("typing", "Generic"),
        ("typing", "Protocol"),
        ("enum", "Enum"),
    }
)
