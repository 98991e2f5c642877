"""Model to plan: defaults filled in, ``true`` spelled out, places kept. Pure; says nothing about mistakes.

Only a model without errors can be compiled. The model's data goes into the plan as it is; neither is changed
later.
"""

from __future__ import annotations

from typing import Any

from selinon_core.config.model import (
    AndDef,
    CacheDef,
    ConditionDef,
    EdgeDef,
    ExpressionDef,
    FailureDef,
    FlowDef,
    ForeachDef,
    ForeachItemsDef,
    GlobalDef,
    ImportDef,
    LeafDef,
    LimitDef,
    NameRef,
    Names,
    NotDef,
    NotifyDef,
    OrDef,
    ProjectModel,
    RetryDef,
    ScheduleDef,
    SchemaDef,
    StorageDef,
    TaskDef,
    TaskLimitDef,
    TemplateDef,
    TestDef,
    TextDef,
    WaitDef,
)
from selinon_core.config.read_context import BROKEN
from selinon_core.plan import (
    And,
    CachePlan,
    Computed,
    ComputedText,
    Condition,
    EdgePlan,
    Expression,
    FailurePlan,
    FlowLimit,
    FlowPlan,
    Foreach,
    ForeachItems,
    ImportRef,
    LanePlan,
    Leaf,
    Not,
    NotifyPlan,
    Or,
    Plan,
    RetryPolicy,
    SchedulePlan,
    Schema,
    Selective,
    Settings,
    StoragePlan,
    Strategy,
    TaskLimit,
    TaskPlan,
    Template,
    Test,
    Wait,
)

DEFAULT_QUEUE = "celery"
DEFAULT_PREDICATES = "selinon_core.predicates"
DEFAULT_SAMPLING = "biexponential_increase"
DEFAULT_SAMPLING_ARGS = {"start_retry": 2, "max_retry": 120}
#: What ``args`` call an item of a foreach.
ITEM = "item"
DEFAULT_TIMEZONE = "UTC"
DEFAULT_STRATEGIES = "selinon_core.strategies"
#: Where shipped caches live; one that is configured by name only caches nothing.
SHIPPED_CACHES = ("selinon_core.caches", "selinon.caches")


def compile_model(model: ProjectModel) -> Plan:
    """The plan of a model without errors.

    Raises ``ValueError`` when a part is broken or names something unknown; a diagnostic has reported that before.
    """
    _check_references(model)
    settings = model.settings
    task_queue = _text(settings.default_task_queue) or DEFAULT_QUEUE
    flow_queue = _text(settings.default_dispatcher_queue) or DEFAULT_QUEUE
    predicates = _text(settings.predicates_module) or DEFAULT_PREDICATES
    return Plan(
        {task.name.name: _task(task, task_queue) for task in model.tasks},
        {flow.name.name: _flow(flow, flow_queue, predicates, model) for flow in model.flows},
        {storage.name.name: _storage(storage) for storage in model.storages},
        _settings(settings),
    )


