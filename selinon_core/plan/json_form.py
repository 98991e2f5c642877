"""Plans as JSON and back: ``plan_from_json(plan_to_json(plan)) == plan``, through ``json.dumps`` as well.

The form is made of mappings, lists, text, numbers, booleans and null. Version 2 has expressions, templates and
schemas in place; a plan without these is written as version 1, and both are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selinon_core.plan.functions import expression_leaves
from selinon_core.plan.json_data import (
    fields,
    place_json,
    read_place,
    read_reference,
    reference_json,
    unwrap,
    wrap,
)
from selinon_core.plan.json_edges import edge_json, failure_json, read_edge, read_failure
from selinon_core.plan.json_expressions import read_schema, read_template, schema_json, template_json, where_json
from selinon_core.plan.model import (
    CachePlan,
    EdgePlan,
    FailurePlan,
    FlowLimit,
    FlowPlan,
    ForeachItems,
    LanePlan,
    NotifyPlan,
    Plan,
    RetryPolicy,
    SchedulePlan,
    Settings,
    StoragePlan,
    Strategy,
    TaskLimit,
    TaskPlan,
    Wait,
)

VERSION = 2


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON data; sets become sorted lists."""
    return {
        "version": _version(plan),
        "tasks": [task_json(task) for task in plan.tasks.values()],
        "flows": [_flow(flow) for flow in plan.flows.values()],
        "storages": [_storage(storage) for storage in plan.storages.values()],
        "settings": _settings(plan.settings),
    }


def plan_from_json(data: Mapping[str, Any]) -> Plan:
    """The plan that ``plan_to_json`` made ``data`` of.

    Raises ``ValueError`` when the data is of another version, ``KeyError`` or ``TypeError`` when it is not a plan.
    """
    if data.get("version") not in (1, VERSION):
        raise ValueError(f"a plan of version {data.get('version')!r} cannot be read, only 1 and {VERSION}")
    tasks = [_read_task(task) for task in data["tasks"]]
    flows = [_read_flow(flow) for flow in data["flows"]]
    storages = [_read_storage(storage) for storage in data["storages"]]
    return Plan(
        {task.name: task for task in tasks},
        {flow.name: flow for flow in flows},
        {storage.name: storage for storage in storages},
        _read_settings(data["settings"]),
    )


# --- there --------------------------------------------------------------------------------------------------

#: The fields that only version 2 has, where they differ from their defaults.
_NEW_IN_FLOWS = (
    "input_schema",
    "output",
    "output_schema",
    "constants",
    "labels",
    "keep",
    "limit",
    "lane",
    "expires",
    "tags",
)
_NEW_IN_SETTINGS = ("environment", "typed_tasks", "redact", "schedules", "notify", "lanes", "links")


def _version(plan: Plan) -> int:
    is_new = (
        any(name in fields(plan.settings) for name in _NEW_IN_SETTINGS)
        or any(
            task.input_schema is not None
            or task.wait is not None
            or task.retry is not None
            or task.tags
            or task.limit is not None
            or isinstance(task.output_schema, Mapping)
            for task in plan.tasks.values()
        )
        or any(_is_new(flow) for flow in plan.flows.values())
    )
    return VERSION if is_new else 1


def _is_new(flow: FlowPlan) -> bool:
    given = fields(flow)
    parts: tuple[EdgePlan | FailurePlan, ...] = (*flow.edges, *flow.failures)
    return (
        any(name in given for name in _NEW_IN_FLOWS)
        or any(isinstance(edge.foreach, ForeachItems) for edge in flow.edges)
        or any(part.args is not None or any(expression_leaves(part.condition)) for part in parts)
    )


