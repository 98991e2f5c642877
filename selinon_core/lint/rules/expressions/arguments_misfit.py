from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef, ForeachItemsDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.location import SourceLocation
from selinon_core.expressions.type_fit import MAY_BE_MISSING, MAY_BE_NULL, MISSING, UNKNOWN, Misfit, misfits
from selinon_core.lint.analysis.dataflow.findings import Given
from selinon_core.lint.rule import LintContext, Rule


class ArgumentsMisfit(Rule):
    """Arguments do not fit the `input_schema` of the node that gets them.

    What it does: Compares `args` of edges and failures, and the items of a foreach without `args`, with the
    `input_schema` of each destination: keys that are missing, keys that there are not, and types. What may be
    missing, or null, is a warning.

    Why it is bad: The node fails before it starts.

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
    severity = Severity.ERROR
    title = "arguments that do not fit"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for given in project.dataflow.given:
            found = list(misfits(given.type, given.takes.type))
            unknown = {misfit.path[-1] for misfit in found if misfit.kind == UNKNOWN}
            for misfit in found:
                yield self._report(project, given, misfit, unknown)

    def _report(self, project: LintContext, given: Given, misfit: Misfit, unknown: set[str | int]) -> Diagnostic:
        node = project.model.node(given.node)
        assert node is not None
        source = given.takes.source
        related = (Related(node.key_location("input_schema").span, f'the arguments of "{given.node}"'),)
        name = _written(misfit.path)
        help = ""
        severity = Severity.ERROR
        if misfit.kind in (MISSING, MAY_BE_MISSING):
            verb = "is" if misfit.kind == MISSING else "may be"
            message = f'"{name}" {verb} missing in the arguments of "{given.node}"'
            note = f"expected {misfit.wanted}"
            severity = Severity.ERROR if misfit.kind == MISSING else Severity.WARNING
            help = f'add "{misfit.path[-1]}"' if misfit.kind == MISSING and not unknown else ""
        elif misfit.kind == UNKNOWN:
            message = f'"{given.node}" takes no argument "{name}"'
            note = f"it takes {', '.join(misfit.names) or 'none'}" + (f" ({source})" if source else "")
            help = project.did_you_mean(f"arguments {misfit.names}", str(misfit.path[-1]), misfit.names)
        elif misfit.kind == MAY_BE_NULL:
            message = f'{_subject(name)} of "{given.node}" may be null'
            note = f"expected {misfit.wanted}"
            severity = Severity.WARNING
        else:
            message = f'{_subject(name)} of "{given.node}" is {misfit.given}, not {misfit.wanted}'
            note = f"expected {misfit.wanted}"
        return self.found(_place(given, misfit), message, note=note, help=help, related=related, severity=severity)


def _subject(name: str) -> str:
    return f'the argument "{name}"' if name else "the argument"


def _written(path: tuple[str | int, ...]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _place(given: Given, misfit: Misfit) -> SourceLocation:
    """Where the argument is written: its value, or its key where that is unknown; the nearest thing around it."""
    template = given.template
    if template is None:
        foreach = given.entry.foreach if isinstance(given.entry, EdgeDef) else None
        if isinstance(foreach, ForeachItemsDef) and foreach.expression is not None:
            return foreach.expression.location
        return given.entry.location
    path: list[str | int] = []
    value = template.value
    for part in misfit.path:
        within = isinstance(value, dict) and part in value
        if not within and not (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            break
        value = value[part]
        path.append(part)
    if not path and misfit.kind == MISSING:
        return given.entry.key_location("args")
    key, location = template.at(tuple(path))
    return key if misfit.kind in (UNKNOWN, MISSING) else location
