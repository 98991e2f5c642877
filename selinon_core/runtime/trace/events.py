"""Every trace event: when it is emitted, its fields beside the time, and whether it is a warning.

The order is that of 1.x, then what is new. The table of the documentation and tests of traces are made from it.
"""

from __future__ import annotations

from typing import NamedTuple


class EventKind(NamedTuple):
    """``meaning`` is a sentence for users, ``fields`` are always there; a ``warning`` is logged as one."""

    meaning: str
    fields: tuple[str, ...]
    warning: bool = False


_FLOW = ("flow_name", "dispatcher_id")
_TASK = (*_FLOW, "task_name", "task_id", "queue", "parent", "node_args")
_SUBFLOW = (*_FLOW, "child_flow_name", "child_dispatcher_id", "queue", "parent", "node_args")
_NODE = (*_FLOW, "node_name", "node_id")
_EDGE = (*_FLOW, "edge", "nodes_from", "nodes_to", "where")
_WHY = ("countdown", "condition_str", "foreach_str")
_GIVEN = (*_FLOW, "queue", "node_args", "parent")
_STORED = (*_FLOW, "task_name", "task_id", "storage_name", "storage_task_name")
_ERROR = ("error_type", "error_value", "error_traceback")
_FALLBACK = (*_FLOW, "nodes", "fallback", "where")

