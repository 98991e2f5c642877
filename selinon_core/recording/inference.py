"""Results that a recording does not have, as far as what was made of them says what was in them.

A trace has no results, and a storage may have lost them. Items of a foreach and copied arguments were there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from selinon_core.expressions.names import PathUse
from selinon_core.plan import Expression, Template
from selinon_core.plan.expression_uses import paths_of
from selinon_core.plan.model import ForeachItems
from selinon_core.predicates.values import MISSING, field
from selinon_core.recording.reads import Path, computed_in
from selinon_core.recording.run_data import NodeData, RunData, by_edge, combination
from selinon_core.recording.unknown import UNKNOWN
from selinon_core.runtime.trace.run_records import args_template
from selinon_core.worlds.assembly import assembled


def infer_results(data: RunData) -> None:
    """Give node runs whose result is not known what is known to have been in it."""
    found: dict[str, dict[Path, Any]] = {}
    for id, place, value in (*_iterated(data), *_copied(data)):
        if id in data.by_id and not data.known_result(id):
            found.setdefault(id, {}).setdefault(place, value)
    for id, values in found.items():
        data.by_id[id].result, data.by_id[id].is_inferred = assembled({}, values), True


def _iterated(data: RunData) -> Iterator[tuple[str, Path, Any]]:
    """Lists that a foreach went through: (node run, place in its result, items)."""
    started = by_edge(data.nodes)
    for fact in data.edges():
        foreach, edge = fact.edge.foreach, fact.edge
        if not isinstance(foreach, ForeachItems) or fact.items is None:
            continue
        use = _path_alone(foreach.expression, foreach.item_name)
        if use is None or use.use.kind != "node":
            continue
        nodes = started.get(combination(fact), [])[:: len(edge.destinations)]
        items = [_item_of(node, edge.args, foreach.item_name) for node in nodes]
        if len(items) != fact.items:
            items = list(range(1, fact.items + 1))
        for source in fact.sources:
            if source.name == use.use.name:
                yield source.id, _keys(use), items


def _copied(data: RunData) -> Iterator[tuple[str, Path, Any]]:
    """Parts of results that were put into arguments: (node run, place in its result, value)."""
    for node in data.nodes:
        record = node.record
        template = args_template(record.flow_run.flow, record.run)
        if template is None or node.args is UNKNOWN:
            continue
        for at, expression in computed_in(template.value):
            use, value = _path_alone(expression), field(node.args, list(at))
            if use is None or use.use.kind != "node" or value is MISSING:
                continue
            for source in record.run.sources:
                if source.name == use.use.name:
                    yield source.id, _keys(use), value


def _item_of(node: NodeData, template: Template | None, item_name: str) -> Any:
    """The item of a foreach that a node run was started for, as far as its arguments say."""
    if template is None:
        return node.args
    found: dict[Path, Any] = {}
    for at, expression in computed_in(template.value):
        use, value = _path_alone(expression, item_name), field(node.args, list(at))
        if use is not None and use.use.kind == "item" and value is not MISSING:
            found[_keys(use)] = value
    return assembled({}, found)


def _path_alone(expression: Expression, item_name: str = "item") -> PathUse | None:
    """The path that an expression is; None for one that is more, or has a key that is worked out."""
    uses = paths_of(expression.text, item_name)
    if len(uses) != 1 or uses[0].text != expression.text.strip() or None in uses[0].keys:
        return None
    return uses[0]


def _keys(use: PathUse) -> Path:
    return tuple(key for key in use.keys if key is not None)
