from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FlowDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.rule import LintContext, Rule


class LimitMistakes(Rule):
    """A limit of a flow lets nothing run, or its key is not one that runs can be counted by.

    What it does: Reports a `limit` whose `max` is below 1, and a `key` that is an empty text, a boolean or null.
    Warns where two flows have limits with the same key and another `max`.

    Why it is bad: With a `max` of 0 no run would ever begin. Runs are counted by the text of their key. All flows
    with the same key count together, and the `max` of the flow that was started last is the one that counts.

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
        first: dict[str, FlowDef] = {}
        for flow in project.model.flows:
            if flow.limit is None or (flow.merged and not flow.given("limit")):
                continue
            yield from self._of_flow(flow)
            key = None if flow.limit.key is None else flow.limit.key.value
            if not isinstance(key, str) or not flow.limit.max:
                continue
            other = first.setdefault(key, flow)
            if other.limit is not None and other.limit.max != flow.limit.max:
                yield self.found(
                    flow.limit.key_location("max"),
                    f'{flow.limit.max} runs are allowed under the key "{key}", and {other.limit.max} in flow '
                    f'"{other.name.name}"',
                    note="flows with the same key count together; the one that was started last says how many",
                    related=(Related(other.limit.key_location("max").span, "there"),),
                    severity=Severity.WARNING,
                )

    def _of_flow(self, flow: FlowDef) -> Iterator[Diagnostic]:
        limit = flow.limit
        assert limit is not None
        if limit.max == 0:
            yield self.found(
                limit.key_location("max"),
                "max has to be at least 1",
                note="no run would ever begin",
                help="to let no run begin for a while, pause the flow",
            )
        if limit.key is not None and (limit.key.value is None or isinstance(limit.key.value, bool)):
            yield self.found(
                limit.key_location("key"),
                "key has to be a text or a number",
                help='write what is counted: key: orders, or key: "${args.customer}"',
            )
        elif limit.key is not None and limit.key.value == "":
            yield self.found(limit.key_location("key"), "key is empty", help="write what is counted: key: orders")
