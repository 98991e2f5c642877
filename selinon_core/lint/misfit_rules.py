"""What the rules about values and their schemas have in common: a misfit as a diagnostic, where it is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from selinon_core.config.model import TemplateDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.location import SourceLocation
from selinon_core.expressions.type_fit import MAY_BE_MISSING, MAY_BE_NULL, MISSING, UNKNOWN, Misfit
from selinon_core.lint.rule import LintContext, Rule


class Compared(NamedTuple):
    """What is compared with a schema, in the words of messages, and where it is written.

    ``whole`` is the value (``the arguments``), ``part`` what it, or a part of it, is called (``the argument``),
    ``owner`` whose it is. ``unknown`` begins the message about a key that the schema does not have, ``knows`` the
    note with the keys that it has; ``source`` is the file of the schema. ``key`` is where the value is given,
    ``template`` what is written there; without a template everything is at ``key``. ``note`` says where such a
    value comes from, ``help`` how to add a key. ``most`` is the severity of what certainly does not fit.
    """

    owner: str
    whole: str
    part: str
    unknown: str
    knows: str
    key: SourceLocation
    template: TemplateDef | None
    related: tuple[Related, ...]
    source: str = ""
    note: str = ""
    help: str = ""
    most: Severity = Severity.ERROR


class MisfitRule(Rule):
    """A rule that reports values which a schema does not take."""

    severity = Severity.ERROR

    def misfits_found(
        self, project: LintContext, compared: Compared, found: Iterable[Misfit]
    ) -> Iterable[Diagnostic]:
        """The diagnostics of one value. An error is one only if no value fits; lists may have no items."""
        misfits = list(found)
        unknown = any(misfit.kind == UNKNOWN for misfit in misfits)
        for misfit in misfits:
            yield self._diagnostic(project, compared, misfit, unknown)

    def _diagnostic(self, project: LintContext, compared: Compared, misfit: Misfit, unknown: bool) -> Diagnostic:
        name = written(misfit.path)
        subject = f'{compared.part} "{name}"' if name else compared.part
        owner, note, help = f'of "{compared.owner}"', compared.note or f"expected {misfit.wanted}", ""
        if misfit.kind in (MISSING, MAY_BE_MISSING):
            verb = "is" if misfit.kind == MISSING else "may be"
            message = f'"{name}" {verb} missing in {compared.whole} {owner}'
            if misfit.kind == MISSING and not unknown:
                help = compared.help or f'add "{misfit.path[-1]}"'
        elif misfit.kind == UNKNOWN:
            message = f'{compared.unknown} "{name}"'
            note = f"{compared.knows} {', '.join(misfit.names) or 'none'}"
            note += f" ({compared.source})" if compared.source else ""
            help = project.did_you_mean(f"keys {misfit.names}", str(misfit.path[-1]), misfit.names)
        elif misfit.kind == MAY_BE_NULL:
            message = f"{subject} {owner} may be null"
        else:
            verb = "is" if misfit.certain else "may be"
            message = f"{subject} {owner} {verb} {misfit.given}, not {misfit.wanted}"
        is_error = misfit.certain and not misfit.may_be_absent
        severity = compared.most if is_error else Severity.WARNING
        location = _place(compared, misfit)
        return self.found(location, message, note=note, help=help, related=compared.related, severity=severity)


def written(path: tuple[str | int, ...]) -> str:
    """A path as it is written in expressions."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _place(compared: Compared, misfit: Misfit) -> SourceLocation:
    """Where the value is written: it, or its key where that is unknown; the nearest thing around it."""
    template = compared.template
    if template is None:
        return compared.key
    path: list[str | int] = []
    value = template.value
    for part in misfit.path:
        within = isinstance(value, dict) and part in value
        if not within and not (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            break
        value = value[part]
        path.append(part)
    if not path and misfit.kind == MISSING:
        return compared.key
    key, location = template.at(tuple(path))
    return key if misfit.kind in (UNKNOWN, MISSING) else location
