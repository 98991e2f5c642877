"""Flows that are copies of other flows (``like``): what they do not give themselves is that of the other one."""

from __future__ import annotations

from collections.abc import Sequence

from selinon_core.config.model import FlowDef
from selinon_core.config.schema.flows import FLOW
from selinon_core.diagnostics import Related, kinds
from selinon_core.diagnostics.kinds import Collector
from selinon_core.diagnostics.wording import suggestion

#: Keys that a copy never takes over.
_OWN = ("name", "like")


def fill_copies(flows: Sequence[FlowDef], collector: Collector) -> None:
    """Complete the flows that have ``like``; those in a circle, or like an unknown flow, are broken."""
    by_name: dict[str, FlowDef] = {}
    for flow in flows:
        by_name.setdefault(flow.name.name, flow)
    filled: set[int] = set()
    for flow in flows:
        _fill(flow, by_name, filled, [], collector)


def _fill(
    flow: FlowDef, by_name: dict[str, FlowDef], filled: set[int], way: list[FlowDef], collector: Collector
) -> None:
    if id(flow) in filled:
        return
    filled.add(id(flow))
    if flow.like is None:
        return
    base = by_name.get(flow.like.name)
    way = [*way, flow]
    if base is None:
        collector.add(
            kinds.LIKE,
            flow.like.location,
            f'flow "{flow.name.name}" is like "{flow.like.name}", which is not a flow',
            note="no flow has this name",
            help=suggestion(flow.like.name, [name for name in by_name if name != flow.name.name]),
        )
    elif base in way:
        circle = way[way.index(base) :]
        names = " -> ".join(f'"{each.name.name}"' for each in (*circle, base))
        message = f"these flows are like each other: {names}"
        if len(circle) == 1:
            message = f'flow "{flow.name.name}" is like itself'
        collector.add(
            kinds.LIKE,
            flow.like.location,
            message,
            note="one of them has to be written out",
            related=[Related(each.like.span, "and this") for each in circle[:-1] if each.like is not None],
        )
        base = None
    else:
        _fill(base, by_name, filled, way, collector)
    if base is None:
        flow.edges_broken = flow.edges_broken or not flow.edges
        return
    _take_over(flow, base)


def _take_over(flow: FlowDef, base: FlowDef) -> None:
    for name, key in FLOW.keys.items():
        if name in _OWN or flow.given(name):
            continue
        if name in ("edges", "failures"):
            setattr(flow, name, getattr(base, name))
            setattr(flow, f"{name}_broken", getattr(base, f"{name}_broken"))
        else:
            setattr(flow, key.attribute, getattr(base, key.attribute))
    inherited = {name: places for name, places in base.keys.items() if name not in _OWN}
    flow.keys = {**inherited, **flow.keys}
    flow.merged = True
