"""What is written twice: keys that are equal when two definitions mean the same, whatever their layout."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from selinon_core.config.model import (
    BrokenDef,
    CacheDef,
    ConditionDef,
    EdgeDef,
    ExpressionDef,
    FailureDef,
    FlowDef,
    ForeachDef,
    ForeachItemsDef,
    ImportDef,
    LeafDef,
    NameRef,
    Names,
    NotDef,
    OrDef,
    SamplingDef,
    SchemaDef,
    SelectiveDef,
    TemplateDef,
    TestDef,
    TextDef,
)


def condition_key(condition: ConditionDef | None) -> Hashable:
    """Equal for conditions that are written alike; broken ones are like nothing else."""
    if condition is None:
        return None
    if isinstance(condition, LeafDef):
        if condition.args is None or condition.node_broken:
            return ("broken", id(condition))
        args = repr(sorted(condition.args.items(), key=lambda item: str(item[0])))
        return ("leaf", condition.name.name, _names(condition.node), args, condition.quantifier)
    if isinstance(condition, TestDef):
        return ("expression", condition.text)
    if isinstance(condition, NotDef):
        return ("not", condition_key(condition.operand))
    if isinstance(condition, BrokenDef):
        return ("broken", id(condition))
    kind = "or" if isinstance(condition, OrDef) else "and"
    return (kind, *[condition_key(operand) for operand in condition.operands])


def edge_key(edge: EdgeDef) -> Hashable:
    """Equal for edges with the same sources, condition, foreach, selective and args, wherever they lead to."""
    sources = None if edge.sources is None else tuple(sorted(ref.name for ref in edge.sources))
    return (
        sources,
        condition_key(edge.condition),
        _foreach(edge.foreach),
        _selective(edge.selective),
        _template(edge.args),
    )


def failure_key(failure: FailureDef) -> Hashable:
    """Equal for fallbacks of the same nodes under the same condition."""
    nodes = None if failure.nodes is None else frozenset(ref.name for ref in failure.nodes)
    return (nodes, condition_key(failure.condition))


def flow_key(flow: FlowDef) -> Hashable:
    """Equal for flows with the same edges, failures and flags; name, queue and layout do not count."""
    edges = tuple([(edge_key(edge), _names(edge.destinations)) for edge in flow.edges])
    failures = tuple(
        [(failure_key(f), _names(f.fallback), f.fallback_true, f.propagate_failure) for f in flow.failures]
    )
    return (
        edges,
        failures,
        flow.max_retry,
        flow.retry_countdown,
        flow.timeout,
        flow.throttling,
        flow.node_args_from_first,
        frozenset(ref.name for ref in flow.nowait),
        _some(flow.eager_failures),
        _some(flow.propagate_node_args),
        _some(flow.propagate_parent),
        _some(flow.propagate_finished),
        _some(flow.propagate_compound_finished),
        _some(flow.propagate_failures),
        _some(flow.propagate_compound_failures),
        _some(flow.propagate_parent_failures),
        _sampling(flow.sampling),
        _cache(flow.cache),
        _template(flow.output),
        _template(flow.labels),
        repr(sorted((flow.keep or {}).items())),
        None if flow.lane is None else flow.lane.name,
        flow.expires,
        None if flow.limit is None else (_template(flow.limit.key), flow.limit.max, flow.limit.when_full),
        tuple(_template(failure.args) for failure in flow.failures),
        _schema(flow.input_schema),
        _schema(flow.output_schema),
        repr(sorted(flow.vars.items())),
    )


def _names(refs: tuple[NameRef, ...] | None) -> tuple[str, ...] | None:
    return None if refs is None else tuple([ref.name for ref in refs])


def _some(names: Names) -> Hashable:
    return (names.everything, frozenset(ref.name for ref in names.refs))


def _function(function: ImportDef | None) -> Hashable:
    return None if function is None else (function.module.name, function.name.name)


def _foreach(foreach: ForeachDef | ForeachItemsDef | None) -> Hashable:
    if isinstance(foreach, ForeachItemsDef):
        if foreach.expression is None:
            return ("broken", id(foreach))
        return ("items", foreach.expression.text, None if foreach.item_name is None else foreach.item_name.name)
    return None if foreach is None else (_function(foreach.function), foreach.propagate_result)


def _selective(selective: SelectiveDef | None) -> Hashable:
    if selective is None:
        return None
    return (_names(selective.tasks), selective.follow_subflows, _some(selective.run_subsequent))


def _template(template: TemplateDef | None) -> Hashable:
    return None if template is None else repr(_written(template.value))


def _written(part: Any) -> Any:
    """A part of a template with its expressions as texts."""
    if isinstance(part, ExpressionDef):
        return ("expression", part.text)
    if isinstance(part, TextDef):
        return ("text", [_written(piece) for piece in part.parts])
    if isinstance(part, dict):
        return [(key, _written(value)) for key, value in sorted(part.items())]
    return [_written(item) for item in part] if isinstance(part, list) else part


def _schema(schema: NameRef | SchemaDef | None) -> Hashable:
    return repr(schema.data) if isinstance(schema, SchemaDef) else None if schema is None else schema.name


def _sampling(sampling: SamplingDef | None) -> Hashable:
    return None if sampling is None else (_function(sampling.function), repr(sampling.args))


def _cache(cache: CacheDef | None) -> Hashable:
    return None if cache is None else (_function(cache.function), repr(cache.configuration))
