from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef, FlowDef, ImportDef, NameRef, TaskDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.location import Span
from selinon_core.lint.code.symbols import ResultRead
from selinon_core.lint.rule import LintContext, Rule


class DiscardedResult(Rule):
    """A result is read that is discarded.

    What it does: Looks at the code of what an edge starts: a task that calls
    ``self.parent_task_result("Fetch")``, or a foreach function that calls ``storage_pool.get("Fetch")``,
    where ``Fetch`` is a source of the edge and has no storage, or a read-only one. Names that are not written
    out are not followed.

    Why it is bad: The result of a task without storage is discarded, so reading it fails.

    Example:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args):
        #           return {"pages": 3}
        #   class Store(SelinonTask):
        #       def run(self, node_args):
        #           return self.parent_task_result("Fetch")["pages"]
        tasks:
          - name: Fetch
            import: shop
          - name: Store
            import: shop
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store

    Use instead:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args):
        #           return {"pages": 3}
        #   class Store(SelinonTask):
        #       def run(self, node_args):
        #           return self.parent_task_result("Fetch")["pages"]
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - name: Fetch
            import: shop
            storage: Results
          - name: Store
            import: shop
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
    """

    code = "SEL423"
    severity = Severity.WARNING
    title = "discarded result that is read"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        reported: set[tuple[str, str, Span]] = set()
        for flow in project.model.flows:
            for edge in flow.edges:
                for source in edge.sources or ():
                    task = project.model.task_by_name.get(source.name)
                    if task is None or not _discards(task):
                        continue
                    for reader, function, refs in _readers(project, flow, edge):
                        for read in _results_read(project, function):
                            key = (source.name, reader, read.span)
                            if read.name == source.name and not read.of_flow and key not in reported:
                                reported.add(key)
                                yield self._report(source, task, reader, refs, read.span)

    def _report(self, source: NameRef, task: TaskDef, reader: str, ref: NameRef, span: Span) -> Diagnostic:
        why = "has no storage" if task.storage is None else "has a read-only storage"
        return self.found(
            ref.location,
            f'{reader} reads the result of "{source.name}", which {why}',
            note="the result is discarded",
            help=f'give task "{source.name}" a storage' if task.storage is None else "",
            related=(
                Related(span, "it is read here"),
                Related(task.name.span, f'task "{source.name}" is defined here'),
            ),
        )


def _discards(task: TaskDef) -> bool:
    return task.storage_readonly if task.storage is not None else not task.has_value("storage")


def _readers(project: LintContext, flow: FlowDef, edge: EdgeDef) -> Iterator[tuple[str, ImportDef, NameRef]]:
    if edge.foreach is not None and edge.foreach.function is not None:
        function = edge.foreach.function
        yield f'foreach function "{function.name.name}"', function, function.name
    for ref in dict.fromkeys(edge.destinations or ()):
        task = project.model.task_by_name.get(ref.name)
        if task is not None and task.function is not None:
            yield f'task "{ref.name}"', task.function, ref


def _results_read(project: LintContext, function: ImportDef) -> tuple[ResultRead, ...]:
    symbol = project.code.lookup(function.module.name, function.name.name)
    return () if symbol is None else project.code.results_read(symbol)
