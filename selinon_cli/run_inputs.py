"""What ``selinon run`` is given as text: arguments of the flow, mocks, failures, earlier reports."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from selinon_cli.exits import UsageError
from selinon_cli.project import known_name
from selinon_core.errors import ArgumentError, ConfigurationError, RequestError, SchemaMismatchError

if TYPE_CHECKING:
    from selinon_cli.run_options import ExecutionOptions, MockOptions
    from selinon_core.cases.model import Signal
    from selinon_core.local import LocalOptions, Mocks
    from selinon_core.plan import Plan, TaskPlan
    from selinon_core.project.result_schemas import ResultSchemas


def node_args(given: Sequence[str], file: str | None) -> Any:
    """The arguments of a flow from ``-a`` or from a file; None when nothing is given.

    ``-a`` is one JSON text, one ``@file``, or any number of ``key=value``, whose values are JSON where they
    read as JSON, else text.
    """
    if file is not None:
        if given:
            raise UsageError("arguments come from --node-args or from --node-args-file, not from both")
        return read_json(file, "--node-args-file")
    if not given:
        return None
    if len(given) == 1:
        if given[0].startswith("@"):
            return read_json(given[0][1:], "--node-args")
        try:
            return parse_json(given[0])
        except ValueError:
            pass
    found: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key or not _is_key(key):
            raise UsageError(
                f"--node-args: {_shortened(text)} is neither JSON nor @file nor key=value",
                "a text is written with quotes of its own: --node-args '\"text\"'",
            )
        if key in found:
            raise UsageError(f'--node-args: the key "{key}" is given twice')
        found[key] = json_or_text(value)
    return found


@contextmanager
def starting(option: str = "-a KEY=VALUE") -> Iterator[None]:
    """Report arguments of the command line that do not fit, with how to give others."""
    try:
        yield
    except ArgumentError as error:
        from selinon_core.runtime.inputs import UncheckedArguments

        if isinstance(error, UncheckedArguments):
            raise
        hint = f"{option} gives one; where a text reads as JSON, it is written -a KEY='\"7\"'"
        raise UsageError(str(error), hint) from None


def _is_key(key: str) -> bool:
    return not any(character.isspace() or character in "{}[]\"'" for character in key)


def json_or_text(text: str) -> Any:
    """The value a JSON text stands for, or the text itself when it is not JSON."""
    try:
        return parse_json(text)
    except ValueError:
        return text


def parse_json(text: str) -> Any:
    """Parse strict JSON (no NaN, no Infinity); raises ``ValueError``, too deep nesting included."""

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_json(path: str, option: str) -> Any:
    """Read a JSON file, ``-`` is stdin; raises ``UsageError`` naming the option."""
    text = read_text(path, option)
    try:
        return parse_json(text)
    except ValueError as error:
        raise UsageError(f"{option}: {path} is not JSON: {error}") from None


def read_text(path: str, option: str) -> str:
    """Read a UTF-8 file, ``-`` is stdin; raises ``UsageError`` naming the option.

    A named pipe, for which one might wait for ever, and what is larger than a YAML file may be are refused.
    """
    from selinon_core.config.yaml.files import read_bytes

    try:
        if path == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{option}: {path} is not UTF-8: {error.reason} at byte {error.start}") from None
    except OSError as error:
        raise UsageError(f"{option}: cannot read {path}: {error.strerror or error}") from None


def local_options(
    plan: Plan, execution: ExecutionOptions, mocking: MockOptions, pythonpath: Sequence[str]
) -> LocalOptions:
    """What the local executor gets of the options; ``UsageError`` for names that the plan does not have.

    Modules of the project are looked for in ``pythonpath``.
    """
    from selinon_core.local import LocalOptions
    from selinon_core.project.result_schemas import ResultSchemas

    results = ResultSchemas(os.getcwd(), pythonpath)

    for name in execution.real_storage:
        known_name("storage", name, plan.storages)
    return LocalOptions(
        storage=execution.storage,
        real_storages=frozenset(execution.real_storage),
        time=execution.time,
        concurrency=execution.concurrency,
        pool=execution.pool,
        seed=execution.seed,
        mocks=mocks(plan, mocking.mock, mocking.mocks, results),
        mock_all=mocking.mock_tasks,
        fail=failures(plan, mocking.fail),
        at=signals(plan, mocking.signal, mocking.reject),
    )


def signals(plan: Plan, given: Iterable[str], rejected: Iterable[str]) -> tuple[tuple[float, Signal], ...]:
    """The signals of ``TASK=JSON[@SECONDS]`` and ``TASK=WHY[@SECONDS]``; without a time for the next wait."""
    if not (given or rejected):
        return ()
    from selinon_core.cases.model import Signal

    waits = {name: task for name, task in plan.tasks.items() if task.wait is not None}
    found: list[tuple[float, Signal]] = []
    for option, texts in (("--signal", given), ("--reject", rejected)):
        for text in texts:
            name, equals, rest = text.partition("=")
            if not equals:
                what = "JSON" if option == "--signal" else "WHY"
                raise UsageError(f"{option}: expected TASK={what}[@SECONDS], got {_shortened(text)}")
            if name in plan.tasks and name not in waits:
                raise UsageError(f"{option}: task {name} does not wait for a signal", _those_that_wait(waits))
            known_name("task", name, waits)
            value, at, seconds = rest.rpartition("@")
            if not at or not _is_number(seconds):
                value, seconds = rest, ""
            time = float(seconds) if seconds else 0.0
            if option == "--reject":
                found.append((time, Signal(name, reject=value, early=not seconds)))
            else:
                found.append((time, Signal(name, _signal_value(value), early=not seconds)))
    return tuple(found)


def _those_that_wait(waits: Iterable[str]) -> str:
    names = list(waits)
    return f"those that do: {', '.join(names)}" if names else "a task with wait does"


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit() and text.isascii() and text[:1] != "." and len(text) < 16


def _signal_value(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        raise UsageError(
            f"--signal: {_shortened(text)} is not JSON: {error}",
            "a text has quotes of its own: --signal A='\"yes\"'",
        ) from None


def mocks(plan: Plan, single: Iterable[str], file: str | None, schemas: ResultSchemas) -> Mocks:
    """The mocks of a file and those of ``--mock NAME=JSON``, which take precedence.

    Results of tasks without ``output_schema`` have to fit the annotation of ``run``; the others are looked at when
    they are played.
    """
    from selinon_core.local.mocks import Mocks, check_names, raise_errors

    found = Mocks()
    text = None if file is None else read_text(file, "--mocks")
    run = None if text is None else _run_in(text, str(file))
    if run is not None:
        from selinon_core.local.run_mocks import mocks_of_run

        # Without the tasks that the project does not have any more.
        found = Mocks({name: mock for name, mock in mocks_of_run(run).nodes.items() if name in plan.tasks})
    elif text is not None:
        from selinon_core.project.case_files import read_mocks

        file = str(file)
        read, wrong = read_mocks(text, file, plan, schemas)
        try:
            raise_errors(wrong, file, with_places=True)
            check_names(read, plan)
        except ConfigurationError as error:
            raise UsageError(str(error)) from None
        found = Mocks(*read)
    results: dict[str, Any] = {}
    for text in single:
        task, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--mock: expected TASK=JSON, got {_shortened(text)}")
        if task not in plan.flows or plan.flows[task].output is None:
            known_name("task", task, plan.tasks)
        results[task] = _mocked_result(value)
        if task in plan.tasks:
            _check_annotated(plan.tasks[task], results[task], schemas)
    return found.with_results(results, plan.flows)


def run_of_mocks(file: str | None) -> Mapping[str, Any] | None:
    """The run that ``--mocks`` names, whose flow and arguments are to run again; None for a file with mocks."""
    return None if file is None or file == "-" else _run_in(read_text(file, "--mocks"), file)


def _run_in(text: str, file: str) -> Mapping[str, Any] | None:
    """The run whose report a text holds (``selinon export``, ``--report``); None for mocks."""
    if not text.lstrip().startswith("{"):
        return None
    from selinon_core.local.earlier_run import check_report
    from selinon_core.local.run_mocks import is_run

    try:
        data = parse_json(text)
    except ValueError:
        return None
    if not is_run(data):
        return None
    try:
        return check_report(data)
    except RequestError as error:
        raise UsageError(f"--mocks: {file} is not the report of a run: {error}") from None


def _check_annotated(task: TaskPlan, value: Any, schemas: ResultSchemas) -> None:
    schema = schemas.of(task) if task.output_schema is None else None
    if schema is None:
        return
    try:
        schema.check(value)
    except SchemaMismatchError as error:
        raise UsageError(
            f"--mock: the mock of {task.name} does not fit the annotation of run: {error}",
            "check: none in a file (--mocks) takes any result",
        ) from None


def _mocked_result(value: str) -> Any:
    """A JSON value, or a text that does not look like JSON."""
    from selinon_core.runtime.json_values import copy_json, describe_json_error

    try:
        found = parse_json(value)
    except ValueError as error:
        if value.lstrip().startswith(("{", "[", '"')):
            raise UsageError(f"--mock: {_shortened(value)} is not JSON: {error}") from None
        return value
    try:
        return copy_json(found)
    except (ValueError, RecursionError):  # 1e999, which Python reads as infinity
        raise UsageError(f"--mock: {_shortened(value)} is not JSON: {describe_json_error(found)}") from None


def failures(plan: Plan, given: Iterable[str]) -> dict[str, int | None]:
    """Which tasks are to fail: ``TASK`` always, ``TASK:N`` their first N attempts."""
    found: dict[str, int | None] = {}
    for text in given:
        task, colon, times = text.partition(":")
        known_name("task", task, plan.tasks)
        if colon and not (times.isascii() and times.isdigit() and int(times) > 0):
            raise UsageError(f"--fail: expected TASK or TASK:N with N above 0, got {_shortened(text)}")
        found[task] = int(times) if colon else None
    return found


def jobs_of(given: str) -> int:
    """How many processes ``-j`` means. Raises ``UsageError``."""
    if given == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:6]) <= 1000:
        raise UsageError(f"-j: expected auto or a number from 1 to 1000, got {given!r}")
    return int(given)


def names(given: Iterable[str]) -> tuple[str, ...]:
    """Names given one by one or with commas."""
    return tuple(dict.fromkeys(part.strip() for text in given for part in text.split(",") if part.strip()))


def report(path: str | None, option: str = "--reuse") -> Mapping[str, Any] | None:
    """The JSON report of an earlier run; raises ``UsageError`` naming the option and the wrong part."""
    if path is None:
        return None
    from selinon_core.local.earlier_run import check_report

    try:
        return check_report(read_json(path, option))
    except RequestError as error:
        raise UsageError(
            f"{option}: {path} is not the report of a run: {error}", "selinon run --local --report FILE writes one"
        ) from None


def check_reuse(report: Mapping[str, Any], plan: Plan, flow: str) -> None:
    """Raise ``UsageError`` when a report is about another flow, so that nothing of it could be reused."""
    from selinon_core.local.earlier_run import check_reusable

    try:
        check_reusable(report, plan, flow)
    except RequestError as error:
        raise UsageError(f"--reuse: {error}") from None


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
