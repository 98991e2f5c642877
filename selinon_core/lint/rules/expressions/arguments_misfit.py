from __future__ import annotations

from collections.abc import Iterator, Sequence

from selinon_core.config.model import EdgeDef, ForeachItemsDef, TaskDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.location import SourceLocation
from selinon_core.expressions.type_fit import MAY_BE_MISSING, MISSING, UNKNOWN, Misfit, misfits
from selinon_core.lint.analysis.dataflow.findings import Given
from selinon_core.lint.code.symbols import Symbol
from selinon_core.lint.misfit_rules import Compared, MisfitRule
from selinon_core.lint.rule import LintContext


class ArgumentsMisfit(MisfitRule):
    """Arguments do not fit the `input_schema` of the node that gets them, or the annotations of `run`.

    What it does: Compares what edges and failures give their nodes with the `input_schema` of each: keys that
    are missing, keys that there are not, and types. That are `args`; without them the items of the foreach, for
    tasks and the sub-flows of `propagate_node_args` the arguments of the flow, and for other sub-flows nothing.
    What depends on the values, as something that may be missing or null, is a warning, and so is what is wrong
    with a key that may be missing. Where a task has no `input_schema`, the annotations of the keyword-only
    parameters of `run` take its place; a value of another type than the annotation is an error with
    `typed_tasks`, and a warning without: Python does not look at it.

    Why it is bad: The node fails before it starts, or `run` gets what it was not written for.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: order
                args: {numbr: 7}
          - name: order
            input_schema:
              type: object
              properties: {number: {type: integer}}
              required: [number]
              additionalProperties: false
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: order
                args: {number: 7}
          - name: order
            input_schema:
              type: object
              properties: {number: {type: integer}}
              required: [number]
              additionalProperties: false
            edges:
              - from:
                to: Fetch
    """

    code = "SEL443"
    title = "arguments that do not fit"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for given in project.dataflow.given:
            found = list(misfits(given.type, given.takes.type))
            if not found:
                continue
            node = project.model.node(given.node)
            assert node is not None
            if node.input_schema is not None:
                declared = Related(node.key_location("input_schema").span, f'the arguments of "{given.node}"')
                yield from self.misfits_found(project, _compared(given, declared), found)
            elif isinstance(node, TaskDef):
                yield from self._parameters(project, given, _run_of(project, node), found)

    def _parameters(
        self, project: LintContext, given: Given, run: Related, found: Sequence[Misfit]
    ) -> Iterator[Diagnostic]:
        """Arguments that do not fit the parameters of ``run``."""
        compared = _compared(given, run)
        if not _keys_are_compared(given):
            calls = [misfit for misfit in found if _fails_the_call(misfit)]
            yield from self.misfits_found(project, compared, calls)
        else:
            whole = [misfit for misfit in found if not misfit.path]
            maybe = [misfit for misfit in found if len(misfit.path) == 1 and misfit.kind == MAY_BE_MISSING]
            yield from self.misfits_found(project, compared, [*whole, *maybe])
        is_typed = project.model.settings.typed_tasks
        for misfit in found:
            if not _fails_the_call(misfit):
                # How classes convert what is inside of them is their own affair.
                most = Severity.ERROR if is_typed and len(misfit.path) == 1 else Severity.WARNING
                yield from self.misfits_found(project, compared._replace(most=most), [misfit])


def _fails_the_call(misfit: Misfit) -> bool:
    """Whether ``run`` cannot be called at all, whatever its annotations say."""
    return not misfit.path or (len(misfit.path) == 1 and misfit.kind in (MISSING, MAY_BE_MISSING, UNKNOWN))


def _keys_are_compared(given: Given) -> bool:
    """Whether the rule about keywords of ``run`` compares the keys: those that are written, or of the flow."""
    if given.template is not None:
        return isinstance(given.template.value, dict)
    return not _has_items(given)


def _run_of(project: LintContext, task: TaskDef) -> Related:
    function = task.function
    assert function is not None
    cls = project.code.lookup(function.module.name, function.name.name)
    run = project.code.method(cls, "run") if isinstance(cls, Symbol) else None
    span = task.name.span if run is None else run.span
    return Related(span, f"run of {task.name.name} is here")


def _compared(given: Given, declared: Related) -> Compared:
    note = help = ""
    if given.template is None and not _has_items(given):
        note, help = _without_args(given)
    location = given.entry.key_location("args") if given.template is not None else _started_at(given)
    return Compared(
        given.node,
        "the arguments",
        "the argument",
        f'"{given.node}" takes no argument',
        "it takes",
        location,
        given.template,
        (declared,),
        given.takes.source,
        note,
        help,
    )


def _has_items(given: Given) -> bool:
    return isinstance(given.entry, EdgeDef) and isinstance(given.entry.foreach, ForeachItemsDef)


def _without_args(given: Given) -> tuple[str, str]:
    """Where arguments come from that are not written, and what to do about missing ones."""
    if given.flow is None:
        help = f'give the edge "args", or name "{given.node}" in propagate_node_args'
        return 'a sub-flow gets no arguments without "args"', help
    name = given.flow.name.name
    return f"it gets the arguments of {name}", f'give the edge "args", or add it to the input_schema of {name}'


def _started_at(given: Given) -> SourceLocation:
    foreach = given.entry.foreach if isinstance(given.entry, EdgeDef) else None
    if isinstance(foreach, ForeachItemsDef) and foreach.expression is not None:
        return foreach.expression.location
    return given.ref.location
