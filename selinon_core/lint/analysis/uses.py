"""Where a project names what it is made of, as flat lists, so that rules do not all walk the same trees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from selinon_core.config.model import (
    CacheDef,
    EdgeDef,
    FailureDef,
    FlowDef,
    LeafDef,
    NameRef,
    ProjectModel,
    StorageDef,
    TaskDef,
    leaves,
)
from selinon_core.diagnostics import Fix, Related, fixes_of
from selinon_core.plan import shipped


class LeafUse:
    """A predicate call; ``origin`` is the edge or the fallback whose condition it belongs to."""

    __slots__ = ("flow", "leaf", "origin")

    def __init__(self, flow: FlowDef, origin: EdgeDef | FailureDef, leaf: LeafDef) -> None:
        self.flow = flow
        self.origin = origin
        self.leaf = leaf


def leaf_uses(model: ProjectModel) -> Iterator[LeafUse]:
    """Yield every predicate call, in the order of the files."""
    for flow in model.flows:
        origins: tuple[EdgeDef | FailureDef, ...] = (*flow.edges, *flow.failures)
        for origin in origins:
            if origin.condition is not None:
                for leaf in leaves(origin.condition):
                    yield LeafUse(flow, origin, leaf)


def cache_uses(model: ProjectModel) -> Iterator[CacheDef]:
    """Yield every cache of storages and flows."""
    owners: tuple[StorageDef | FlowDef, ...] = (*model.storages, *model.flows)
    for owner in owners:
        if owner.cache is not None:
            yield owner.cache


def is_shipped_cache(cache: CacheDef) -> bool:
    """Return whether a cache is looked up among the shipped ones."""
    return cache.function is not None and cache.function.module.name in shipped.CACHE_MODULES


class Repeated(NamedTuple):
    """A definition that repeats a name; ``fixes`` remove it where it says the same as the first one."""

    name: NameRef
    first: Related
    fixes: tuple[Fix, ...]


def repeated_definitions(found: Iterable[TaskDef | FlowDef | StorageDef]) -> Iterator[Repeated]:
    """Every definition whose name was there before."""
    first: dict[str, TaskDef | FlowDef | StorageDef] = {}
    for definition in found:
        name = definition.name.name
        other = first.setdefault(name, definition)
        if other is definition:
            continue
        from selinon_core.lint.analysis.same_definitions import is_same  # there is seldom one

        fixes: tuple[Fix, ...] = ()
        if is_same(other, definition):
            fixes = fixes_of((f'remove the second "{name}"', True, definition.location.removed()))
        yield Repeated(definition.name, Related(other.name.span, f'"{name}" is first defined here'), fixes)


def first_refs(lists: Iterable[tuple[NameRef, ...] | None]) -> dict[str, NameRef]:
    """Name -> where it stands first in some lists of names."""
    found: dict[str, NameRef] = {}
    for refs in lists:
        for ref in refs or ():
            found.setdefault(ref.name, ref)
    return found


def started_in(flow: FlowDef) -> dict[str, NameRef]:
    """Name -> where it stands first, of the nodes that edges and then fallbacks of a flow start."""
    return first_refs(
        (*(edge.destinations for edge in flow.edges), *(failure.fallback for failure in flow.failures))
    )


def nodes_named(flow: FlowDef) -> Iterator[NameRef]:
    """Yield every name of a node in a flow, the nodes of conditions apart."""
    for edge in flow.edges:
        yield from edge.sources or ()
        yield from edge.destinations or ()
        if edge.selective is not None:
            yield from edge.selective.tasks or ()
    for failure in flow.failures:
        yield from failure.nodes or ()
        yield from failure.fallback or ()
    yield from flow.nowait
    yield from flow.eager_failures.refs
