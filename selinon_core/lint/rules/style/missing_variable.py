from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.placeholders import Placeholder, placeholders
from selinon_core.lint.rule import LintContext, Rule


class MissingVariable(Rule):
    """An environment variable that the configuration refers to is not set.

    What it does: Looks for ``{NAME}`` in queue names, ``migration_dir``, Sentry dsns, ``notify``, ``links``
    and storage configurations, and for the variables in the environment of the linter. Each is mentioned once.

    Why it is bad: Here it is information: drawings and runs with mocked storages go on with the placeholder.
    For a worker it is an error.

    Example:
        tasks:
          - name: Fetch
            import: shop
            queue: "{SHOP_PREFIX}_fetch"
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        tasks:
          - name: Fetch
            import: shop
            queue: "{{SHOP_PREFIX}}_fetch"  # literal braces
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL907"
    severity = Severity.INFO
    title = "environment variable that is not set"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        uses: dict[str, list[Placeholder]] = {}
        for placeholder in placeholders(project.model):
            if placeholder.name is not None and placeholder.name not in project.environ:
                uses.setdefault(placeholder.name, []).append(placeholder)
        for name, places in uses.items():
            first = min(places, key=lambda use: use.location.span)
            others = len(places) - 1
            more = f" ({others} more use{'s' if others > 1 else ''})" if others else ""
            yield self.found(
                first.location,
                f"the environment variable {name} is not set; it is used in {first.where}{more}",
                note=f"{{{name}}} stays as it is",
                help=f"{{{{{name}}}}} is how to write literal braces" if not others else "",
                related=[Related(use.location.span, "also used here") for use in places if use is not first][:1],
            )
