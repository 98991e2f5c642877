"""Whose result a predicate call reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from selinon_core.config.model import EdgeDef, LeafDef, ProjectModel, TaskDef
from selinon_core.lint.analysis.predicates import Predicates
from selinon_core.lint.analysis.uses import LeafUse


def results_read(
    uses: Iterable[LeafUse], predicates: Predicates, model: ProjectModel
) -> Iterator[tuple[LeafDef, TaskDef]]:
    """Yield the predicate calls on edges that certainly read the result of one known task, with that task."""
    for use in uses:
        leaf, edge = use.leaf, use.origin
        if not isinstance(edge, EdgeDef) or leaf.node_broken or not edge.sources:
            continue
        if not predicates.takes_message(leaf.name.name):
            continue
        if leaf.node is not None:
            name = leaf.node[-1].name
            if leaf.node[0].name not in {ref.name for ref in edge.sources}:
                continue
        elif len(edge.sources) == 1:
            name = edge.sources[0].name
        else:
            continue
        task = model.task_by_name.get(name)
        if task is not None:
            yield leaf, task
