from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule

_DAY = 86400.0
#: The default of ``selinon_index_ttl``; the files do not know another one.
_LISTED = 90 * _DAY


class KeepTooLong(Rule):
    """`keep` of a flow, or a webhook of `notify`, does not do what it seems to.

    What it does: Reports a `keep` of more than 90 days, one that keeps failures for a shorter time than
    successes, and a webhook without a secret.

    Why it is bad: The index lists a run that ended for `selinon_index_ttl`, by default 90 days. Behind that, the
    state is in the store, and is found by its id only. `selinon retry` needs the state of a failed run, and a
    failure takes longer to be looked at: the two times are probably the wrong way round.
    Every sender that has the URL of a webhook can post notices to it; a secret lets its receiver tell them apart.

    Example:
        flow-definitions:
          - name: order
            keep: {success: 30d, failure: 1d}
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: order
            keep: {success: 1d, failure: 30d}
            edges:
              - from:
                to: Fetch
    """

    code = "SEL830"
    severity = Severity.WARNING
    title = "runs that are kept too long, or not long enough; notices without a secret"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for notify in project.model.settings.notify or ():
            if notify.webhook is not None and not notify.given("secret"):
                yield self.found(
                    notify.key_location("webhook"),
                    "the notices for this webhook are not signed",
                    note="its receiver cannot tell who sent a notice",
                    help='add secret: "{NAME}", and set the environment variable NAME for workers',
                )
        for flow in project.model.flows:
            keep = flow.keep or {}
            longest = max(keep.values(), default=0.0)
            if longest > _LISTED:
                yield self.found(
                    flow.key_location("keep"),
                    f"keep is {longest / _DAY:g} days, and the index lists a run for 90",
                    note="unless selinon_index_ttl is longer",
                )
            if "success" in keep and "failure" in keep and keep["failure"] < keep["success"]:
                yield self.found(
                    flow.key_location("keep"),
                    "keep holds successes for longer than failures",
                    note="a failed run can be retried for as long as it is kept",
                    help="are the two the wrong way round?",
                )
