from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FlowDef
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule

_MOST = 8
#: Parts of names of what must not be shown to all who list runs.
_SECRET = ("password", "passwd", "secret", "token", "api_key", "apikey", "credential")


class LabelMistakes(Rule):
    """A label of a flow cannot find a run, or should not.

    What it does: Reports `labels` that are not a mapping, values other than texts, numbers and booleans, more than
    8 of them, and names that sound like a secret.

    Why it is bad: A run is found by the text of a label. Other values are left out, and so is the ninth label.
    Labels are shown to all who may list runs.

    Example:
        flow-definitions:
          - name: order
            labels: {customer: [acme]}
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: order
            labels: {customer: "${args.customer}"}
            edges:
              - from:
                to: Fetch
    """

    code = "SEL828"
    severity = Severity.ERROR
    title = "labels that find no run"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            if flow.labels is not None:
                yield from self._of_flow(project, flow)

    def _of_flow(self, project: LintContext, flow: FlowDef) -> Iterator[Diagnostic]:
        assert flow.labels is not None
        values = flow.labels.value
        if not isinstance(values, dict):
            location = flow.key_location("labels")
            yield self.found(location, "labels has to be a mapping", help="write labels: {customer: ...}")
            return
        for number, (name, value) in enumerate(values.items()):
            key, location = flow.labels.at((name,))
            if isinstance(value, dict | list) or value is None:
                yield self.found(
                    location,
                    f'label "{name}" is not a text, number or boolean',
                    note="it would be left out",
                    help='write one value: "${args.customer}"',
                )
            if number >= _MOST:
                yield self.found(
                    key or location,
                    f'label "{name}" is one more than the {_MOST} that a flow may have',
                    note="it is left out",
                    severity=Severity.WARNING,
                )
            if any(part in str(name).lower() for part in _SECRET):
                yield self.found(
                    key or location,
                    f'label "{name}" sounds like a secret',
                    note="labels are shown to all who may list runs",
                    severity=Severity.WARNING,
                )