def _check_references(model: ProjectModel) -> None:
    """Errors may have been silenced; a plan that names what does not exist would fail in the middle of a run."""
    nodes = model.task_by_name.keys() | model.flow_by_name.keys()
    if model.incomplete or len(nodes) < len(model.tasks) + len(model.flows):
        raise ValueError("a model with errors cannot be compiled")
    for flow in model.flows:
        if flow.edges_broken or flow.failures_broken or not flow.edges:
            raise ValueError(f"flow {flow.name.name} is not complete")
        groups = [group for edge in flow.edges for group in (edge.sources, edge.destinations)]
        groups += [group for failure in flow.failures for group in (failure.nodes, failure.fallback)]
        for group in (*groups, flow.nowait):
            if not nodes >= set(_names(group)):
                raise ValueError(f"flow {flow.name.name} names an unknown node")
    schedules = model.settings.schedules
    if schedules is None or len({_text(each.name) for each in schedules}) < len(schedules):
        raise ValueError("the schedules are not complete")
    if any(each.args is BROKEN or _text(each.flow) not in model.flow_by_name for each in schedules):
        raise ValueError("a schedule names an unknown flow")
    lanes = model.settings.lanes
    named = {_text(flow.lane) for flow in model.flows} | {_text(each.lane) for each in schedules}
    if lanes is None or named - {None, *lanes}:
        raise ValueError("the lanes are not complete")
    notify = model.settings.notify
    if notify is None or not all(each.whole for each in notify):
        raise ValueError("the notifications are not complete")
    if model.settings.links is None:
        raise ValueError("the links are not complete")
    if any(flow.name not in model.flow_by_name for each in notify for flow in each.flows):
        raise ValueError("a notification names an unknown flow")
    for task in model.tasks:
        if task.storage is not None and task.storage.name not in model.storage_by_name:
            raise ValueError(f"task {task.name.name} names an unknown storage")


def _text(ref: NameRef | None) -> str | None:
    return None if ref is None else ref.name or None


def _import(function: ImportDef | None) -> ImportRef:
    if function is None:
        raise ValueError("a model with errors cannot be compiled")
    return ImportRef(function.module.name, function.name.name)


def _names(refs: tuple[NameRef, ...] | None) -> tuple[str, ...]:
    if refs is None:
        raise ValueError("a model with errors cannot be compiled")
    return tuple(ref.name for ref in refs)


def _settings(settings: GlobalDef) -> Settings:
    lanes = settings.lanes or {}
    sinks = tuple({name: value} for entry in settings.trace for name, value in entry.sinks.items())
    return Settings(
        _text(settings.migration_dir),
        sinks,
        settings.on_unreached or "warn",
        settings.on_graph_change or "fail",
        settings.env,
        settings.typed_tasks,
        settings.redact,
        tuple(_schedule(schedule) for schedule in settings.schedules or ()),
        tuple(_notify(notify) for notify in settings.notify or ()),
        {name: LanePlan(lane.priority, _text(lane.queue_suffix) or "") for name, lane in lanes.items()},
        {name: ref.name for name, ref in (settings.links or {}).items()},
    )


def _notify(notify: NotifyDef) -> NotifyPlan:
    return NotifyPlan(
        tuple(dict.fromkeys(notify.on)),
        _names(notify.flows),
        _text(notify.webhook),
        _text(notify.secret),
        None if notify.function is None else _import(notify.function),
        notify.after,
        notify.location.place,
    )


def _schedule(schedule: ScheduleDef) -> SchedulePlan:
    name, flow, cron = _text(schedule.name), _text(schedule.flow), _text(schedule.cron)
    if name is None or flow is None or cron is None:
        raise ValueError("a model with errors cannot be compiled")
    return SchedulePlan(
        name,
        flow,
        " ".join(cron.split()),
        _text(schedule.timezone) or DEFAULT_TIMEZONE,
        schedule.args,
        schedule.overlap,
        schedule.catch_up,
        schedule.jitter,
        schedule.location.place,
        _text(schedule.lane),
    )


def _task(task: TaskDef, default_queue: str) -> TaskPlan:
    name = task.name.name
    selective = task.selective_run_function
    return TaskPlan(
        name=name,
        function=_import(task.function) if task.wait is None else None,
        max_retry=task.max_retry,
        retry_countdown=task.retry_countdown,
        timeout=task.timeout,
        throttling=task.throttling,
        output_schema=_schema(task.output_schema),
        storage=_text(task.storage),
        storage_readonly=task.storage_readonly,
        storage_task_name=task.storage_task_name or name,
        selective_run_function=None if selective is None else _import(selective),
        queue=_text(task.queue) or default_queue,
        place=task.name.location.place,
        input_schema=_schema(task.input_schema),
        wait=_wait(task.wait),
        retry=None if task.retry is None else _retry(task.retry),
        tags=tuple(dict.fromkeys(task.tags)),
        limit=_task_limit(task.limit),
    )


