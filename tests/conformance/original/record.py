"""Run generated cases in the original `selinon` 1.4.0 and record what it decided; see README.md beside this file.

The original's executor is repaired at run time only where it cannot work (see `_repair_executor`); what decides
about flows is left as it is. Every run happens in a forked process of its own with a time limit, because the
original keeps its configuration in class attributes and some flows never end in it.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import logging
import os
import random
import select
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import scripted  # noqa: E402
from canonical import canonical_runs, counts  # noqa: E402
from generator import PROFILES, make_case  # noqa: E402

from selinon import Config, SelectiveNoPathError  # noqa: E402
from selinon.dispatcher import Dispatcher  # noqa: E402
from selinon.executor import celery_mocks, executor  # noqa: E402
from selinon.task_envelope import SelinonTaskEnvelope  # noqa: E402
from selinon.trace import Trace  # noqa: E402

Json = dict[str, Any]
ORDERS = 4
SECONDS_PER_RUN = 4.0
MOST_NODE_RUNS = 80
MOST_STEPS = 20_000


class TooLong(BaseException):
    """The flow started too many nodes; no subclass of Exception, so that the original does not handle it."""


class ShuffledQueue:
    """Stands in for the executor's queues: whatever is waiting may come next, whatever its time."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._waiting: list[Any] = []
        self._steps = 0

    def push(self, queue_name: str, time: datetime, record: Any) -> None:
        self._waiting.append(record)

    def pop(self) -> tuple[datetime, Any]:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise TooLong
        return datetime.now(), self._waiting.pop(self._rng.randrange(len(self._waiting)))

    def is_empty(self) -> bool:
        return not self._waiting


class Recorder:
    """Collects the node runs and what the trace says about failed flows."""

    def __init__(self) -> None:
        self.runs: dict[str, Json] = {}
        self.last_failure_state: dict[str, Json] = {}
        self.dispatcher_errors: list[str] = []

    def scheduled(self, run_id: str, celery_kwargs: Json) -> None:
        if len(self.runs) > MOST_NODE_RUNS:
            raise TooLong
        given = copy.deepcopy(celery_kwargs["kwargs"])
        self.runs[run_id] = {
            "id": run_id,
            "name": given.get("task_name", given["flow_name"]),
            "kind": "task" if "task_name" in given else "flow",
            "flow": given["flow_name"] if "task_name" in given else None,
            "flow_id": given.get("dispatcher_id"),
            "node_args": given["node_args"],
            "parent": given.get("parent"),
        }

    def traced(self, event: int, report: Json) -> None:
        if event == Trace.SUBFLOW_SCHEDULE:
            run = self.runs[report["child_dispatcher_id"]]
            run.update(flow=report["flow_name"], flow_id=report["dispatcher_id"])
        elif event == Trace.FLOW_FAILURE:
            self.last_failure_state[report["dispatcher_id"]] = copy.deepcopy(report["state"])
        elif event == Trace.DISPATCHER_FAILURE:
            self.dispatcher_errors.append(report["what"].strip().splitlines()[-1])


def run_original(case: Json, order: int) -> Json:
    """Run the case in this process, in the order given by a seed; returns its outcome or `{"crash": why}`."""
    recorder = Recorder()
    try:
        _repair_executor(recorder, random.Random(order))
        Config.set_config_dict(*_configuration(case))
    except Exception as error:
        return {"crash": f"load: {type(error).__name__}: {error}"}
    scripted.set_up(case["behaviour"])
    try:
        _run(case["request"])
    except SelectiveNoPathError:
        return {"status": "no_path"}
    except TooLong:
        return {"crash": "too long"}
    except Exception as error:
        return {"crash": f"run: {type(error).__name__}: {error}: {traceback.format_exc(limit=-2)}"}
    if recorder.dispatcher_errors:
        return {"crash": f"dispatcher: {recorder.dispatcher_errors[0]}"}
    outcome = _outcome(recorder, case)
    return {part: outcome[part] for part in case["compare"]}


