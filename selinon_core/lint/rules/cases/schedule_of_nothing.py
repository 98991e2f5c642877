from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class ScheduleOfNothing(Rule):
    """A schedule names node runs that no run of the flow can have.

    What it does: Looks up the nodes and flows that the entries of `schedule` name: the last word of each, without
    its number.

    Why it is bad: A deviation that meets nothing is ignored when the case is run, so that the case shows something
    easier than it was written for. The flow has changed since.

    Example:
        flow: order
        tests:
          - name: storing is undone by a crash
            schedule: [{crash: {after: commit, in: Stroe#1}}]
            expect: {ends: once, same_as: undisturbed}

    Use instead:
        flow: order
        tests:
          - name: storing is undone by a crash
            schedule: [{crash: {after: commit, in: Store#1}}]
            expect: {ends: once, same_as: undisturbed}
    """

    code = "SEL808"
    severity = Severity.WARNING
    title = "schedule of nothing"