def _task_limit(limit: TaskLimitDef | None) -> TaskLimit | None:
    if limit is None:
        return None
    key = _template(limit.key)
    if key is None or not limit.max:
        raise ValueError("a model with errors cannot be compiled")
    return TaskLimit(key, limit.max)


def _limit(limit: LimitDef | None) -> FlowLimit | None:
    if limit is None:
        return None
    key = _template(limit.key)
    if key is None or not limit.max:
        raise ValueError("a model with errors cannot be compiled")
    return FlowLimit(key, limit.max, limit.when_full)


def _wait(wait: WaitDef | None) -> Wait | None:
    return None if wait is None else Wait(_template(wait.title), wait.timeout)


def _retry(retry: RetryDef) -> RetryPolicy | None:
    policy = RetryPolicy(
        retry.factor, retry.max_wait, retry.jitter, tuple(_names(retry.only)), tuple(_names(retry.never))
    )
    return None if policy == RetryPolicy() else policy


def _storage(storage: StorageDef) -> StoragePlan:
    return StoragePlan(
        storage.name.name,
        _import(storage.function),
        storage.configuration,
        _cache(storage.cache),
        storage.name.location.place,
    )


def _cache(cache: CacheDef | None) -> CachePlan | None:
    if cache is None:
        return None
    function = _import(cache.function)
    configuration = cache.configuration
    if not configuration and function.module in SHIPPED_CACHES:
        configuration = {"max_cache_size": 0}
    return CachePlan(function, configuration)


def _flow(flow: FlowDef, default_queue: str, predicates: str, model: ProjectModel) -> FlowPlan:
    started = dict.fromkeys(
        name
        for group in (*(edge.destinations for edge in flow.edges), *(f.fallback for f in flow.failures))
        for name in _names(group)
    )
    subflows = [name for name in started if name in model.flow_by_name]
    nowait = frozenset(_names(flow.nowait))

    def spelled_out(names: Names) -> frozenset[str]:
        return frozenset(subflows if names.everything else _names(names.refs))

    eager = flow.eager_failures
    sampling, args = ImportRef(DEFAULT_STRATEGIES, DEFAULT_SAMPLING), DEFAULT_SAMPLING_ARGS
    if flow.sampling is not None:
        sampling = _import(flow.sampling.function)
        given = flow.sampling.args
        args = given if given is not None else DEFAULT_SAMPLING_ARGS if sampling.name == DEFAULT_SAMPLING else {}
    return FlowPlan(
        name=flow.name.name,
        edges=tuple(_edge(edge, predicates) for edge in flow.edges),
        failures=tuple(_failure(failure, predicates) for failure in flow.failures),
        queue=_text(flow.queue) or default_queue,
        max_retry=flow.max_retry,
        retry_countdown=flow.retry_countdown,
        timeout=flow.timeout,
        throttling=flow.throttling,
        nowait=nowait,
        eager_failures=frozenset(started) - nowait if eager.everything else frozenset(_names(eager.refs)),
        node_args_from_first=flow.node_args_from_first,
        propagate_node_args=spelled_out(flow.propagate_node_args),
        propagate_parent=spelled_out(flow.propagate_parent),
        propagate_finished=spelled_out(flow.propagate_finished),
        propagate_compound_finished=spelled_out(flow.propagate_compound_finished),
        propagate_failures=spelled_out(flow.propagate_failures),
        propagate_compound_failures=spelled_out(flow.propagate_compound_failures),
        propagate_parent_failures=spelled_out(flow.propagate_parent_failures),
        sampling=Strategy(sampling, args),
        cache=_cache(flow.cache),
        place=flow.name.location.place,
        input_schema=_schema(flow.input_schema),
        output=_template(flow.output),
        output_schema=_schema(flow.output_schema),
        labels=_template(flow.labels),
        keep=flow.keep,
        limit=_limit(flow.limit),
        lane=_text(flow.lane),
        expires=flow.expires,
        tags=tuple(dict.fromkeys(flow.tags)),
        constants={**model.settings.vars, **flow.vars},
    )


