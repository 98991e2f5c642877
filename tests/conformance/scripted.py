"""What the conformance cases run: one scripted task class, foreach functions and a storage.

Both implementations import this module, so it imports neither of them when it is loaded, and the task class has no
base class (both call any class with the five keywords below).

What a task returns and whether it fails depends only on the case's `behaviour`, on its arguments and on its
*lineage* (which tasks led here, with which arguments), never on ids or on the order in which tasks happen to
finish. That is what makes two implementations comparable that finish tasks in different orders.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

Json = dict[str, Any]
#: Their results have a list above 8 KiB, which travels as a reference between workers.
LARGE = frozenset({"Delta", "Golf"})
#: Tasks that fail with a third of all arguments.
FAILING = frozenset({"Echo", "Hotel"})


class Playground:
    """The memory of one flow run: the behaviour to act out, and what has been acted out so far."""

    def __init__(self, behaviour: Json) -> None:
        self._behaviour = behaviour
        self._depths: dict[str, int] = {}
        self._lineages: dict[str, str] = {}
        self._attempts: Counter[str] = Counter()
        self._lineage_runs: Counter[tuple[str, str]] = Counter()
        self._failing_runs: set[str] = set()
        self._lock = threading.Lock()
        for task_name in behaviour.get("earlier", {}):
            self._depths[earlier_id(task_name)] = 1
            self._lineages[earlier_id(task_name)] = earlier_id(task_name)

    def act(self, task: Scripted, node_args: Any) -> Any:
        """Return the scripted result of this attempt of `task`, or raise its scripted failure."""
        script = self._behaviour["tasks"].get(task.task_name, {})
        with self._lock:
            attempt = self._next_attempt(task, node_args)
            depth = self._depths[task.task_id]
            failing = self._fails(task, script.get("failure"), attempt, depth)
        if failing:
            raise _exception(script["failure"]["kind"], task.task_name)
        if "whole_result" in script:
            return script["whole_result"]
        return {"task": task.task_name, "depth": depth, **script.get("result", {})}

    def _next_attempt(self, task: Scripted, node_args: Any) -> int:
        """Count the attempt (from 1); the first one of a node run also settles its depth and lineage."""
        self._attempts[task.task_id] += 1
        if self._attempts[task.task_id] == 1:
            self._remember(task, node_args)
        return self._attempts[task.task_id]

    def _remember(self, task: Scripted, node_args: Any) -> None:
        parents = [parent for parent in self._parents_of(task) if parent in self._depths]
        lineage = [task.task_name, node_args, sorted(self._lineages[parent] for parent in parents)]
        self._depths[task.task_id] = 1 + max((self._depths[parent] for parent in parents), default=0)
        self._lineages[task.task_id] = _digest(lineage)
        failure = self._behaviour["tasks"].get(task.task_name, {}).get("failure", {})
        if failure.get("per") == "flow_run":
            run = (task.dispatcher_id, self._lineages[task.task_id])
            self._lineage_runs[run] += 1
            if self._lineage_runs[run] <= failure["times"]:
                self._failing_runs.add(task.task_id)

    def _parents_of(self, task: Scripted) -> Iterator[str]:
        # The original gives fallback nodes no parents at all, so nothing may depend on theirs.
        if f"{task.flow_name}.{task.task_name}" not in self._behaviour["parentless"]:
            yield from ids_in(task.parent or {})

    def _fails(self, task: Scripted, failure: Json | None, attempt: int, depth: int) -> bool:
        if failure is None or depth not in failure.get("depths", [depth]):
            return False
        if failure["per"] == "flow_run":
            return task.task_id in self._failing_runs
        return "times" not in failure or attempt <= int(failure["times"])


_playground = Playground({"tasks": {}, "parentless": []})


def set_up(behaviour: Json) -> None:
    """Forget earlier runs and act out `behaviour` from now on; to be called before every flow run."""
    global _playground
    _playground = Playground(behaviour)
    DictStorage.results.clear()
    for task_name, result in behaviour.get("earlier", {}).items():
        DictStorage.results[earlier_id(task_name)] = json.dumps(result)


class Scripted:
    """The class of every task of every case."""

    def __init__(
        self, flow_name: str, task_name: str, parent: Json | None, task_id: str, dispatcher_id: str
    ) -> None:
        self.flow_name = flow_name
        self.task_name = task_name
        self.parent = parent
        self.task_id = task_id
        self.dispatcher_id = dispatcher_id

    def run(self, node_args: Any) -> Any:
        return _playground.act(self, node_args)


class DictStorage:
    """The storage named in the cases' configuration; results are found by the task's id alone."""

    results: dict[str, str] = {}

    def __init__(self, **_configuration: Any) -> None:
        pass

    def is_connected(self) -> bool:
        return True

    def connect(self) -> None:
        pass

    def disconnect(self) -> None:
        pass

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        return json.loads(self.results[task_id])

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> str:
        self.results[task_id] = json.dumps(result)
        return task_id

    def store_error(self, *_error: Any) -> None:
        raise NotImplementedError


def ids_in(parent: Any) -> Iterator[str]:
    """Every id in a `parent` value: `{task: id}` or, for sub-flows, mappings that end in lists of ids."""
    if isinstance(parent, str):
        yield parent
    else:
        for value in parent.values() if isinstance(parent, dict) else parent:
            yield from ids_in(value)


def earlier_id(task_name: str) -> str:
    """The id of the run of this task that a selective run may reuse."""
    return f"earlier-{task_name}"


def reuse_earlier(
    _flow_name: str, node_name: str, _node_args: Any, _task_names: list[str], _storage_pool: Any
) -> str | None:
    return earlier_id(node_name)


def reuse_earlier_unless_fast(
    _flow_name: str, node_name: str, node_args: Any, _task_names: list[str], _storage_pool: Any
) -> str | None:
    is_fast = isinstance(node_args, dict) and node_args.get("mode") == "fast"
    return None if is_fast else earlier_id(node_name)


def two_items(_storage_pool: Any, _node_args: Any) -> list[Json]:
    return [{"n": 1, "mode": "fast"}, {"n": 2, "mode": "slow", "items": [1, 2]}]


def no_items(_storage_pool: Any, _node_args: Any) -> None:
    return None


def items_of_args(_storage_pool: Any, node_args: Any) -> Iterable[Any] | None:
    return node_args.get("items") if isinstance(node_args, dict) else None


def count_down(_storage_pool: Any, node_args: Any) -> list[Json]:
    """One item with a smaller `n`, none at 0: recursion over this foreach ends."""
    left = node_args.get("n", 0) if isinstance(node_args, dict) else 0
    return [{"n": left - 1, "mode": "fast"}] if left > 0 else []


def items_of_alpha(storage_pool: Any, _node_args: Any) -> Iterable[Any]:
    return _items_of_result(storage_pool, "Alpha")


def items_of_bravo(storage_pool: Any, _node_args: Any) -> Iterable[Any]:
    return _items_of_result(storage_pool, "Bravo")


def _items_of_result(storage_pool: Any, task_name: str) -> Iterable[Any]:
    result = storage_pool.get(task_name)
    return result.get("items", []) if isinstance(result, dict) else []


def _exception(kind: str, task_name: str) -> Exception:
    if kind == "error":
        return RuntimeError(f"scripted failure of {task_name}")
    errors: Any = import_module("selinon_core.errors" if find_spec("selinon_core") else "selinon.errors")
    error: Exception = (
        errors.Retry(0) if kind == "retry" else errors.FatalTaskError(f"scripted failure of {task_name}")
    )
    return error


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


# -- data flow cases -------------------------------------------------------------------------------------------


def _number_of(name: str, args: Any) -> int:
    """A number that says with which arguments a task is called."""
    text = json.dumps([name, args], sort_keys=True).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest(), "big")


def compute(name: str, args: Any) -> Json:
    """The result of a task; raises RuntimeError where it fails."""
    number = _number_of(name, args)
    if name in FAILING and number % 3 == 0:
        raise RuntimeError(f"{name} fails")
    depth = args.get("depth", 0) if isinstance(args, dict) else 0
    result: Json = {
        "n": number % 7,
        "flag": number % 16 > 7,
        "text": f"{name.lower()} {number % 5}",
        "items": [number % 3 + more for more in range(number // 16 % 4)],
        "depth": depth + 1,
        "inner": {"n": number % 4},
    }
    if number % 2:
        result["maybe"] = number % 6
    if name in LARGE:
        result["large"] = [{"n": more, "text": "x" * 60} for more in range(number % 2, 150)]
    return result


class Computing:
    """The class of every task of a data flow case: its result is a pure function of its name and its arguments.

    So nothing has to be remembered between attempts and processes, and whatever reaches a task wrongly shows in
    its result and in all that is given on from there.
    """

    def __init__(
        self, flow_name: str, task_name: str, parent: Json | None, task_id: str, dispatcher_id: str
    ) -> None:
        self.task_name = task_name
        self.task_id = task_id

    def run(self, node_args: Any) -> Any:
        """Compute."""
        return compute(self.task_name, node_args)
