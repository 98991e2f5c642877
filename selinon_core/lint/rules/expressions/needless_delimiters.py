from __future__ import annotations

import re
from collections.abc import Iterator

from selinon_core.config.model import TemplateDef
from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.diagnostics.kinds import shorten
from selinon_core.lint.rule import LintContext, Rule

#: A text that is a path: a name and keys behind it.
_PATH = r"[^\W\d]\w*(?:\.[^\W\d]\w*)+"
#: A path, perhaps in the delimiters of shells and of formats, as a whole text.
_WHOLE = re.compile(rf"({_PATH})|\{{({_PATH})\}}|\$\(({_PATH})\)|\$({_PATH})|%\(({_PATH})\)s")
#: One in the delimiters of Jinja, anywhere in a text.
_WITHIN = re.compile(rf"(?<!\$)\{{\{{\s*({_PATH})\s*\}}\}}")
_FOREIGN = "only ${ } makes an expression"
#: Names of expressions that paths begin with, besides those of nodes.
_NAMES = frozenset({"args", "vars", "env", "failed", "flow", "item", "all", "last", "results"})


class NeedlessDelimiters(Rule):
    """A condition or a foreach is written as `${...}`, or a value of a template is not.

    What it does: Reports `${` and `}` around the whole text of a condition or a foreach. A text in `args` or
    `output` that looks like a path (`Fetch.count`) is a warning, also in the delimiters of other tools
    (`{{ Fetch.count }}`, `{Fetch.count}`, `$(Fetch.count)`, `$Fetch.count`).

    Why it is bad: These texts are always expressions, and `$` is not a sign of the language. Templates (`args` and
    `output`) have `${...}`, because they are texts otherwise: a node gets the text instead of the value.

    Example:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition: ${Fetch.count > 3}

    Use instead:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition: Fetch.count > 3
    """

    code = "SEL446"
    severity = Severity.ERROR
    title = "delimiters around an expression"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            for template in (
                *(e.args for e in flow.edges),
                *(f.args for f in flow.failures),
                flow.output,
                flow.labels,
                None if flow.limit is None else flow.limit.key,
            ):
                if template is not None:
                    yield from self._forgotten(project, template)
        for task in project.model.tasks:
            if task.wait is not None and task.wait.title is not None:
                yield from self._forgotten(project, task.wait.title)
            if task.limit is not None and task.limit.key is not None:
                yield from self._forgotten(project, task.limit.key)

    def _forgotten(self, project: LintContext, template: TemplateDef) -> Iterator[Diagnostic]:
        """Texts of a template that are paths."""
        stack: list[tuple[tuple[str | int, ...], object]] = [((), template.value)]
        while stack:
            path, value = stack.pop()
            if isinstance(value, dict):
                stack.extend(((*path, key), part) for key, part in value.items())
            elif isinstance(value, list):
                stack.extend(((*path, position), part) for position, part in enumerate(value))
            elif isinstance(value, str) and (found := _meant(value)) is not None:
                name, written, note = found
                if name not in _NAMES and project.model.node(name) is None:
                    continue
                location = template.at(path)[1]
                quoted = None if set(written) & set('"\\\n') else location.rewritten(f'"{written}"')
                yield self.found(
                    location,
                    f'"{shorten(value)}" is a text here, not the value of an expression',
                    note=note,
                    help=f"write {shorten(written)}",
                    severity=Severity.WARNING,
                    fixes=() if quoted is None else fixes_of((f"write {written}", False, quoted)),
                )


def _meant(text: str) -> tuple[str, str, str] | None:
    """The name that a path in a text begins with, the text as it is meant, and what is wrong with it."""
    whole, within = _WHOLE.fullmatch(text), _WITHIN.search(text)
    if whole is not None:
        path = str(whole[whole.lastindex or 0])
        return path.partition(".")[0], f"${{{path}}}", "it has no ${ }" if path == text else _FOREIGN
    if within is not None:
        return within[1].partition(".")[0], _WITHIN.sub(r"${\1}", text), _FOREIGN
    return None
