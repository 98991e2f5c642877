from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.configured import Callee, argument_faults
from selinon_core.lint.rule import LintContext, Rule


class ConfiguredClass(Rule):
    """A storage or cache class of the project cannot be built from its configuration.

    What it does: Compares ``configuration`` with the parameters of ``__init__`` in the class, or in the base class
    that has it. A class with a metaclass, a decorator or ``__new__`` may be built in other ways: nothing is said.

    Why it is bad: The first task that uses the storage fails, on a worker perhaps long after the deployment.

    Example:
        # shop.py
        #   from selinon import DataStorage, SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args):
        #           return 1
        #   class Archive(DataStorage):
        #       def __init__(self, directory):
        #           self.directory = directory
        storages:
          - name: Archive
            import: shop
            configuration: {directry: /srv/archive}
        tasks:
          - {name: Fetch, import: shop, storage: Archive}
        flow-definitions:
          - name: nightly
            edges: [{from: , to: Fetch}]

    Use instead:
        # shop.py
        #   from selinon import DataStorage, SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args):
        #           return 1
        #   class Archive(DataStorage):
        #       def __init__(self, directory):
        #           self.directory = directory
        storages:
          - name: Archive
            import: shop
            configuration: {directory: /srv/archive}
        tasks:
          - {name: Fetch, import: shop, storage: Archive}
        flow-definitions:
          - name: nightly
            edges: [{from: , to: Fetch}]
    """

    code = "SEL610"
    severity = Severity.ERROR
    title = "class that cannot be built from its configuration"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for call in project.configured(Callee.OWN_CLASS):
            for fault in argument_faults(call):
                yield self.found(
                    fault.location, fault.message, note=fault.note, help=fault.help, related=call.related
                )
