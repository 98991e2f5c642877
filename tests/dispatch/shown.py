"""Effects as values that can be compared. How a run ended is left out: effects hold runs that go on to change."""

from __future__ import annotations

from typing import Any

from selinon_core.dispatch import FlowOutcome, NodeRun
from selinon_core.dispatch import effects as do


def shown(effects: list[do.Effect]) -> list[Any]:
    return [_shown(effect) for effect in effects]


def _shown(value: Any) -> Any:
    if isinstance(value, NodeRun):
        about = (value.number, value.id, value.name, value.is_flow, value.edge, value.args, value.failures)
        return [*about, value.flow_attempt, [run.number for run in value.sources]]
    if isinstance(value, FlowOutcome):
        return value.to_json()
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return [_shown(item) for item in value]
    if isinstance(value, do.Effect):
        return [type(value).__name__, *(_shown(getattr(value, name)) for name in type(value).__slots__)]
    return value