EVENT_KINDS: dict[str, EventKind] = {
    "DISPATCHER_WAKEUP": EventKind("Never emitted: nothing polls. The name exists for projects of 1.x.", ()),
    "FLOW_SCHEDULE": EventKind("A flow run that no other flow started was begun.", (*_GIVEN, "selective")),
    "FLOW_START": EventKind("A flow run, of a sub-flow too, was begun.", (*_GIVEN, "selective")),
    "TASK_SCHEDULE": EventKind("An edge or a fallback started a task; `countdown` delays it.", (*_TASK, *_WHY)),
    "TASK_START": EventKind("An attempt of a task began.", (*_TASK, "attempt")),
    "SUBFLOW_SCHEDULE": EventKind("An edge or a fallback started a sub-flow.", (*_SUBFLOW, *_WHY)),
    "TASK_END": EventKind("A task returned.", (*_TASK, "storage")),
    "NODE_SUCCESSFUL": EventKind("A task or sub-flow succeeded, as its flow sees it.", _NODE),
    "TASK_DISCARD_RESULT": EventKind(
        "A task without a storage returned something; it is lost.", (*_TASK, "result"), warning=True
    ),
    "TASK_FAILURE": EventKind(
        "A task failed for good; `what` is the traceback.",
        (*_TASK, "attempt", "retried_count", "what"),
        warning=True,
    ),
    "TASK_RETRY": EventKind(
        "An attempt failed, or the task asked for another (`user_retry`).",
        (*_TASK, "attempt", "retry_countdown", "user_retry", "max_retry", "retried_count"),
        warning=True,
    ),
    "FLOW_FAILURE": EventKind(
        "A flow run failed; `will_retry` says whether it starts again.",
        (*_GIVEN, "state", "reason", "will_retry"),
        warning=True,
    ),
    "DISPATCHER_FAILURE": EventKind(
        "A decision failed: a predicate, a foreach or a selective run function raised, or a message was wrong.",
        ("what",),
    ),
    "NODE_FAILURE": EventKind("A task or sub-flow failed, as its flow sees it.", _NODE, warning=True),
    "FALLBACK_START": EventKind(
        "A fallback took the failures of `nodes` and started nodes.", (*_FALLBACK, "started")
    ),
    "DISPATCHER_RETRY": EventKind(
        "A decision was put off, because a storage could not be read.", (*_FLOW, "countdown", "reason")
    ),
    "FLOW_END": EventKind("A flow run succeeded; `state` has its finished and failed nodes.", (*_GIVEN, "state")),
    "STORAGE_CONNECT": EventKind("A storage is connected.", ("storage_name",)),
    "STORAGE_DISCONNECT": EventKind("A storage is disconnected.", ("storage_name",)),
    "STORAGE_RETRIEVE": EventKind("A result is read.", _STORED),
    "STORAGE_RETRIEVED": EventKind("A result was read.", _STORED),
    "STORAGE_STORE": EventKind("A result is written.", (*_STORED, "node_args")),
    "STORAGE_STORED": EventKind("A result was written.", (*_STORED, "node_args")),
    "EDGE_COND_FALSE": EventKind(
        "A condition was false; `condition` has the value of each predicate.",
        (*_EDGE, "condition", "condition_str", "node_args", "parent"),
    ),
    "FOREACH_RESULT": EventKind(
        "A foreach function gave `count` items.",
        (*_EDGE, "count", "result", "foreach_str", "condition_str", "node_args", "parent"),
    ),
    "NODE_STATE_CACHE_GET": EventKind("Never emitted: node states are not cached.", ()),
    "NODE_STATE_CACHE_ADD": EventKind("Never emitted, as above.", ()),
    "NODE_STATE_CACHE_MISS": EventKind("Never emitted, as above.", ()),
    "NODE_STATE_CACHE_HIT": EventKind("Never emitted, as above.", ()),
    "TASK_RESULT_CACHE_GET": EventKind("The cache of a storage is asked for a result.", _STORED),
    "TASK_RESULT_CACHE_ADD": EventKind("A result is put into the cache of a storage.", _STORED),
    "TASK_RESULT_CACHE_MISS": EventKind("The cache did not have the result.", _STORED),
    "TASK_RESULT_CACHE_HIT": EventKind("The cache had the result.", _STORED),
    "SELECTIVE_OMIT_EDGE": EventKind("A selective run did not take an edge.", _EDGE),
    "SELECTIVE_OMIT_NODE": EventKind("A selective run did not start a node of an edge.", (*_EDGE, "omitted_node")),
    "SELECTIVE_RUN_FUNC": EventKind(
        "A selective run function answered: `result` is the id of an earlier run, or null.",
        (*_FLOW, "node_name", "node_args", "parent", "result"),
    ),
    "SELECTIVE_TASK_REUSE": EventKind(
        "An earlier result is used instead of a run.", (*_FLOW, "task_name", "task_id")
    ),
    "STORAGE_STORE_ERROR": EventKind("The error of a task was written.", (*_STORED, "node_args", *_ERROR)),
    "STORAGE_OMIT_STORE_ERROR": EventKind(
        "The error of a task was not written: the storage cannot.", (*_STORED, "node_args", *_ERROR), warning=True
    ),
    "FALLBACK_COND_FALSE": EventKind(
        "The condition of a fallback was false.", (*_FALLBACK, "condition", "condition_str")
    ),
    "FALLBACK_COND_TRUE": EventKind(
        "The condition of a fallback was true.", (*_FALLBACK, "condition", "condition_str")
    ),
    "NODE_STATE_CACHE_ISSUE": EventKind("Never emitted, as above.", (), warning=True),
    "TASK_RESULT_CACHE_ISSUE": EventKind("The cache of a storage raised.", ("storage_name", "what"), warning=True),
    "STORAGE_ISSUE": EventKind("A storage raised.", ("storage_name", "what"), warning=True),
    "RESULT_BACKEND_ISSUE": EventKind(
        "On workers: Celery's result backend could not take the state of a flow run.", ("what",), warning=True
    ),
    "FLOW_RETRY": EventKind(
        "A failed flow run starts again.", (*_GIVEN, "state", "countdown", "reason", "max_retry"), warning=True
    ),
    "MIGRATION": EventKind(
        "On workers: a flow run was brought to another version of its graph.",
        (
            *_FLOW,
            "old_migration_version",
            "new_migration_version",
            "tainted",
            "tainted_flow_strategy",
            "without_migration",
        ),
    ),
    "MIGRATION_SKEW": EventKind(
        "On workers: a flow run is of a version that this worker does not have, and is left to others.",
        ("what",),
        warning=True,
    ),
    "MIGRATION_TAINTED_FLOW": EventKind(
        "On workers: a migration taints a flow run.",
        (
            *_FLOW,
            "migration_version",
            "latest_migration_version",
            "tainted_flow_strategy",
            "tainting_nodes",
            "tainted_edge",
        ),
        warning=True,
    ),
    "MIGRATION_ERROR": EventKind(
        "Never emitted: a worker with a wrong migration does not start.", (), warning=True
    ),
    "EAGER_FAILURE": EventKind("A failure ended its flow at once (`eager_failures`).", _NODE, warning=True),
    "STORAGE_DELETE": EventKind("A result is deleted.", (*_FLOW, "task_name", "task_id", "storage_name")),
    "STORAGE_DELETED": EventKind("A result was deleted.", (*_FLOW, "task_name", "task_id", "storage_name")),
    "EDGE_COND_TRUE": EventKind(
        "A condition was true.", (*_EDGE, "condition", "condition_str", "node_args", "parent")
    ),
    "NODE_UNREACHED": EventKind(
        "A flow ended, and this node of it had never run.", (*_FLOW, "node_name"), warning=True
    ),
    "FLOW_CANCEL": EventKind("A flow run was cancelled, or its time was over.", _FLOW, warning=True),
    "TASK_TIMEOUT": EventKind("An attempt of a task took too long.", (*_TASK, "attempt", "timeout"), warning=True),
    "NODE_ARGS": EventKind(
        "The `args` of an edge or a fallback were worked out, or could not be (`what` says why).",
        (*_FLOW, "edge", "nodes_to", "where", "parent", "item", "args_from", "args", "what"),
    ),
    "START_CONFLICT": EventKind(
        "On workers: a start with a key that has a flow run already, and other arguments; the first start counts.",
        (*_FLOW, "what"),
        warning=True,
    ),
    "RUN_RETRIED": EventKind(
        "On workers: a failed flow run goes on; `retried` are the node runs that run again.",
        (*_FLOW, "retried", "by"),
    ),
    "RUN_RERUN": EventKind(
        "A flow run begins that runs another one again: it reuses what the flow run `rerun_of` did.",
        (*_FLOW, "rerun_of"),
    ),
    "SCHEDULE_FIRED": EventKind(
        "On workers: a schedule started a flow run, for the time `due` (UTC).", (*_FLOW, "schedule", "due")
    ),
    "SCHEDULE_SKIPPED": EventKind(
        "On workers: a schedule started nothing for the time `due` (UTC); `what` says why.",
        ("flow_name", "schedule", "due", "what"),
    ),
    "RETRY_REFUSED": EventKind(
        "On workers: a flow run was to go on and cannot; `what` says why.", (*_FLOW, "what"), warning=True
    ),
    "SIGNAL": EventKind(
        "A task that waited got its signal; `by` says from whom, `rejected` whether it fails by it.",
        (*_NODE, "rejected", "by"),
    ),
    "SIGNAL_REFUSED": EventKind("A signal had no effect; `what` says why.", (*_FLOW, "what"), warning=True),
    "RUN_PAUSED": EventKind(
        "On workers: a flow run was paused: nothing of it starts until it is resumed.", (*_FLOW, "by")
    ),
    "RUN_RESUMED": EventKind("On workers: a flow run that was paused goes on.", (*_FLOW, "by")),
    "MESSAGE_PARKED": EventKind(
        "On workers: a start cannot be handled and was put aside, see `selinon parked`; `what` says why.",
        (*_FLOW, "what"),
        warning=True,
    ),
    "NODE_PROGRESS": EventKind(
        "A task said how far it is: `done` of `of`, and what it is at; not at every call.",
        (*_NODE, "done", "of", "text"),
    ),
    "RUN_QUEUED": EventKind(
        "A flow run, or the retry of one, waits for its place: as many as its limit allows run under the same "
        "`key`, or starts of its flow are paused (`max` is 0).",
        (*_FLOW, "key", "max", "when_full"),
    ),
    "LIMIT_WAIT": EventKind(
        "An attempt of a task waits for its place: as many as the limit of its task allows run under the same "
        "`key`.",
        (*_NODE, "key", "max"),
    ),
    "LIMIT_CANCEL": EventKind(
        "A flow run is cancelled because its limit is reached: before it begins, or so that the run `for` "
        "gets its place.",
        (*_FLOW, "key", "max", "for"),
    ),
    "START_EXPIRED": EventKind(
        "A flow run is cancelled before it begins: no worker began it before `expires`, a time that its start "
        "named.",
        (*_FLOW, "expires"),
    ),
}

EVENTS = tuple(EVENT_KINDS)
#: Logged as warnings.
WARN_EVENTS = frozenset(name for name, kind in EVENT_KINDS.items() if kind.warning)
