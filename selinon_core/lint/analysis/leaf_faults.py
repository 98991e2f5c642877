"""Predicate calls that are errors: of rules about names, arguments and results."""

from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef, ProjectModel
from selinon_core.lint.analysis.keywords import mismatch
from selinon_core.lint.analysis.predicates import PROVIDED, Predicates
from selinon_core.lint.analysis.uses import LeafUse, leaf_uses


def faulty_leaves(model: ProjectModel, predicates: Predicates) -> Iterator[LeafUse]:
    """Yield the calls of predicates that do not exist, with arguments that they do not take, or on results that
    are not there.
    """
    return (use for use in leaf_uses(model) if _is_faulty(model, use, predicates))


def _is_faulty(model: ProjectModel, use: LeafUse, predicates: Predicates) -> bool:
    name, args = use.leaf.name.name, use.leaf.args
    if args is None or use.leaf.node_broken or predicates.exists(name) is not True:
        return True
    signature = predicates.signature(name)
    if signature is not None:
        differs = mismatch(args, signature, PROVIDED)
        if differs.unknown or differs.missing:
            return True
    on_result = predicates.takes_message(name) and isinstance(use.origin, EdgeDef)
    return bool(on_result) and not _has_result(model, use)


def _has_result(model: ProjectModel, use: LeafUse) -> bool:
    assert isinstance(use.origin, EdgeDef)
    sources = [ref.name for ref in use.origin.sources or ()]
    node = [ref.name for ref in use.leaf.node] if use.leaf.node is not None else sources
    if not node or node[0] not in sources or (use.leaf.node is None and len(sources) > 1):
        return False
    task = model.task_by_name.get(node[-1])
    return task is None or (task.storage is not None and not task.storage_readonly)
