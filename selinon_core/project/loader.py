"""From paths to a compiled project: read the files, run the rules that a plan needs, compile.

``linting.lint_project`` does the same with every rule.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from selinon_core.config.model import ProjectModel
from selinon_core.config.model_builder import ModelBuilder, section_mappings
from selinon_core.config.pyproject import (
    ProjectSettings,
    configured_files,
    module_directories,
    project_settings,
)
from selinon_core.config.recognition import is_ours, misspelt_section, names_a_section
from selinon_core.config.yaml.document import Document, decode, document_from_data, read_document
from selinon_core.config.yaml.files import PathError, SourceFile, named_files, nodes_file_for, read_bytes
from selinon_core.config.yaml.nodes import MappingNode
from selinon_core.diagnostics import Diagnostic, Severity, has_errors, kinds, sort_diagnostics
from selinon_core.diagnostics.kinds import Collector
from selinon_core.diagnostics.location import FixedLocation, Span
from selinon_core.diagnostics.wording import question
from selinon_core.lint.rule import LintContext, Rule
from selinon_core.lint.selection import EVERYTHING, Selection
from selinon_core.lint.suppressions import Suppressed, suppress
from selinon_core.plan import Plan

if TYPE_CHECKING:
    from selinon_core.migrations.coverage import Deployment

#: Of a model, the root of its project and its migration directory: what is deployed, None when that is not known.
FindDeployment = Callable[[ProjectModel, str, str], "Deployment | None"]

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]

#: Rules that look at user code or at git: what they say does not keep a plan from being made.
_OUTSIDE_YAML = ("SEL6", "SEL7")


class Project:
    """What became of some YAML files.

    ``diagnostics`` are sorted by place; ``suppressed`` are those that comments in the files silence.
    ``plan`` is None when there are errors. ``files`` are the names of the files read, as diagnostics have
    them, ``sources`` their texts by that name. ``settings`` is what ``pyproject.toml`` says, ``pythonpath``
    where modules of the project are looked for.
    """

    __slots__ = (
        "diagnostics",
        "files",
        "model",
        "plan",
        "pythonpath",
        "settings",
        "sources",
        "suppressed",
    )

    def __init__(
        self,
        diagnostics: tuple[Diagnostic, ...],
        plan: Plan | None,
        model: ProjectModel,
        sources: Mapping[str, str],
        suppressed: tuple[Suppressed, ...] = (),
        settings: ProjectSettings | None = None,
        pythonpath: tuple[str, ...] = (),
    ) -> None:
        self.diagnostics = diagnostics
        self.plan = plan
        self.model = model
        self.files = model.files
        self.sources = sources
        self.suppressed = suppressed
        self.settings = settings
        self.pythonpath = pythonpath

    @property
    def ok(self) -> bool:
        """Whether there is a plan."""
        return self.plan is not None


class ReadProject:
    """Documents and the model made of them, before any rule."""

    __slots__ = ("collector", "documents", "model", "pythonpath", "settings", "sources")

    def __init__(
        self,
        documents: Sequence[Document],
        unreadable: Sequence[str],
        collector: Collector,
        settings: ProjectSettings | None = None,
        pythonpath: tuple[str, ...] = (),
        passed_over: Mapping[str, str] | None = None,
    ) -> None:
        builder = ModelBuilder(collector)
        for document in documents:
            builder.add(document)
        for name in unreadable:
            builder.add_unreadable(name)
        self.documents = documents
        self.collector = collector
        self.model = builder.model()
        self.settings = settings
        self.pythonpath = pythonpath
        self.sources = {**(passed_over or {}), **{document.file: document.text for document in documents}}


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


@contextmanager
def without_gc() -> Iterator[None]:
    """Hundreds of thousands of nodes without cycles: the cyclic collector only costs, more than the
    reading.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# --- reading ------------------------------------------------------------------------------------------------