def _settings(settings: Settings) -> dict[str, Any]:
    data = {**fields(settings), "trace": [wrap(sink) for sink in settings.trace]}
    if "environment" in data:
        data["environment"] = wrap(settings.environment)
    if "redact" in data:
        data["redact"] = list(settings.redact)
    if "schedules" in data:
        data["schedules"] = [_schedule(schedule) for schedule in settings.schedules]
    if "lanes" in data:
        data["lanes"] = {name: lane._asdict() for name, lane in settings.lanes.items()}
    if "links" in data:
        data["links"] = dict(settings.links)
    if "notify" in data:
        data["notify"] = [_notify(notify) for notify in settings.notify]
    return data


def _schedule(schedule: SchedulePlan) -> dict[str, Any]:
    return {**fields(schedule), "args": wrap(schedule.args), "place": place_json(schedule.place)}


def _notify(notify: NotifyPlan) -> dict[str, Any]:
    function = reference_json(notify.function)
    return {**notify._asdict(), "function": function, "place": place_json(notify.place)}


def _cache(cache: CachePlan | None) -> dict[str, Any] | None:
    if cache is None:
        return None
    return {"function": reference_json(cache.function), "configuration": wrap(cache.configuration)}


def task_json(task: TaskPlan) -> dict[str, Any]:
    """A task."""
    data = fields(task)
    data["function"] = reference_json(task.function)
    data["selective_run_function"] = reference_json(task.selective_run_function)
    data["place"] = place_json(task.place)
    data["output_schema"] = None if task.output_schema is None else schema_json(task.output_schema)
    if task.input_schema is not None:
        data["input_schema"] = schema_json(task.input_schema)
    if task.wait is not None:
        data["wait"] = _wait(task.wait)
    if task.retry is not None:
        data["retry"] = {**fields(task.retry), **_classes(task.retry, list)}
    if task.tags:
        data["tags"] = list(task.tags)
    if task.limit is not None:
        data["limit"] = _limit(task.limit)
    return data


def _wait(wait: Wait) -> dict[str, Any]:
    data = fields(wait)
    if wait.title is not None:
        data["title"] = template_json(wait.title)
        data["title_where"] = where_json(wait.title)
    return data


def _classes(retry: RetryPolicy, kind: Any) -> dict[str, Any]:
    return {name: kind(value) for name in ("only", "never") if (value := getattr(retry, name))}


def _storage(storage: StoragePlan) -> dict[str, Any]:
    return {
        "name": storage.name,
        "function": reference_json(storage.function),
        "configuration": wrap(storage.configuration),
        "cache": _cache(storage.cache),
        "place": place_json(storage.place),
    }


_SETS = (
    "nowait",
    "eager_failures",
    "propagate_node_args",
    "propagate_parent",
    "propagate_finished",
    "propagate_compound_finished",
    "propagate_failures",
    "propagate_compound_failures",
    "propagate_parent_failures",
)


def _flow(flow: FlowPlan) -> dict[str, Any]:
    data = fields(flow)
    data["edges"] = [edge_json(edge) for edge in flow.edges]
    data["failures"] = [failure_json(failure) for failure in flow.failures]
    for name in _SETS:
        data[name] = sorted(data[name])
    data["sampling"] = {"function": reference_json(flow.sampling.function), "args": wrap(flow.sampling.args)}
    data["cache"] = _cache(flow.cache)
    data["place"] = place_json(flow.place)
    for name in ("input_schema", "output_schema", "constants"):
        if name in data:
            data[name] = wrap(data[name])
    if flow.output is not None:
        data["output"] = template_json(flow.output)
        data["output_where"] = where_json(flow.output)
    if flow.labels is not None:
        data["labels"] = template_json(flow.labels)
        data["labels_where"] = where_json(flow.labels)
    if flow.limit is not None:
        data["limit"] = _limit(flow.limit)
    if flow.tags:
        data["tags"] = list(flow.tags)
    return data


def _limit(limit: FlowLimit | TaskLimit) -> dict[str, Any]:
    return {**fields(limit), "key": template_json(limit.key), "key_where": where_json(limit.key)}


# --- and back -----------------------------------------------------------------------------------------------


