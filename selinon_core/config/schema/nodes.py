"""The sections ``tasks`` and ``storages``."""

from __future__ import annotations

from typing import Any

from selinon_core.config.model import NameRef, StorageDef, TaskDef, WaitDef
from selinon_core.config.read_context import BROKEN, ReadContext
from selinon_core.config.schema.common import (
    CACHE,
    CLASS_NAME,
    COUNT,
    DURATION,
    FUNCTION_NAME,
    MODULE,
    NAME,
    SECONDS,
    TAGS,
    THROTTLING,
    Function,
    FunctionDef,
    finish_with_rules,
    import_def,
)
from selinon_core.config.schema.data import SCHEMA, SCHEMA_TEXT, TEMPLATE_TEXT
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.operating import TASK_LIMIT
from selinon_core.config.schema.retries import RETRY
from selinon_core.config.schema.types import Flag, JsonValue, PlainText, Text
from selinon_core.diagnostics import fixes_of, kinds

#: What runs when a task has no function of its own for selective runs, and where a nameless one is looked for.
DEFAULT_SELECTIVE_MODULE = "selinon_core.routines"


def _finish_selective(reading: ReadContext, found: FunctionDef, raw: dict[str, Any]) -> bool:
    name = raw.get("name", raw.get("function"))
    default = NameRef("always_run", found.location)
    found.function = import_def(raw.get("import"), name, DEFAULT_SELECTIVE_MODULE, default)
    return True


SELECTIVE_RUN_FUNCTION = MappingType(
    "a selective run function",
    FunctionDef,
    (
        Key("name", FUNCTION_NAME, "the function"),
        Key("function", FUNCTION_NAME, "the function; the same as name"),
        Key("import", MODULE, "the module holding the function"),
    ),
    finish=_finish_selective,
    together=(("name", "function"),),
    empty_is_unset=True,
    text="A function that decides, in a selective run, whether a task runs or an earlier result is reused.",
)


WAIT = MappingType(
    "a wait",
    WaitDef,
    (
        Key(
            "title",
            TEMPLATE_TEXT,
            "what is asked, as people read it; ${args.number} is a value of the task's arguments",
            "title",
        ),
        Key("timeout", DURATION, "seconds after which the task fails without a signal; default: never", "timeout"),
    ),
    finish=finish_with_rules,
    text="A task that runs nothing: it waits for a signal, whose value is its result.",
)


def _finish_task(reading: ReadContext, task: TaskDef, raw: dict[str, Any]) -> bool:
    name = raw.get("name")
    if not isinstance(name, NameRef):
        return False
    has_code = "wait" not in raw  # also a broken one
    task.function = import_def(raw.get("import"), raw.get("classname"), "", name) if has_code else None
    for key in ("queue", "output_schema", "input_schema", "storage"):
        ref = getattr(task, key)
        if isinstance(ref, NameRef) and not ref.name:
            setattr(task, key, None)
    if task.retry is not None:
        task.max_retry, task.retry_countdown = task.retry.max or 0, task.retry.wait
    if task.storage_task_name is not None and "storage" not in raw:
        reading.collector.add(
            kinds.KEY_WITHOUT_KEY,
            task.key_location("storage_task_name"),
            f'task "{name.name}" has "storage_task_name" but no "storage"',
            note="there is no storage to use it with",
            fixes=fixes_of(('remove "storage_task_name"', False, task.without("storage_task_name"))),
        )
    return True


TASK = MappingType(
    "a task",
    TaskDef,
    (
        Key("name", NAME, "how flows refer to the task", "name", required=True),
        Key("import", MODULE, "the module holding the class; without code, wait is in its place"),
        Key("wait", WAIT, "in place of import: the task runs nothing, and waits for a signal", "wait"),
        Key("classname", CLASS_NAME, "the class in that module; default: the name"),
        Key("max_retry", COUNT, "retries after an exception", "max_retry", 0, broken=1),
        Key("retry_countdown", SECONDS, "seconds before a retry", "retry_countdown", 0, broken=0),
        Key(
            "retry",
            RETRY,
            "when it is tried again; instead of max_retry and retry_countdown",
            "retry",
        ),
        Key("timeout", DURATION, "seconds after which an attempt is stopped and counts as failed", "timeout"),
        Key(
            "output_schema",
            SCHEMA,
            f"{SCHEMA_TEXT}; a result that does not fit fails the attempt",
            "output_schema",
        ),
        Key("input_schema", SCHEMA, f"{SCHEMA_TEXT} of the arguments", "input_schema"),
        Key("storage", Text("the name of a storage"), "where results go", "storage"),
        Key(
            "storage_readonly",
            Flag(),
            "the storage can be read by the task, results are not stored",
            "storage_readonly",
            False,
            broken=False,
        ),
        Key("storage_read_only", Flag(), "the same as storage_readonly", "storage_readonly", False, broken=False),
        Key("storage_task_name", PlainText(), "the task's name towards the storage", "storage_task_name"),
        Key(
            "selective_run_function",
            Function(SELECTIVE_RUN_FUNCTION),
            "decides in selective runs whether the task runs; default: always",
            "selective_run_function",
        ),
        Key("queue", Text("a queue"), "broker queue; default: the global default_task_queue", "queue"),
        Key("throttling", THROTTLING, "least time between two schedulings of this task", "throttling"),
        Key("limit", TASK_LIMIT, "how many attempts there may be at once, over all workers", "limit"),
        Key("tags", TAGS, "words that selectors of reruns pick its runs by", "tags", (), broken=()),
    ),
    finish=_finish_task,
    together=(("storage_readonly", "storage_read_only"), ("retry", "max_retry"), ("retry", "retry_countdown")),
    one_of=("import", "wait"),
    text="A task.",
)


def _finish_storage(reading: ReadContext, storage: StorageDef, raw: dict[str, Any]) -> bool:
    name = raw.get("name")
    if not isinstance(name, NameRef):
        return False
    storage.function = import_def(raw.get("import"), raw.get("classname"), "", name)
    storage.configuration_broken = storage.configuration is BROKEN
    if storage.configuration_broken:
        storage.configuration = None
    return True


STORAGE = MappingType(
    "a storage",
    StorageDef,
    (
        Key(
            "name",
            Text("the name of the storage", nonempty=True),
            "how tasks refer to the storage",
            "name",
            required=True,
        ),
        Key("import", MODULE, "the module holding the class", required=True),
        Key("classname", CLASS_NAME, "the class in that module; default: the name"),
        Key(
            "configuration",
            JsonValue(),
            "a mapping: keyword arguments of the class; anything else: its one argument",
            "configuration",
        ),
        Key("cache", CACHE, "a cache of task results in front of the storage", "cache"),
    ),
    finish=_finish_storage,
    text="A storage.",
)
