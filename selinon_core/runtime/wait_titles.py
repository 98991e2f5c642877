"""The titles of waits: what people are asked, worked out from the arguments of a node run."""

from __future__ import annotations

import json
import logging
from typing import Any

from selinon_core.dispatch.references import Referring, shown
from selinon_core.errors import SelinonException
from selinon_core.plan import FlowPlan, Plan, TaskPlan
from selinon_core.runtime.redaction import redaction

_log = logging.getLogger("selinon")

#: The most characters of a title.
MAX_TITLE = 500


class WaitTitles:
    """Works out titles; each is bound once. A title never fails a run: one that cannot be worked out is empty."""

    def __init__(self) -> None:
        self._bound: dict[str, Any] = {}

    def of(self, plan: Plan, task: TaskPlan, flow: FlowPlan, flow_id: str, args: Any) -> str:
        """The title of a node run with these arguments; empty when the task has none.

        Values of arguments that ``global.redact`` names are masked, and those that are stored elsewhere are not
        read: a title is shown to all who may list waits.
        """
        if task.wait is None or task.wait.title is None:
            return ""
        value = task.wait.title.value
        if isinstance(value, str):
            return value[:MAX_TITLE]
        from selinon_core.runtime.results import LOCAL
        from selinon_core.runtime.templates import BoundTemplate

        bound = self._bound.get(task.name)
        if bound is None:
            bound = self._bound[task.name] = BoundTemplate(task.wait.title, f"title of {task.name}", "item")
        if isinstance(args, Referring):
            args = shown(args)
        masked = redaction(plan.settings.redact).masked(args)
        try:
            found = bound.value(_scope(plan, flow, flow_id, masked), LOCAL)
        except SelinonException as error:
            _log.warning("the title of %s cannot be worked out: %s", task.name, error)
            return ""
        text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
        return text.replace("\x00", "").encode("utf-8", "replace").decode()[:MAX_TITLE]


class _NoResults:
    """A title reads no results: the task may wait in several flows."""

    storages: Any = None

    def decoded(self, args: Any) -> Any:
        """Arguments as they are."""
        return args


def _scope(plan: Plan, flow: FlowPlan, flow_id: str, args: Any) -> Any:
    from selinon_core.runtime.results import Asking
    from selinon_core.runtime.scope import Scope

    reader: Any = _NoResults()
    return Scope(Asking(flow, flow_id, 1, {}), reader, plan.settings.environment, (), args)
