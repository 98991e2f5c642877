"""After the fire: what the logs and stores say, held against what must hold.

- every flow run ended, as an undisturbed local run does: same node runs, parents, arguments and outputs,
- every decided task run was performed at least once, and nothing was performed that no log decided on,
- nothing is left in an inbox, an outbox, a timer or a queue, and no place of a limit is held,
- the index of runs says what their headers say.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from selinon_core.celery import Selinon
from selinon_core.celery.stores.limits import LimitState
from selinon_core.celery.stores.waits import WaitQuery
from selinon_core.celery.worker.limit_upkeep import LOOK_EVERY
from tests.celery.index_check import index_mistakes
from tests.celery.reported import report_of
from tests.chaos.cases import LIMITED
from tests.workers.conformance import results_in, told
from tests.workers.leftovers import left_over

Json = dict[str, Any]


class Reckoning(NamedTuple):
    """What is wrong (nothing, if all is well), and figures."""

    wrong: list[str]
    figures: Json


def places(selinon: Selinon) -> LimitState:
    """The places of the tasks with a limit."""
    return selinon.store.task_limits.state(LIMITED)


def _places_left(selinon: Selinon, patient: Callable[[Callable[[], Any]], Any]) -> list[str]:
    """Places that are held although all runs ended: the sweep's leader gives those of dead workers back."""
    until = time.monotonic() + 3 * LOOK_EVERY
    while (state := patient(lambda: places(selinon))) != (0, [], []):
        if time.monotonic() > until:
            return [f"{place.run} has a place of a limit" for place in (*state.holders, *state.waiting)]
        time.sleep(0.5)
    return []


def reckon(
    selinon: Selinon,
    store_url: str,
    broker_url: str,
    queue: str,
    memory_url: str,
    cases: dict[str, Json],
    ids: dict[str, str],
    missing: list[str],
    patient: Callable[[Callable[[], Any]], Any],
) -> Reckoning:
    """Compare everything; ``ids`` maps flow run ids to the prefixes of their cases."""
    import redis

    wrong = []
    for id in missing:
        header = selinon.store.header(id)
        wrong.append(f"{id} ({cases[ids[id]]['name']}) did not end: {dict(header) if header else 'never began'}")
    decided: set[str] = set()
    flow_runs = 0
    read = results_in(memory_url)
    for id, prefix in ids.items():
        if id in missing:
            continue
        case = cases[prefix]
        outcome = patient(lambda id=id, prefix=prefix, case=case: told(selinon, id, prefix, case, read))
        if outcome != case["outcome"]:
            wrong.append(f"{id} ({case['name']}): {json.dumps(outcome)} instead of {json.dumps(case['outcome'])}")
        nodes = report_of(selinon.plan, selinon.store, id, read)["nodes"]
        flow_runs += 1 + sum(node["kind"] == "flow" for node in nodes)
        tasks = [
            node["id"]
            for node in nodes
            if node["kind"] == "task" and node["status"] != "reused" and not node["refused"]
            if selinon.plan.tasks[node["name"]].wait is None
        ]
        twice = [task for task, count in Counter(tasks).items() if count > 1]
        wrong += [f"{id}: task run {task} was decided on twice" for task in twice]
        decided.update(tasks)
        state = selinon.app.AsyncResult(id).state
        if state != ("SUCCESS" if outcome["status"] == "success" else "FAILURE"):
            wrong.append(f"{id} ({case['name']}): the result backend says {state}, the log {outcome['status']}")
    client: Any = redis.Redis.from_url(memory_url, decode_responses=True)
    performed = Counter(client.lrange("performed", 0, -1))
    if not missing:
        wrong += [f"task run {task} was decided on and never performed" for task in decided - set(performed)]
        wrong += [f"task run {task} was performed without being decided on" for task in set(performed) - decided]
    wrong += patient(lambda: index_mistakes(selinon.store, ids))
    waits = patient(lambda: selinon.store.waits.find(WaitQuery())).rows
    wrong += [f"{row.node} of {row.run} has a row although nothing waits" for row in waits]
    wrong += _places_left(selinon, patient)
    left = left_over(selinon, store_url, broker_url, queue)
    wrong += [f"{count} left in {where}" for where, count in left.items() if count]
    again = sum(count - 1 for count in performed.values())
    figures = {"flows": len(ids), "flow runs with sub-flows": flow_runs, "task runs decided on": len(decided)}
    return Reckoning(wrong, {**figures, "task attempts beyond the first": again})
