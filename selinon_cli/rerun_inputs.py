"""What ``selinon rerun`` is given: the recorded run, and what is asked of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from selinon_cli import run_inputs
from selinon_cli.exits import UsageError
from selinon_core.errors import RequestError, SchemaMismatchError

if TYPE_CHECKING:
    from selinon_cli.rerun_options import RerunOptions
    from selinon_core.plan import Plan
    from selinon_core.rerunning.preview import Preview
    from selinon_core.rerunning.request import Request
    from selinon_core.runtime.trace.run_records import NodeRecord


def is_report(given: str) -> bool:
    """Whether a text names a file, and not a flow run on workers."""
    return given == "-" or os.path.exists(given) or os.sep in given or given.endswith((".json", ".jsonl"))


def recorded_report(given: str) -> Mapping[str, Any]:
    """The report of the run; raises ``UsageError``."""
    report = run_inputs.report(given, "RUN")
    assert report is not None
    if "flow" not in report or "id" not in report:
        raise UsageError(
            f"RUN: {given} does not say which run it is about", "selinon run --report FILE writes one"
        )
    return report


def request_of(plan: Plan, options: RerunOptions) -> Request:
    """What is asked for; raises ``UsageError``."""
    from selinon_core.rerunning.request import DEFAULT_SELECT, RECORDED, Request

    args = run_inputs.node_args(options.node_args, None) if options.node_args else RECORDED
    select = tuple(options.select) or DEFAULT_SELECT
    give = dict(_given(plan, text) for text in options.give)
    return Request(select, tuple(options.exclude), give, args, options.reconsider, options.if_changed)


def _given(plan: Plan, text: str) -> tuple[str, Any]:
    from selinon_core.runtime.task_runner import SchemaChecker

    node, equals, value = text.partition("=")
    if not equals or not node:
        raise UsageError(f"--give: {text[:60]!r} is not NODE=JSON or NODE=@FILE")
    if value.startswith("@"):
        result = run_inputs.read_json(value[1:], "--give")
    else:
        try:
            result = run_inputs.parse_json(value)
        except ValueError as error:
            raise UsageError(
                f"--give: the result of {node} is not JSON: {error}",
                "a text is written with quotes of its own: --give NODE='\"text\"'",
            ) from None
    task = plan.tasks.get(node.rpartition("/")[2].partition("#")[0])
    if task is not None and task.output_schema is not None:
        try:
            SchemaChecker()(task, result)
        except SchemaMismatchError as error:
            raise UsageError(f"--give: {error}") from None
    return node, result


def local_preview(
    plan: Plan, report: Mapping[str, Any], request: Request, reads_storages: frozenset[str] = frozenset()
) -> Preview:
    """What is to be done to the run of a report. ``reads_storages`` are storages that are not mocked.

    Raises ``UsageError``.
    """
    from selinon_core.explaining.report_facts import ReportView
    from selinon_core.rerunning.definitions import Definitions
    from selinon_core.rerunning.preview import Preview
    from selinon_core.rerunning.recorded import Recorded
    from selinon_core.rerunning.request import RECORDED

    seen = ReportView(plan, report)
    masked = _Masked(plan)
    if request.args is RECORDED and masked.is_in(report.get("node_args")):
        raise UsageError("the report hides the arguments of the flow (global.redact)", "give them with -a")

    def why_missing(record: NodeRecord) -> str | None:
        if record.run.is_flow:
            return None
        task = plan.tasks.get(record.run.name)
        if task is None:
            return "its task is not in the files any more"
        if task.storage is None or task.storage in reads_storages or not masked.is_in(record.result):
            return None
        return "the report hides its result (global.redact)"

    definitions = Definitions(seen.definitions, plan)
    try:
        return Preview(
            Recorded(seen), plan, request, why_missing=why_missing, definitions=definitions, same=masked.same
        )
    except RequestError as error:
        raise UsageError(str(error), getattr(error, "hint", "")) from None


class _Masked:
    """Values that a report may hide."""

    def __init__(self, plan: Plan) -> None:
        from selinon_core.runtime.redaction import redaction

        self._patterns = plan.settings.redact
        self._redaction = redaction(self._patterns)

    def is_in(self, value: Any) -> bool:
        """Whether a part of a value is hidden."""
        if not self._patterns:
            return False
        from selinon_core.runtime.redaction import MASK, texts_in

        return any(MASK in text for text in texts_in(value))

    def same(self, recorded: Any, new: Any) -> bool:
        """Whether arguments are equal, as far as the recorded ones can be seen."""
        return bool(recorded == new or (self._patterns and recorded == self._redaction.masked(new)))