def _repair_executor(recorder: Recorder, rng: random.Random) -> None:
    """Unique ids (the original reuses addresses), a settable `request`, no sleeping, a queue in random order."""
    ids = (f"run-{number}" for number in count())

    def apply_async(instance: Any, **celery_kwargs: Any) -> Any:
        run_id = next(ids)
        instance.request = type("Request", (), {"id": run_id})()
        recorder.scheduled(run_id, celery_kwargs)
        executor.Executor.schedule(instance, celery_kwargs)
        return celery_mocks.SimulateAsyncResult(recorder.runs[run_id]["name"], node_id=run_id)

    Dispatcher.request = SelinonTaskEnvelope.request = None
    executor.simulate_apply_async = apply_async
    executor.Progress.sleep = lambda **_options: None
    executor.Executor.executor_queues = ShuffledQueue(rng)
    Trace.trace_by_func(recorder.traced)


def _configuration(case: Json) -> tuple[Json, list[Json]]:
    flows = copy.deepcopy(case["flow_definitions"])
    for flow in flows:
        flow["sampling"] = {"name": "constant", "args": {"retry": 0}}
    return copy.deepcopy(case["nodes"]), [{"flow-definitions": flows}]


def _run(request: Json) -> None:
    runner = executor.Executor.__new__(executor.Executor)  # its constructor only reads configuration files
    runner.concurrency, runner.sleep_time, runner.show_progressbar = 1, 0, False
    if request["selective"]:
        runner.run_flow_selective(request["flow"], node_args=request["node_args"], **request["selective"])
    else:
        runner.run(request["flow"], request["node_args"])


def _outcome(recorder: Recorder, case: Json) -> Json:
    successes = celery_mocks.SimulateAsyncResult.task_successes
    failures = celery_mocks.SimulateAsyncResult.task_failures
    for run_id, run in recorder.runs.items():
        assert (run_id in successes) != (run_id in failures), run
        run["status"] = "success" if run_id in successes else "failure"
    top, *nodes = recorder.runs.values()
    earlier = [scripted.earlier_id(task) for task in case["behaviour"].get("earlier", {})]
    state = successes[top["id"]] if top["status"] == "success" else recorder.last_failure_state[top["id"]]
    return {
        "status": top["status"],
        "finished": counts(state["finished_nodes"]),
        "failed": counts(state["failed_nodes"]),
        "runs": canonical_runs(nodes, case["without_parent"], earlier),
    }


