from __future__ import annotations

from collections.abc import Iterator, Sequence

from selinon_core.config.model import EdgeDef, FailureDef, FlowDef, NameRef, TemplateDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.wording import did_you_mean, plural, question, quoted
from selinon_core.lint.code.symbols import Kind, Symbol
from selinon_core.lint.rule import LintContext, Rule


class KeywordArguments(Rule):
    """``args`` of an edge do not fit the parameters of ``run``.

    What it does: Compares the keys of ``args`` with the keyword-only parameters of ``run`` in the classes of the
    tasks that the edge or the fallback starts. Without ``args`` these are the keys of the arguments of the flow,
    as far as its ``input_schema`` requires or excludes them. A decorated method may have other parameters than it
    shows, and nothing is said.

    Why it is bad: A ``run`` whose parameters are all keyword-only is called with the keys of its arguments. With a
    key that it does not take, or without one that it needs, every run of the task fails at once.

    Example:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, *, number): ...
        tasks:
          - name: Fetch
            import: shop
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
                args: {nmber: 7}

    Use instead:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, *, number): ...
        tasks:
          - name: Fetch
            import: shop
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
                args: {number: 7}
    """

    code = "SEL612"
    severity = Severity.ERROR
    title = "args that run does not take"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            for edge in flow.edges:
                yield from self._started(project, edge, edge.destinations or ())
                if edge.foreach is None or not edge.foreach.propagate_result:
                    yield from self._unwritten(project, flow, edge, edge.destinations or ())
            for failure in flow.failures:
                yield from self._started(project, failure, failure.fallback or ())
                yield from self._unwritten(project, flow, failure, failure.fallback or ())

    def _started(
        self, project: LintContext, entry: EdgeDef | FailureDef, started: Sequence[NameRef]
    ) -> Iterator[Diagnostic]:
        args = entry.args
        if args is None or not isinstance(args.value, dict):
            return
        for name in dict.fromkeys(ref.name for ref in started):
            run = _run_by_name(project, name)
            if run is not None:
                yield from self._compared(args, args.value, name, run, entry, _filled_in(project, name))

    def _unwritten(
        self, project: LintContext, flow: FlowDef, entry: EdgeDef | FailureDef, started: Sequence[NameRef]
    ) -> Iterator[Diagnostic]:
        """Tasks that get the arguments of the flow."""
        if flow.input_schema is None or entry.has_value("args"):
            return
        for ref in {ref.name: ref for ref in reversed(started)}.values():
            run = _run_by_name(project, ref.name)
            if run is None:
                continue
            unknown, missing = _misfits(project, flow, entry, ref.name, run)
            related = (Related(run.span, f"run of {ref.name} is here"),)
            note = f"it gets the arguments of {flow.name.name}"
            for verb, names in (("does not take", unknown), ("needs", missing)):
                if names:
                    message = f'run of "{ref.name}" {verb} {plural("argument", names)}'
                    yield self.found(
                        ref.location, message, note=note, help='give the edge "args"', related=related
                    )

    def _compared(
        self,
        args: TemplateDef,
        given: dict[str, object],
        task: str,
        run: Symbol,
        entry: EdgeDef | FailureDef,
        filled_in: frozenset[str],
    ) -> Iterator[Diagnostic]:
        called = run.signature
        assert called is not None
        related = (Related(run.span, f"run of {task} is here"),)
        missing = [name for name in sorted(called.required - filled_in) if name not in given]
        for name in given:
            if name in called.by_name or called.takes_more_by_name:
                continue
            free = [one for one in sorted(called.by_name) if one not in given]
            meant = did_you_mean(name, missing) or did_you_mean(name, free)
            if meant in missing:
                missing.remove(meant)
            yield self.found(
                args.at((name,))[0],
                f'run of "{task}" does not take an argument "{name}"',
                note="not a parameter of run",
                help=question(meant, written=name, known=free) or f"it takes {quoted(sorted(called.by_name))}",
                related=related,
            )
        if missing:
            yield self.found(
                entry.key_location("args"),
                f'run of "{task}" needs {plural("argument", missing)}',
                note="not given",
                help=f"add {quoted(missing)} to args",
                related=related,
            )


def _run_by_name(project: LintContext, name: str) -> Symbol | None:
    """``run`` of a task that is called with the keys of its arguments; None for any other node."""
    task = project.model.task_by_name.get(name)
    function = None if task is None else task.function
    if function is None:
        return None
    symbol = project.code.lookup(function.module.name, function.name.name)
    if symbol is None or symbol.kind is not Kind.CLASS:
        return None
    run = project.code.method(symbol, "run")
    return run if run is not None and run.signature is not None and run.signature.is_by_name else None


def _misfits(
    project: LintContext, flow: FlowDef, entry: EdgeDef | FailureDef, task: str, run: Symbol
) -> tuple[list[str], list[str]]:
    """The keys that the arguments of a flow certainly have and ``run`` does not take, and the other way round."""
    from selinon_core.expressions.types import ObjectType

    called, dataflow = run.signature, project.dataflow
    given = dataflow.without_args(flow, entry, task, dataflow.facts_of(entry)).type
    keys = given.members[0] if len(given.members) == 1 and not given.loose else None
    if called is None or not isinstance(keys, ObjectType):
        return [], []
    unknown = [] if called.takes_more_by_name else sorted(keys.required - called.by_name)
    needed = called.required - _filled_in(project, task)
    return unknown, [key for key in sorted(needed) if keys.value_of(key).is_never]


def _filled_in(project: LintContext, name: str) -> frozenset[str]:
    """The arguments of a task that its ``input_schema`` has defaults for."""
    task = project.model.task_by_name[name]
    if task.input_schema is None:
        return frozenset()
    from selinon_core.expressions.types import ObjectType

    members = project.schema_types.of(task.input_schema, filled=True).type.members
    return frozenset(key for one in members if isinstance(one, ObjectType) for key in one.with_default)
