from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule

#: What is about running code, and what a wait has in its place.
_OF_CODE = {
    "import": "nothing runs",
    "classname": "nothing runs",
    "max_retry": "nothing is tried again",
    "retry": "nothing is tried again",
    "retry_countdown": "nothing is tried again",
    "timeout": "it is the time-out of an attempt",
    "queue": "no message is sent",
    "throttling": "nothing is started",
    "limit": "nothing is started",
    "input_schema": "nothing takes the arguments",
}


class WaitAndCode(Rule):
    """A task with `wait` has a key that is about running code.

    What it does: Reports `import`, `classname`, `max_retry`, `retry_countdown`, `retry`, `timeout`, `queue`,
    `throttling`, `limit` and `input_schema` beside `wait`.

    Why it is bad: A task with `wait` runs nothing, so the key has no effect, although one was expected.

    Example:
        tasks:
          - name: Approve
            wait: {title: "Ship the order?"}
            timeout: 86400
        flow-definitions:
          - name: order
            timeout: 90000
            edges:
              - from:
                to: Approve

    Use instead:
        tasks:
          - name: Approve
            wait: {title: "Ship the order?", timeout: 86400}
        flow-definitions:
          - name: order
            timeout: 90000
            edges:
              - from:
                to: Approve
    """

    code = "SEL824"
    severity = Severity.ERROR
    title = "wait beside what runs code"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for task in project.model.tasks:
            if task.wait is None:
                continue
            for key, why in _OF_CODE.items():
                if not task.given(key):
                    continue
                help = "write it into wait: {timeout: ...}" if key == "timeout" else f'remove "{key}"'
                if key == "import":
                    help = 'remove "import", or "wait" if the task runs code'
                yield self.found(
                    task.key_location(key),
                    f'task "{task.name.name}" waits for a signal and has "{key}"',
                    note=why,
                    help=help,
                    related=(Related(task.key_location("wait").span, "the task waits here"),),
                    fixes=fixes_of((f'remove "{key}"', False, task.without(key))),
                )