def in_child(work: Callable[[], Json], seconds: float) -> Json:
    """What `work` returns, computed in a forked process that is killed after `seconds`."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as pipe:
            try:
                answer = work()
            except BaseException as error:
                answer = {"crash": f"recorder: {type(error).__name__}: {error}"}
            json.dump(answer, pipe)
        os._exit(0)
    os.close(writer)
    try:
        return _read_answer(reader, seconds)
    finally:
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _read_answer(reader: int, seconds: float) -> Json:
    text = b""
    while select.select([reader], [], [], seconds)[0]:
        part = os.read(reader, 1 << 16)
        if not part:
            return json.loads(text) if text else {"crash": "died"}
        text += part
    return {"crash": "too long"}


def record(case: Json, orders: int = ORDERS) -> Json:
    """The outcome that all orders agree on, or `{"crash": why}`."""
    outcomes = [in_child(partial(run_original, case, order), SECONDS_PER_RUN) for order in range(orders)]
    for outcome in outcomes:
        if "crash" in outcome:
            return outcome
    if any(outcome != outcomes[0] for outcome in outcomes[1:]):
        return {"crash": "depends on the order of finishing", "outcomes": outcomes}
    return outcomes[0]


def features(case: Json, outcome: Json) -> Iterator[str]:
    """What a recorded case shows, for the statistics."""
    runs = outcome.get("runs", [])
    edges = [edge for flow in case["flow_definitions"] for edge in flow["edges"]]
    total = sum(row[-1] for row in runs)
    yield f"status: {outcome['status']}"
    if "runs" in outcome:
        yield f"runs: {'0' if not total else '1-5' if total <= 5 else '6-15' if total <= 15 else '16 and more'}"
        yield f"flows entered: {len({row[1].split('.')[0] for row in runs})}"
    for name, present in {
        "join": any(isinstance(edge["from"], list) for edge in edges),
        "condition": any("condition" in edge for edge in edges),
        "foreach": any("foreach" in edge for edge in edges),
        "foreach with propagate_result": any(edge.get("foreach", {}).get("propagate_result") for edge in edges),
        "sub-flow run": any(row[2] == "flow" for row in runs),
        "sub-flow inside a sub-flow run": any(row[2] == "flow" and row[5] != "top" for row in runs),
        "same node run more than once": any(row[-1] > 1 for row in runs),
        "failed node run": any(row[6] == "failure" for row in runs),
        "failed sub-flow run": any(row[6] == "failure" and row[2] == "flow" for row in runs),
        "fallback ran": any(row[1] in case["without_parent"] for row in runs),
        "nested parent": any(isinstance(value, dict) for row in runs for value in row[4].values()),
        "selective": bool(case["request"]["selective"]),
        "reused run": any(key.startswith("earlier-") for row in runs for key in scripted.ids_in(row[4])),
        "selective edge": any("selective" in edge for edge in edges),
        "cycle taken": _has_cycle(runs),
    }.items():
        if present:
            yield name
    for flag in sorted({key for flow in case["flow_definitions"] for key in flow} - {"name", "edges"}):
        yield f"flag {flag}"


def _has_cycle(runs: list[list[Any]]) -> bool:
    """Whether some run has a run of the same node among its ancestors."""
    by_key = {row[0]: row for row in runs}

    def ancestors(row: list[Any]) -> Iterator[list[Any]]:
        for key in scripted.ids_in(row[4]):
            if key in by_key:
                yield by_key[key]
                yield from ancestors(by_key[key])

    return any(ancestor[1] == row[1] for row in runs for ancestor in ancestors(row))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--output", type=Path, default=HERE.parent / "golden")
    arguments.add_argument("--cases", type=int, default=34, help="cases to keep per profile")
    arguments.add_argument("--profile", action="append", choices=sorted(PROFILES))
    arguments.add_argument("--rejected", type=Path, help="write the cases that were not kept here, with why")
    options = arguments.parse_args()
    logging.disable(logging.CRITICAL)
    options.output.mkdir(parents=True, exist_ok=True)
    seen: Counter[str] = Counter()
    rejected: list[Json] = []
    for profile in options.profile or sorted(PROFILES):
        kept = _record_profile(profile, options.cases, rejected)
        path = options.output / f"{profile}.jsonl"
        path.write_text("".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in kept))
        for entry in kept:
            seen.update(features(entry, entry["outcome"]))
        print(f"{profile}: {len(kept)} kept", file=sys.stderr)
    reasons = Counter(entry["crash"].splitlines()[0][:110] for entry in rejected)
    print(json.dumps({"kept": dict(sorted(seen.items())), "not kept": dict(reasons.most_common())}, indent=1))
    if options.rejected:
        options.rejected.write_text("".join(json.dumps(entry) + "\n" for entry in rejected))


def _record_profile(profile: str, wanted: int, rejected: list[Json]) -> list[Json]:
    """The first cases that the original can run; of those that start nothing or little only a few."""
    kept: list[Json] = []
    small = 0
    for seed in range(wanted * 6):
        case = make_case(profile, seed)
        outcome = record(case)
        if "crash" in outcome:
            rejected.append({**case, **outcome})
            continue
        is_small = "runs" in outcome and sum(row[-1] for row in outcome["runs"]) <= 3
        if is_small and small >= wanted // 6:
            continue
        small += is_small
        kept.append({**case, "outcome": outcome})
        if len(kept) == wanted:
            break
    return kept


if __name__ == "__main__":
    main()