def _read_settings(data: Mapping[str, Any]) -> Settings:
    settings = dict(data)
    settings["trace"] = tuple(unwrap(sink) for sink in settings["trace"])
    if "environment" in settings:
        settings["environment"] = unwrap(settings["environment"])
    if "redact" in settings:
        settings["redact"] = tuple(settings["redact"])
    if "schedules" in settings:
        settings["schedules"] = tuple(_read_schedule(schedule) for schedule in settings["schedules"])
    if "lanes" in settings:
        settings["lanes"] = {name: LanePlan(**lane) for name, lane in settings["lanes"].items()}
    if "notify" in settings:
        settings["notify"] = tuple(_read_notify(notify) for notify in settings["notify"])
    return Settings(**settings)


def _read_schedule(data: Mapping[str, Any]) -> SchedulePlan:
    return SchedulePlan(**{**data, "args": unwrap(data["args"]), "place": read_place(data["place"])})


def _read_notify(data: Mapping[str, Any]) -> NotifyPlan:
    function = data["function"]
    read = NotifyPlan(**{**data, "place": read_place(data["place"])})
    return read._replace(
        on=tuple(read.on),
        flows=tuple(read.flows),
        function=None if function is None else read_reference(function),
    )


def _read_cache(data: Any) -> CachePlan | None:
    return None if data is None else CachePlan(read_reference(data["function"]), unwrap(data["configuration"]))


def _read_task(data: Mapping[str, Any]) -> TaskPlan:
    selective = data["selective_run_function"]
    schemas = {name: read_schema(data[name]) for name in ("input_schema", "output_schema") if name in data}
    function = data["function"]
    wait = {"wait": _read_wait(data["wait"])} if "wait" in data else {}
    limit = {"limit": TaskLimit(*_read_limit(data["limit"])[:2])} if "limit" in data else {}
    retry = None
    if "retry" in data:
        read = RetryPolicy(**data["retry"])
        retry = read._replace(**_classes(read, tuple))
    return TaskPlan(
        **{
            **data,
            **schemas,
            **({} if retry is None else {"retry": retry}),
            **wait,
            **limit,
            "function": None if function is None else read_reference(function),
            "selective_run_function": None if selective is None else read_reference(selective),
            "place": read_place(data["place"]),
            "tags": tuple(data.get("tags", ())),
        }
    )


def _read_wait(data: Mapping[str, Any]) -> Wait:
    title = read_template(data["title"], data["title_where"]) if "title" in data else None
    return Wait(title, data.get("timeout"))


def _read_storage(data: Mapping[str, Any]) -> StoragePlan:
    return StoragePlan(
        data["name"],
        read_reference(data["function"]),
        unwrap(data["configuration"]),
        _read_cache(data["cache"]),
        read_place(data["place"]),
    )


def _read_limit(data: Mapping[str, Any]) -> FlowLimit:
    others = {name: value for name, value in data.items() if not name.startswith("key")}
    return FlowLimit(read_template(data["key"], data["key_where"]), **others)


def _read_flow(data: Mapping[str, Any]) -> FlowPlan:
    sampling = data["sampling"]
    given = {name: value for name, value in data.items() if not name.endswith("_where")}
    if "labels" in data:
        given["labels"] = read_template(data["labels"], data["labels_where"])
    if "limit" in data:
        given["limit"] = _read_limit(data["limit"])
    if "output" in data:
        given["output"] = read_template(data["output"], data["output_where"])
    return FlowPlan(
        **{
            **given,
            **{
                name: unwrap(data[name]) for name in ("input_schema", "output_schema", "constants") if name in data
            },
            "edges": tuple(read_edge(edge) for edge in data["edges"]),
            "failures": tuple(read_failure(failure) for failure in data["failures"]),
            **{name: frozenset(data[name]) for name in _SETS},
            "sampling": Strategy(read_reference(sampling["function"]), unwrap(sampling["args"])),
            "cache": _read_cache(data["cache"]),
            "place": read_place(data["place"]),
            "tags": tuple(data.get("tags", ())),
        }
    )
