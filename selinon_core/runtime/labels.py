"""The labels of a flow run: short texts by which it is found, worked out when it begins.

A label never fails a run. One that cannot be worked out is left out, and so is a value other than a text, a number
or a boolean.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from selinon_core.errors import SelinonException
from selinon_core.plan import FlowPlan
from selinon_core.plan.model import Template
from selinon_core.runtime.results import Limits
from selinon_core.runtime.scope import Scope
from selinon_core.runtime.templates import BoundTemplate

_log = logging.getLogger("selinon")

#: The most labels of a run, and the most characters of a name and of a value.
MAX_LABELS = 8
MAX_LENGTH = 128


class Labels:
    """Works out the labels of the flows of one plan; each flow's are bound once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bound: dict[str, list[tuple[str, BoundTemplate]]] = {}

    def of(self, flow: FlowPlan, scope: Scope) -> dict[str, str]:
        """The labels of a run that begins; ``scope`` has its arguments and no node runs."""
        if flow.labels is None:
            return {}
        bound = self._bound.get(flow.name)
        if bound is None:
            bound = self._bound[flow.name] = _bound(flow.labels)
        found: dict[str, str] = {}
        for name, template in bound:
            try:
                value = _text(template.value(scope, self._limits))
            except SelinonException as error:
                _log.warning("flow %s: label %s is left out: %s", flow.name, name, error)
                continue
            if value:
                found[name] = value
        return found


def _bound(labels: Template) -> list[tuple[str, BoundTemplate]]:
    if not isinstance(labels.value, dict):
        return []
    return [
        (name[:MAX_LENGTH], BoundTemplate(Template(part, labels.place), f"labels.{name}", "item"))
        for name, part in list(labels.value.items())[:MAX_LABELS]
    ]


def _text(value: Any) -> str:
    """A value as a label has it; empty for one that is none."""
    if isinstance(value, bool | int | float):
        value = json.dumps(value)
    if not isinstance(value, str):
        return ""
    return value.replace("\x00", "").encode("utf-8", "replace").decode()[:MAX_LENGTH].strip()
