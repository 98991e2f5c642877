from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.placeholders import placeholders
from selinon_core.lint.rule import LintContext, Rule


class MalformedPlaceholder(Rule):
    """Braces that look like a placeholder and are none.

    What it does: Looks for braces around something else than a plain name in queue names, ``migration_dir``
    and Sentry dsns.

    Why it is bad: ``{NAME}`` is replaced by an environment variable. Attributes, indexes, formats and numbers
    are not understood; such text stays as it is.

    Example:
        tasks:
          - name: Fetch
            import: shop
            queue: "{SHOP.PREFIX}_fetch"
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        tasks:
          - name: Fetch
            import: shop
            queue: "shop_fetch"
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL908"
    severity = Severity.WARNING
    title = "braces that are no placeholder"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for placeholder in placeholders(project.model):
            # In a storage's configuration braces are often a text of their own, such as JSON.
            if placeholder.name is None and "storage" not in placeholder.where:
                yield self.found(
                    placeholder.location,
                    f'"{placeholder.text}" in {placeholder.where} is not replaced',
                    note="expected the name of an environment variable in braces",
                    help="{{ and }} are how to write literal braces",
                )