def _edge(edge: EdgeDef, predicates: str) -> EdgePlan:
    sources = _names(edge.sources)
    foreach = selective = None
    if edge.foreach is not None:
        foreach = _foreach(edge.foreach)
    if edge.selective is not None:
        subsequent = edge.selective.run_subsequent
        selective = Selective(
            _names(edge.selective.tasks),
            edge.selective.follow_subflows,
            _names(subsequent.refs) or subsequent.everything,
        )
    return EdgePlan(
        index=edge.index,
        sources=sources,
        destinations=_names(edge.destinations),
        condition=_condition(edge.condition, sources, predicates),
        foreach=foreach,
        selective=selective,
        name=edge.name,
        place=edge.location.place,
        args=_template(edge.args),
    )


def _foreach(foreach: ForeachDef | ForeachItemsDef) -> Foreach | ForeachItems:
    place = foreach.location.place
    if isinstance(foreach, ForeachDef):
        return Foreach(_import(foreach.function), foreach.propagate_result, place)
    if foreach.expression is None:
        raise ValueError("a model with errors cannot be compiled")
    return ForeachItems(_expression(foreach.expression), _text(foreach.item_name) or ITEM, place)


def _expression(expression: ExpressionDef) -> Expression:
    return Expression(expression.text, expression.location.place)


def _template(template: TemplateDef | None) -> Template | None:
    return None if template is None else Template(_part(template.value), template.location.place)


def _part(part: Any) -> Any:
    if isinstance(part, ExpressionDef):
        return Computed(_expression(part))
    if isinstance(part, TextDef):
        pieces = (_expression(piece) if isinstance(piece, ExpressionDef) else piece for piece in part.parts)
        return ComputedText(tuple(pieces))
    if isinstance(part, dict):
        return {key: _part(value) for key, value in part.items()}
    return [_part(item) for item in part] if isinstance(part, list) else part


def _schema(schema: NameRef | SchemaDef | None) -> Schema | None:
    return schema.data if isinstance(schema, SchemaDef) else _text(schema)


def _failure(failure: FailureDef, predicates: str) -> FailurePlan:
    return FailurePlan(
        index=failure.index,
        nodes=tuple(sorted(set(_names(failure.nodes)))),
        fallback=_names(failure.fallback),
        condition=_condition(failure.condition, (), predicates),
        propagate_failure=failure.propagate_failure,
        place=failure.location.place,
        args=_template(failure.args),
    )


def _condition(condition: ConditionDef | None, sources: tuple[str, ...], predicates: str) -> Condition | None:
    return None if condition is None else _tree(condition, sources, predicates)


def _tree(condition: ConditionDef, sources: tuple[str, ...], predicates: str) -> Condition:
    if isinstance(condition, LeafDef):
        node: tuple[str, ...] | None = sources if len(sources) == 1 else None
        if condition.node is not None:
            node = _names(condition.node)
        if condition.args is None or condition.node_broken:
            raise ValueError("a model with errors cannot be compiled")
        function = ImportRef(predicates, condition.name.name)
        return Leaf(function, node, condition.args, condition.quantifier, condition.name.location.place)
    if isinstance(condition, TestDef):
        return Test(Expression(condition.text, condition.location.place))
    if isinstance(condition, NotDef):
        return Not(_tree(condition.operand, sources, predicates))
    if isinstance(condition, AndDef | OrDef):
        operands = tuple(_tree(operand, sources, predicates) for operand in condition.operands)
        return And(operands) if isinstance(condition, AndDef) else Or(operands)
    raise ValueError("a model with errors cannot be compiled")


__all__ = ["compile_model"]