def read_paths(paths: Paths, stdin: tuple[str, bytes] | None, pythonpath: Iterable[str]) -> ReadProject:
    """Read the files that ``paths`` name; ``stdin`` is a name and the content of one more."""
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    start = os.fspath(given[0]) if given else None
    if start is not None and not os.path.isdir(start):
        start = os.path.dirname(start) or None
    settings = project_settings(start)
    if given:
        files = named_files(given)
    elif stdin is not None:
        files = []
    elif settings.nodes or settings.flows:
        files = configured_files(settings)
    else:
        files = named_files(["."], follow_links=False)
    loader = _Loader()
    if stdin is not None:
        name, data = stdin
        files = [file for file in files if os.path.realpath(file.path) != os.path.realpath(name)]
        loader.take(SourceFile(name, name, True), data)
    for file in files:
        loader.load(file)
    if not loader.declares_tasks() and (files or stdin is not None):
        nodes = nodes_file_for(files[0].path if files else stdin[0])  # type: ignore[index]
        if nodes is not None and nodes.name not in loader.seen:
            loader.load(nodes, first=True)
    if not loader.documents and not loader.unreadable:
        raise PathError(
            "none of the YAML files has tasks, flows, storages, global or flow-definitions: "
            + ", ".join(file.name for file in files[:5])
            + (", ..." if len(files) > 5 else "")
        )
    roots = (*pythonpath, *module_directories(settings), settings.root)
    where = tuple(dict.fromkeys(os.path.abspath(path) for path in (*roots, os.getcwd())))
    return ReadProject(
        loader.documents, loader.unreadable, loader.collector, settings, where, passed_over=loader.passed_over
    )


class _Loader:
    """Files to documents; a file that was merely found and is none of ours leaves no trace."""

    def __init__(self) -> None:
        self.collector = Collector()
        self.documents: list[Document] = []
        self.unreadable: list[str] = []
        self.seen: set[str] = set()
        #: texts of files that are left out with a warning, by name
        self.passed_over: dict[str, str] = {}

    def load(self, file: SourceFile, first: bool = False) -> None:
        self.seen.add(file.name)
        try:
            data = read_bytes(file.path)
        except OSError as error:
            self.collector.add(
                kinds.UNREADABLE,
                FixedLocation(Span(file.name, 1, 1, 1, 1)),
                f"the file cannot be read: {error.strerror or error}",
            )
            self.unreadable.append(file.name)
            return
        self.take(file, data, first)

    def take(self, file: SourceFile, data: bytes, first: bool = False) -> None:
        collector = Collector()
        document = read_document(decode(data, file.name, collector), file.name, collector)
        unread = document.unread_from is not None or has_errors(collector.found)
        if file.explicit or is_ours(document) or (unread and names_a_section(document)):
            self.collector.found.extend(collector.found)
            self.documents.insert(0 if first else len(self.documents), document)
        elif (misspelt := misspelt_section(document)) is not None:
            written, meant = misspelt
            self.collector.add(
                kinds.UNKNOWN_SECTION,
                document.location(written),
                f'the file is passed over: it has no section "{meant}"',
                note="not a section",
                help=question(meant),
            )
            self.passed_over[document.file] = document.text

    def declares_tasks(self) -> bool:
        return any(
            type(root) is MappingNode and "tasks" in root.entries
            for document in self.documents
            for root, _ in section_mappings(document)
        )


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
    rules = [rule for rule in _rules() if everything or _needed_to_compile(rule)]
    if everything and not context.knows_selinon_1:
        rules = [rule for rule in rules if not rule.about_selinon_1 or selection.names(rule.code)]
    active = {rule.code for rule in rules} | {fault.code for fault in kinds.ALL_FAULTS}
    found = list(read.collector.found)
    for rule in rules:
        found.extend(rule.check(context))
    kept, silenced = suppress(sort_diagnostics(found), read.documents, active.__contains__, _is_rule)
    plan = None if has_errors(kept) else _compile(read.model, silenced)
    if not everything:
        kept = [diagnostic for diagnostic in kept if diagnostic.code not in _COMMENT_CODES]
        if plan is None:
            # A run has to say why there is no plan.
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
    )


#: What a plan cannot be used with: conditions and selective runs that lead nowhere end any run of it.
_UNUSABLE = ("SEL405", "SEL421", "SEL422")
#: About comments, which only a run of all rules can judge.
_COMMENT_CODES = (kinds.UNUSED_IGNORE.code, kinds.BAD_IGNORE.code)


def _rules() -> list[Rule]:
    from selinon_core.lint.registry import RULES

    return [rule() for rule in RULES]


def _is_rule(code: str) -> bool:
    from selinon_core.lint.registry import every_rule

    return any(rule.code == code for rule in every_rule())


def _needed_to_compile(rule: Rule) -> bool:
    return rule.severity is Severity.ERROR and not rule.code.startswith(_OUTSIDE_YAML)


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
