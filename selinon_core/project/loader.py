"""From paths to a compiled project: read the files, run the rules that a plan needs, compile.

``linting.lint_project`` does the same with every rule.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from selinon_core.config.model import ProjectModel
from selinon_core.config.pyproject import (
    ProjectSettings,
)
from selinon_core.config.yaml.document import document_from_data, read_document
from selinon_core.diagnostics import Diagnostic, Severity, has_errors, kinds, sort_diagnostics
from selinon_core.diagnostics.kinds import Collector
from selinon_core.lint.rule import LintContext, Rule
from selinon_core.lint.selection import EVERYTHING, Selection
from selinon_core.lint.suppressions import NamedIgnore, Suppressed, named_ignores, suppress
from selinon_core.project.reading import Paths, ReadProject, read_paths, without_gc

if TYPE_CHECKING:
    from selinon_core.migrations.coverage import Deployment
    from selinon_core.plan import Plan

#: Of a model, the root of its project and its migration directory: what is deployed, None when that is not known.
FindDeployment = Callable[[ProjectModel, str, str], "Deployment | None"]


class Project:
    """What became of some YAML files.

    ``diagnostics`` are sorted by place; ``suppressed`` are those that comments in the files silence.
    ``plan`` is None when there are errors; it is made when it is first asked for. ``files`` are the names of the
    files read, as diagnostics have them, ``sources`` their texts by that name. ``settings`` is what
    ``pyproject.toml`` says, ``pythonpath`` where modules of the project are looked for. ``named_ignores`` are
    comments that silence what other commands than lint find.
    """

    __slots__ = (
        "_compiled",
        "diagnostics",
        "files",
        "model",
        "named_ignores",
        "pythonpath",
        "settings",
        "sources",
        "suppressed",
    )

    def __init__(
        self,
        diagnostics: tuple[Diagnostic, ...],
        plan: Callable[[], Plan | None],
        model: ProjectModel,
        sources: Mapping[str, str],
        suppressed: tuple[Suppressed, ...] = (),
        settings: ProjectSettings | None = None,
        pythonpath: tuple[str, ...] = (),
        named_ignores: tuple[NamedIgnore, ...] = (),
    ) -> None:
        self.diagnostics = diagnostics
        self._compiled = plan
        self.model = model
        self.files = model.files
        self.sources = sources
        self.suppressed = suppressed
        self.settings = settings
        self.pythonpath = pythonpath
        self.named_ignores = named_ignores

    @property
    def plan(self) -> Plan | None:
        """What the files mean, for everything that runs or draws flows."""
        return self._compiled()

    @property
    def ok(self) -> bool:
        """Whether there is a plan."""
        return self.plan is not None


def compile_project(
    paths: Paths = (),
    *,
    pythonpath: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Project:
    """Read, check for errors and compile the project in ``paths`` (files and directories).

    Without paths, ``[tool.selinon]`` of the nearest ``pyproject.toml`` says which, else it is the working
    directory. Checks of user code, warnings and information are left to ``lint_project``. Raises
    ``PathError`` for paths that do not exist; mistakes in the files are diagnostics.
    """
    with without_gc():
        return judge(read_paths(paths, None, pythonpath), environ, everything=False)


def compile_text(
    texts: Mapping[str, str], *, lint: bool = False, environ: Mapping[str, str] | None = None
) -> Project:
    """Read, check and compile files given as texts by name; with ``lint``, run every rule."""
    collector = Collector()
    documents = [read_document(text, name, collector) for name, text in texts.items()]
    return judge(ReadProject(documents, (), collector), environ, everything=lint)


def compile_data(
    *parts: Mapping[str, Any], name: str = "<config>", environ: Mapping[str, str] | None = None
) -> Project:
    """Read, check and compile what files would hold, given as mappings; they are not changed."""
    collector = Collector()
    documents = [document_from_data(part, name, collector) for part in parts]
    return judge(ReadProject(documents, (), collector), environ, everything=False)


# --- judging ------------------------------------------------------------------------------------------------


def _none_known(model: ProjectModel, root: str, migrations: str) -> Deployment | None:
    return None


def judge(
    read: ReadProject,
    environ: Mapping[str, str] | None,
    *,
    everything: bool,
    selection: Selection = EVERYTHING,
    import_code: bool = False,
    deployment: FindDeployment = _none_known,
) -> Project:
    """Run the rules over a model and compile it.

    ``deployment`` finds what is deployed, for a model, the root of the project and its migration directory.
    """
    root = read.settings.root if read.settings is not None else "."
    context = LintContext(
        read.model,
        root=root,
        pythonpath=read.pythonpath,
        environ=os.environ if environ is None else environ,
        import_code=import_code,
        deployment=lambda directory: deployment(read.model, root, directory),
    )
    rules = _rules(read.model) if everything else _rules_of_plans(read.model)
    if everything:
        rules = [rule for rule in rules if _is_wanted(rule, context) or selection.names(rule.code)]
    active = {rule.code for rule in rules} | {fault.code for fault in kinds.ALL_FAULTS}
    found = list(read.collector.found)
    for rule in rules:
        found.extend(rule.check(context))
    kept, silenced = suppress(sort_diagnostics(found), read.documents, active.__contains__, _is_rule)
    failed, of_rules = has_errors(kept), silenced

    @cache
    def plan() -> Plan | None:
        return None if failed else _compile(read.model, of_rules)

    case_files = read.case_files() if everything else ()
    if case_files:
        from selinon_core.project.case_lint import lint_case_files  # few projects have any

        of_cases, silenced_there = lint_case_files(read, case_files, plan(), active.__contains__, _is_rule)
        kept, silenced = [*kept, *of_cases], [*silenced, *silenced_there]
    if not everything:
        kept = [diagnostic for diagnostic in kept if diagnostic.code not in _COMMENT_CODES]
        if plan() is None:
            # A run has to report why there is no plan.
            kept += [s.diagnostic for s in silenced if s.diagnostic.severity is Severity.ERROR]
            silenced = [s for s in silenced if s.diagnostic.severity is not Severity.ERROR]
    return Project(
        sort_diagnostics(d for d in kept if selection.wants(d)),
        plan,
        read.model,
        read.sources,
        tuple(s for s in silenced if selection.wants(s.diagnostic)),
        read.settings,
        read.pythonpath,
        named_ignores(read.documents),
    )


#: What a plan cannot be used with: conditions and selective runs that lead nowhere end any run of it.
_UNUSABLE = ("SEL405", "SEL421", "SEL422")
#: About comments, which only a run of all rules can judge.
_COMMENT_CODES = (kinds.UNUSED_IGNORE.code, kinds.BAD_IGNORE.code)


def _rules(model: ProjectModel) -> list[Rule]:
    from selinon_core.lint.registry import project_rules

    return [rule() for rule in project_rules(model)]


def _rules_of_plans(model: ProjectModel) -> list[Rule]:
    from selinon_core.lint.registry import rules_of_plans

    return [rule() for rule in rules_of_plans(model) if rule.severity is Severity.ERROR]


def _is_rule(code: str) -> bool:
    from selinon_core.lint.registry import every_rule

    return any(rule.code == code for rule in every_rule())


def _compile(model: ProjectModel, silenced: Sequence[Suppressed]) -> Plan | None:
    """The plan; None when an error that is silenced keeps it from being made."""
    from selinon_core.project.compiler import compile_model

    if any(s.diagnostic.code in _UNUSABLE for s in silenced):
        return None
    try:
        return compile_model(model)
    except ValueError:
        if not any(s.diagnostic.severity is Severity.ERROR for s in silenced):
            raise
        return None


def _is_wanted(rule: Rule, context: LintContext) -> bool:
    """Whether a rule is for this project without being asked for."""
    return not rule.is_optional and (not rule.about_selinon_1 or context.knows_selinon_1)
