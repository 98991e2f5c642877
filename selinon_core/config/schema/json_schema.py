"""The JSON Schema of the YAML files, for editors; derived from the tables that read them."""

from __future__ import annotations

from typing import Any

from selinon_core.config.schema.common import CACHE
from selinon_core.config.schema.condition import LEAF, Condition
from selinon_core.config.schema.flows import EDGE, FAILURE, FLOW, FOREACH, FOREACH_ITEMS, SAMPLING, SELECTIVE
from selinon_core.config.schema.global_section import GLOBAL, SENTRY, TRACE_ENTRY, TRACE_FUNCTION, TRACE_STORAGE
from selinon_core.config.schema.nodes import SELECTIVE_RUN_FUNCTION, STORAGE, TASK, WAIT
from selinon_core.config.schema.notify import NOTIFY, NOTIFY_FUNCTION
from selinon_core.config.schema.operating import FLOW_LIMIT, LANE, TASK_LIMIT
from selinon_core.config.schema.retries import RETRY
from selinon_core.config.schema.schedules import SCHEDULE
from selinon_core.config.schema.sections import SECTIONS

#: Every mapping of the language, in the order in which readers want to hear of them.
TABLES = (
    TASK,
    WAIT,
    STORAGE,
    FLOW,
    EDGE,
    FAILURE,
    LEAF,
    FOREACH,
    FOREACH_ITEMS,
    SELECTIVE,
    SAMPLING,
    CACHE,
    SELECTIVE_RUN_FUNCTION,
    RETRY,
    FLOW_LIMIT,
    TASK_LIMIT,
    GLOBAL,
    SCHEDULE,
    LANE,
    NOTIFY,
    NOTIFY_FUNCTION,
    TRACE_ENTRY,
    TRACE_FUNCTION,
    TRACE_STORAGE,
    SENTRY,
)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one YAML file; a fresh dictionary at every call."""
    definitions = {table.definition_name: table.definition() for table in TABLES}
    definitions["condition"] = Condition.definition()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:selinon:yaml",
        "title": "selinon",
        "description": "Tasks, storages and flows; the sections may be spread over several files.",
        "type": "object",
        "minProperties": 1,
        "anyOf": [{"required": [section]} for section in SECTIONS],
        "properties": {
            section: {"description": text, "anyOf": [shape.schema(), {"enum": [None, []]}]}
            for section, (shape, text) in SECTIONS.items()
        },
        "$defs": definitions,
    }
