"""Mistakes in what moves between nodes: lists of foreach, ``args`` of edges and fallbacks, ``output`` of flows."""

from __future__ import annotations

from collections.abc import Iterator

from selinon_core.errors import ConfigurationError
from selinon_core.expressions.schema_types import type_of_schema
from selinon_core.expressions.types import Type
from selinon_core.mutating.expressions import text_mutations
from selinon_core.mutating.mutant import Mutant, edge_mutant, failure_mutant, flow_mutant
from selinon_core.mutating.templates import TypeOf, mutations
from selinon_core.plan import FlowPlan, ForeachItems, Plan
from selinon_core.plan.text_wrap import truncate
from selinon_core.schemas.check import ResultSchema

#: Operators that are for expressions only, wherever they are.
OF_EXPRESSIONS = ("default-drop", "arithmetic")
#: Operators of the expression of a foreach.
OF_LISTS = ("boundary", "constant", "and-or", "operand-drop", "leaf-negate", "quantifier", *OF_EXPRESSIONS)
#: Operators of templates and of the expressions in them.
OF_TEMPLATES = ("template-drop", "template-swap", "template-path", "template-constant", *OF_LISTS)


def foreach_mutants(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    """Mistakes in the lists of edges with a ``foreach``."""
    for edge in flow.edges:
        foreach = edge.foreach
        if not isinstance(foreach, ForeachItems):
            continue
        for operator, key, text in text_mutations(foreach.text):
            changed = foreach._replace(expression=foreach.expression._replace(text=text))
            said = f"goes over {truncate(text, 40)} instead of {truncate(foreach.text, 40)}"
            mutant = edge_mutant(
                plan, flow, edge, operator, f"foreach:{key}", said, edge._replace(foreach=changed)
            )
            yield mutant._replace(place=foreach.expression.place)


def args_mutants(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    """Mistakes in the ``args`` of edges."""
    type_of = types_of(plan, flow)
    for edge in flow.edges:
        if edge.args is not None:
            item = edge.foreach.item_name if isinstance(edge.foreach, ForeachItems) else "item"
            for made in mutations(edge.args, "args", type_of, item):
                changed = edge._replace(args=made.template)
                said = f"gives something else: {made.text}"
                mutant = edge_mutant(plan, flow, edge, made.operator, made.key, said, changed)
                yield mutant._replace(place=made.place)


def fallback_args_mutants(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    """Mistakes in the ``args`` of failures entries."""
    type_of = types_of(plan, flow)
    for entry in flow.failures:
        if entry.args is not None and entry.fallback:
            for made in mutations(entry.args, "args", type_of):
                changed = entry._replace(args=made.template)
                said = f"gives something else: {made.text}"
                mutant = failure_mutant(plan, flow, entry, made.operator, made.key, said, changed)
                yield mutant._replace(place=made.place)


def output_mutants(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    """Mistakes in the ``output`` of the flow."""
    if flow.output is not None:
        for made in mutations(flow.output, "output", types_of(plan, flow)):
            changed = flow._replace(output=made.template)
            mutant = flow_mutant(plan, flow, made.operator, made.key, made.text, changed)
            yield mutant._replace(place=made.place)


def types_of(plan: Plan, flow: FlowPlan) -> TypeOf:
    """The types of results and arguments that schemas say; files that cannot be read say nothing."""
    known: dict[tuple[str, str], Type | None] = {}

    def type_of(kind: str, name: str) -> Type | None:
        if (kind, name) not in known:
            known[kind, name] = _type_of(plan, flow, kind, name)
        return known[kind, name]

    return type_of


def _type_of(plan: Plan, flow: FlowPlan, kind: str, name: str) -> Type | None:
    if kind == "args":
        schema, file = flow.input_schema, flow.place.file
    elif kind in ("node", "last") and (name in plan.tasks or name in plan.flows):
        node = plan.tasks.get(name) or plan.flows[name]
        schema, file = node.output_schema, node.place.file
    else:
        return None
    if schema is None:
        return None
    try:
        return type_of_schema(ResultSchema.written(schema, file).schema)
    except ConfigurationError:
        return None
