from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.rule import LintContext, Rule


class PredicateSignature(Rule):
    """A predicate of the project has parameters that cannot be given by name.

    What it does: Looks at the parameters of the predicates that conditions call. Each predicate is mentioned
    once.

    Why it is bad: Predicates are called with keyword arguments: ``args`` as configured, and ``message`` and
    ``node_args`` if they are among the parameters. A positional-only parameter cannot be given that way.

    Example:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args):
        #           return {"pages": 1}
        # checks.py
        #   def is_large(message, /):
        #       return message["pages"] > 100
        global:
          predicates_module: checks
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - name: Fetch
            import: shop
            storage: Results
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Fetch
                condition:
                  name: is_large

    Use instead:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args):
        #           return {"pages": 1}
        # checks.py
        #   def is_large(message):
        #       return message["pages"] > 100
        global:
          predicates_module: checks
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - name: Fetch
            import: shop
            storage: Results
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Fetch
                condition:
                  name: is_large
    """

    code = "SEL606"
    severity = Severity.ERROR
    title = "predicate with wrong parameters"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        predicates = project.predicates
        if predicates.module is None:
            return
        seen: set[str] = set()
        for use in project.leaf_uses:
            name = use.leaf.name.name
            if name in seen or predicates.is_shipped(name):
                continue
            seen.add(name)
            signature, symbol = predicates.signature(name), predicates.symbol(name)
            if signature is None or symbol is None or signature.required <= signature.by_name:
                continue
            yield self.found(
                use.leaf.name.location,
                f'predicate "{name}" has parameters that cannot be given by name',
                note="called with keyword arguments",
                related=(Related(symbol.span, f"it is defined here, with {signature}"),),
            )
