from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import ImportDef, NameRef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.wording import quoted
from selinon_core.lint.code.symbols import ResultRead
from selinon_core.lint.rule import LintContext, Rule


class ParentNotGiven(Rule):
    """Code asks for the result of a node that is never a parent.

    What it does: Looks at the code of tasks (``self.parent_task_result("Fetch")``,
    ``self.parent_flow_result("fetching", "Fetch")``) and of foreach functions (``storage_pool.get("Fetch")``). A
    node has the sources of the edge that started it as parents. It is reported where no edge or fallback, in no
    flow, can give the parent to any task of the class. Names that are not written out are not followed, and
    calls in ``try`` or behind a question about ``self.parent`` are left out.

    Why it is bad: The call fails, and the task or the flow with it. Mostly an edge was changed and the code not.

    Example:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args):
        #           return {"pages": 3}
        #   class Parse(SelinonTask):
        #       def run(self, node_args):
        #           return {"words": 100}
        #   class Store(SelinonTask):
        #       def run(self, node_args):
        #           return self.parent_task_result("Fetch")["pages"]
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - {name: Fetch, import: shop, storage: Results}
          - {name: Parse, import: shop, storage: Results}
          - {name: Store, import: shop}
        flow-definitions:
          - name: nightly
            edges:
              - {from: , to: Fetch}
              - {from: Fetch, to: Parse}
              - {from: Parse, to: Store}

    Use instead:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args):
        #           return {"pages": 3}
        #   class Parse(SelinonTask):
        #       def run(self, node_args):
        #           return {"words": 100}
        #   class Store(SelinonTask):
        #       def run(self, node_args):
        #           return self.parent_task_result("Fetch")["pages"]
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - {name: Fetch, import: shop, storage: Results}
          - {name: Parse, import: shop, storage: Results}
          - {name: Store, import: shop}
        flow-definitions:
          - name: nightly
            edges:
              - {from: , to: Fetch}
              - {from: Fetch, to: Parse}
              - {from: [Fetch, Parse], to: Store}
    """

    code = "SEL424"
    severity = Severity.WARNING
    title = "result of a node that is never a parent"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for reader, function, ref, parents in (*_tasks(project), *_foreach_functions(project)):
            symbol = project.code.lookup(function.module.name, function.name.name)
            for read in () if symbol is None else project.code.results_read(symbol):
                if read.name not in parents and not read.guarded:
                    yield self._report(project, reader, ref, read, parents)

    def _report(
        self, project: LintContext, reader: str, ref: NameRef, read: ResultRead, parents: frozenset[str]
    ) -> Diagnostic:
        close = project.did_you_mean("parent", read.name, tuple(sorted(parents)))
        given = f"it is given {quoted(sorted(parents))}" if parents else "it is given no results"
        return self.found(
            ref.location,
            f'{reader} asks for the result of "{read.name}", which is never given to it',
            note="no edge leads from there",
            help=close or (given if len(parents) <= MOST_SHOWN else ""),
            related=(Related(read.span, "it is asked for here"),),
        )


MOST_SHOWN = 6

_Reader = tuple[str, ImportDef, NameRef, frozenset[str]]


def _tasks(project: LintContext) -> Iterator[_Reader]:
    """The task classes, with the possible parents of all tasks of the class: its code may distinguish them."""
    by_class: dict[tuple[str, str], list[tuple[NameRef, ImportDef]]] = {}
    for task in project.model.tasks:
        if task.function is not None:
            key = (task.function.module.name, task.function.name.name)
            by_class.setdefault(key, []).append((task.name, task.function))
    for tasks in by_class.values():
        ref, function = tasks[0]
        symbol = project.code.lookup(function.module.name, function.name.name)
        if symbol is None or not project.code.results_read(symbol):
            continue
        parents = [project.parents.of_node(task.name) for task, _ in tasks]
        started = any(project.parents.is_started(task.name) for task, _ in tasks)
        if started and None not in parents:
            yield f'task "{ref.name}"', function, ref, frozenset().union(*(p for p in parents if p is not None))


def _foreach_functions(project: LintContext) -> Iterator[_Reader]:
    """The foreach functions, with what all edges together hand to them."""
    found: dict[tuple[str, str], tuple[ImportDef, list[frozenset[str] | None]]] = {}
    for flow in project.model.flows:
        for edge in flow.edges:
            function = None if edge.foreach is None else edge.foreach.function
            if function is not None:
                key = (function.module.name, function.name.name)
                found.setdefault(key, (function, []))[1].append(project.parents.of_edge(flow, edge))
    for function, parents in found.values():
        if None not in parents:
            names = frozenset().union(*(p for p in parents if p is not None))
            yield f'foreach function "{function.name.name}"', function, function.name, names
