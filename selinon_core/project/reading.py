"""From paths to documents and the model made of them, before any rule has looked at it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from selinon_core.config.model_builder import ModelBuilder
from selinon_core.config.pyproject import (
    ProjectSettings,
    configured_case_files,
    configured_files,
    module_directories,
    project_settings,
)
from selinon_core.config.recognition import is_ours, misspelt_section, names_a_section, section_mappings
from selinon_core.config.yaml.document import Document, decode, read_document
from selinon_core.config.yaml.files import (
    PathError,
    SourceFile,
    is_case_file,
    named_files,
    nodes_file_for,
    read_bytes,
)
from selinon_core.config.yaml.nodes import MappingNode
from selinon_core.diagnostics import has_errors, kinds
from selinon_core.diagnostics.kinds import Collector
from selinon_core.diagnostics.location import FixedLocation, Span
from selinon_core.diagnostics.wording import question

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


class CaseSource(NamedTuple):
    """A case file that is not read yet. ``content`` is given for one that comes from stdin.

    ``text`` is read in the place of either.
    """

    file: SourceFile
    content: bytes | None = None
    text: str | None = None


class ReadProject:
    """Documents and the model made of them, before any rule. A plan needs no case files: they are not read."""

    __slots__ = ("_find_cases", "collector", "documents", "model", "pythonpath", "settings", "sources")

    def __init__(
        self,
        documents: Sequence[Document],
        unreadable: Sequence[str],
        collector: Collector,
        settings: ProjectSettings | None = None,
        pythonpath: tuple[str, ...] = (),
        passed_over: Mapping[str, str] | None = None,
        find_cases: Callable[[], Sequence[CaseSource]] = tuple,
    ) -> None:
        builder = ModelBuilder(collector)
        for document in documents:
            builder.add(document)
        for name in (*unreadable, *(passed_over or {})):
            builder.add_unreadable(name)
        self.documents = documents
        self.collector = collector
        self.model = builder.model()
        self.settings = settings
        self.pythonpath = pythonpath
        self._find_cases = find_cases
        self.sources = {**(passed_over or {}), **{document.file: document.text for document in documents}}

    def case_files(self) -> Sequence[CaseSource]:
        """The project's files with test cases."""
        return self._find_cases()


def read_paths(
    paths: Paths,
    stdin: tuple[str, bytes] | None,
    pythonpath: Iterable[str],
    texts: Mapping[str, str] | None = None,
) -> ReadProject:
    """Read the files that ``paths`` name; ``stdin`` is a name and the content of one more.

    ``texts``, by the names that messages give to files, are read in the place of what is in these files.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    start = os.fspath(given[0]) if given else None
    if start is not None and not os.path.isdir(start):
        start = os.path.dirname(start) or None
    settings = project_settings(start)
    cases: list[CaseSource] = []
    if stdin is not None and is_case_file(stdin[0]):
        cases.append(CaseSource(SourceFile(stdin[0], stdin[0], True), stdin[1]))
    files = named_files(given) if given else []
    if given and all(is_case_file(file.name) for file in files):
        cases += [CaseSource(file) for file in files]
        given = []  # the project is what it would be without them
    is_configured = False
    if not given and (stdin is None or cases):
        if settings.nodes or settings.flows:
            files, is_configured = configured_files(settings), not cases
        else:
            files = named_files(["."], follow_links=False)
    files = _without_cases(files, cases)
    loader = _Loader(texts)
    if stdin is not None and not is_case_file(stdin[0]):
        name, data = stdin
        files = [file for file in files if os.path.realpath(file.path) != os.path.realpath(name)]
        loader.take(SourceFile(name, name, True), data)
    for file in files:
        loader.load(file)
    if not loader.declares_tasks() and (files or (stdin is not None and loader.documents)):
        nodes = nodes_file_for(files[0].path if files else stdin[0])  # type: ignore[index]
        if nodes is not None and nodes.name not in loader.seen:
            loader.load(nodes, first=True)
    if not loader.documents and not loader.unreadable and not loader.passed_over:
        raise PathError(
            "none of the YAML files has tasks, flows, storages, global or flow-definitions: "
            + ", ".join(file.name for file in files[:5])
            + (", ..." if len(files) > 5 else "")
        )
    roots = (*pythonpath, *module_directories(settings), settings.root)
    where = tuple(dict.fromkeys(os.path.abspath(path) for path in (*roots, os.getcwd())))

    def find_cases() -> Sequence[CaseSource]:
        found = [CaseSource(file) for file in configured_case_files(settings)] if is_configured else cases
        return [case._replace(text=texts.get(case.file.name)) for case in found] if texts else found

    return ReadProject(
        loader.documents, loader.unreadable, loader.collector, settings, where, loader.passed_over, find_cases
    )


def _without_cases(files: Sequence[SourceFile], cases: list[CaseSource]) -> list[SourceFile]:
    """The files of the project; case files among them go to ``cases``, each once."""
    known = {os.path.realpath(case.file.path) for case in cases}
    rest = []
    for file in files:
        if not is_case_file(file.name):
            rest.append(file)
        elif os.path.realpath(file.path) not in known:
            cases.append(CaseSource(file))
    return rest


@contextmanager
def without_gc() -> Iterator[None]:
    """Hundreds of thousands of nodes without cycles: the cyclic collector only costs, more than the
    reading.

    What was made meanwhile counts as old behind it. As young objects all of it would be walked at once, by the
    collection that is due as soon as the collector is on again.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if gc.get_freeze_count() == 0:  # what an application has frozen stays frozen
                gc.freeze()
                gc.unfreeze()  # into the oldest generation
            gc.enable()


class _Loader:
    """Reads files into documents. A file that the user did not name and that is not a project file is left out."""

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        self.texts: Mapping[str, str] = texts or {}
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
        text = self.texts.get(file.name)
        if text is None:
            text = decode(data, file.name, collector)
        document = read_document(text, file.name, collector)
        unread = document.unread_from is not None or has_errors(collector.found)
        if file.explicit or is_ours(document) or (unread and names_a_section(document)):
            self.collector.found.extend(collector.found)
            self.documents.insert(0 if first else len(self.documents), document)
        elif (misspelt := misspelt_section(document)) is not None:
            written, meant = misspelt
            self.collector.add(
                kinds.NO_SECTION,
                document.location(written),
                f'the file is passed over: it has no section "{meant}"',
                note="not a section",
                help=question(meant, written=str(written.value), known=(meant,)),
            )
            self.passed_over[document.file] = document.text

    def declares_tasks(self) -> bool:
        return any(
            type(root) is MappingNode and "tasks" in root.entries
            for document in self.documents
            for root, _ in section_mappings(document)
        )
