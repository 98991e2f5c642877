from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.lint.analysis.placeholders import Odd, placeholders
from selinon_core.lint.rule import LintContext, Rule


class MalformedPlaceholder(Rule):
    """Braces that look like a placeholder and are not one.

    What it does: Looks for braces around something else than a plain name, and for single braces, in queue names,
    ``migration_dir``, Sentry dsns, ``notify`` and ``links``; there and in configurations of storages also for
    ``${NAME}``.

    Why it is bad: ``{NAME}`` is replaced by an environment variable. Attributes, indexes, formats and numbers
    are not understood, and such text stays as it is. So does a dollar sign in front of the braces.

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
    title = "braces that are not a placeholder"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for placeholder in placeholders(project.model):
            text, where = placeholder.text, placeholder.where
            literal = "{{ and }} are how to write literal braces"
            if placeholder.odd is Odd.DOLLAR:
                yield self.found(
                    placeholder.location,
                    f'the dollar sign of "{text}" in {where} stays where it is',
                    note="placeholders are written without it",
                    help=f"write {text[1:]}",
                    fixes=fixes_of(
                        (f"write {text[1:]}", False, placeholder.location.respelled(text, text[1:])),
                    ),
                )
            elif placeholder.odd is None or "storage" in where:
                continue  # in a storage's configuration braces are often a text of their own, such as JSON
            elif placeholder.odd is Odd.CONTENT:
                yield self.found(
                    placeholder.location,
                    f'"{text}" in {where} is not replaced',
                    note="expected the name of an environment variable in braces",
                    help=literal,
                )
            else:
                yield self.found(
                    placeholder.location,
                    f'a single "{text}" in {where} stays as it is',
                    note="the other brace is missing",
                    help=literal,
                )
