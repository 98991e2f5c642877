from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FlowDef, LimitDef, TaskDef, TaskLimitDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.rule import LintContext, Rule


class LimitMistakes(Rule):
    """A limit of a flow or a task lets nothing run, or its key is not one that runs can be counted by.

    What it does: Reports a `limit` whose `max` is below 1, and a `key` that is an empty text, a boolean or null.
    Warns where two flows, or two tasks, have limits with the same key and another `max`.

    Why it is bad: With a `max` of 0 no run would ever begin. Runs are counted by the text of their key. All flows
    with the same key count together, and so do all tasks. Of two values of `max` the one counts that was asked
    with last.

    Example:
        flow-definitions:
          - name: order
            limit: {key: orders, max: 0}
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: order
            limit: {key: orders, max: 10}
            edges:
              - from:
                to: Fetch
    """

    code = "SEL826"
    severity = Severity.ERROR
    title = "a limit that cannot be kept"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        flows: dict[str, tuple[FlowDef | TaskDef, LimitDef | TaskLimitDef]] = {}
        for flow in project.model.flows:
            if flow.limit is not None and not (flow.merged and not flow.given("limit")):
                help = "to let no run begin for a while, pause the flow"
                yield from self._of_limit(flow.limit, help, "customer")
                yield from self._same_key(flow, flow.limit, "flow", "runs", flows)
        tasks: dict[str, tuple[FlowDef | TaskDef, LimitDef | TaskLimitDef]] = {}
        for task in project.model.tasks:
            if task.limit is not None:
                yield from self._of_limit(task.limit, "write how many attempts there may be at once", "account")
                yield from self._same_key(task, task.limit, "task", "attempts", tasks)

    def _same_key(
        self,
        owner: FlowDef | TaskDef,
        limit: LimitDef | TaskLimitDef,
        kind: str,
        what: str,
        first: dict[str, tuple[FlowDef | TaskDef, LimitDef | TaskLimitDef]],
    ) -> Iterator[Diagnostic]:
        key = None if limit.key is None else limit.key.value
        if not isinstance(key, str) or not limit.max:
            return
        other, there = first.setdefault(key, (owner, limit))
        if there.max != limit.max:
            last = "started" if kind == "flow" else "run"
            yield self.found(
                limit.key_location("max"),
                f'{limit.max} {what} are allowed under the key "{key}", and {there.max} in {kind} '
                f'"{other.name.name}"',
                note=f"{kind}s with the same key count together; the one that was {last} last says how many",
                related=(Related(there.key_location("max").span, "there"),),
                severity=Severity.WARNING,
            )

    def _of_limit(self, limit: LimitDef | TaskLimitDef, help: str, example: str) -> Iterator[Diagnostic]:
        if limit.max == 0:
            yield self.found(
                limit.key_location("max"), "max has to be at least 1", note="no run would ever begin", help=help
            )
        if limit.key is not None and (limit.key.value is None or isinstance(limit.key.value, bool)):
            yield self.found(
                limit.key_location("key"),
                "key has to be a text or a number",
                help=f'write what is counted: key: orders, or key: "${{args.{example}}}"',
            )
        elif limit.key is not None and limit.key.value == "":
            yield self.found(limit.key_location("key"), "key is empty", help="write what is counted: key: orders")
