"""What a rule is, and what it gets to look at.

A rule is a class: a code, a severity, a title, a docstring with fixed headings, and ``check``. ::

    class UnknownNode(Rule):
        \"""A name in a flow is neither a task nor a flow.

        What it does: ...            (any number of lines; a heading stands at the start of a line)

        Why it is bad: ...

        Example: ...                 (YAML)

        Use instead: ...             (YAML)
        \"""

        code = "SEL201"
        severity = Severity.ERROR
        title = "unknown node"

        def check(self, project: LintContext) -> Iterator[Diagnostic]:
            for flow in project.model.flows:
                ...
                yield self.found(ref.location, f'unknown node "{ref.name}"', note="no task or flow has this name")

Rules hold no state, see a project only through the context, and never raise. What several rules need is
computed once, in the context.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from selinon_core.config.model import FlowDef, ProjectModel, StorageDef, TaskDef
from selinon_core.diagnostics import Diagnostic, Fix, Related, Severity
from selinon_core.diagnostics.location import SourceLocation
from selinon_core.diagnostics.wording import Suggester, question, spelling_fixes
from selinon_core.lint.analysis.code_uses import CodeUse, code_uses, modules_named
from selinon_core.lint.analysis.configured import Callee, Configured, configured
from selinon_core.lint.analysis.constants import ConstantPart, constant_parts
from selinon_core.lint.analysis.facts import FlowGraph
from selinon_core.lint.analysis.parents import Parents
from selinon_core.lint.analysis.predicates import Predicates
from selinon_core.lint.analysis.requirements import Exclusions
from selinon_core.lint.analysis.uses import LeafUse, leaf_uses
from selinon_core.lint.code.finder import FORMERLY
from selinon_core.lint.code.index import CodeIndex

if TYPE_CHECKING:
    from selinon_core.lint.analysis.dataflow.findings import Dataflow
    from selinon_core.lint.analysis.dataflow.schema_types import SchemaTypes
    from selinon_core.migrations.coverage import Deployment

#: The headings of a rule's docstring, in order.
HEADINGS = ("What it does", "Why it is bad", "Example", "Use instead")


class LintContext:
    """What rules look at: the model, the surroundings, and indexes that are computed when first asked for.

    ``pythonpath`` are directories in which modules of the project are looked for (the project's root
    included); ``root`` is the directory relative paths refer to; ``environ`` the environment variables.
    ``import_code`` asks the 6xx rules to import user code instead of parsing it. ``deployment`` gives what is
    deployed, for a directory of migrations; None where that is not known.
    """

    def __init__(
        self,
        model: ProjectModel,
        *,
        root: str = ".",
        pythonpath: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
        import_code: bool = False,
        deployment: Callable[[str], Deployment | None] = lambda directory: None,
    ) -> None:
        self.model = model
        self.root = root
        self.pythonpath = pythonpath
        self.environ: Mapping[str, str] = environ if environ is not None else {}
        self.import_code = import_code
        self.deployment = deployment

    def is_known(self, name: str) -> bool:
        """Return whether a node has the name, or may have it in text that could not be read."""
        model = self.model
        return name in model.task_by_name or name in model.flow_by_name or name in model.maybe_defined

    def may_be_flow(self, name: str) -> bool:
        """Return whether a flow has the name, or may have it in text that could not be read."""
        return name in self.model.flow_by_name or name in self.model.maybe_defined

    @cached_property
    def _facts(self) -> Mapping[int, FlowGraph]:
        predicates = self.predicates
        return {id(flow): FlowGraph(flow, self.is_known, predicates) for flow in self.model.flows}

    def facts(self, flow: FlowDef) -> FlowGraph:
        """What starts what in a flow definition (names may repeat, definitions do not)."""
        return self._facts[id(flow)]

    @cached_property
    def _exclusions(self) -> Mapping[int, Exclusions]:
        flows = self.model.flows
        return {id(flow): Exclusions(flow, self.facts(flow), self.predicates) for flow in flows}

    def exclusions(self, flow: FlowDef) -> Exclusions:
        """Which nodes of a flow exclude each other."""
        return self._exclusions[id(flow)]

    @cached_property
    def parents(self) -> Parents:
        """Whose results nodes may be given."""
        return Parents(self.model, self.facts, self.is_known)

    @cached_property
    def code(self) -> CodeIndex:
        """The project's Python code: parsed, or imported when that was asked for."""
        if self.import_code:
            from selinon_core.lint.code.imported import ImportedCode

            return ImportedCode(self.pythonpath)
        return CodeIndex(self.pythonpath)

    @cached_property
    def knows_selinon_1(self) -> bool:
        """Whether the project, or code that it names, imports ``selinon``, the package of Selinon 1.x."""
        modules = modules_named(self.model)
        return any(_is_of_selinon_1(module) for module in modules) or any(
            _is_of_selinon_1(imported) for module in modules for imported in self.code.imports(module)
        )

    @cached_property
    def predicates(self) -> Predicates:
        """The predicates that conditions may name."""
        module = self.model.settings.predicates_module
        return Predicates(None if module is None or not module.name else module.name, self.code)

    @cached_property
    def _suggester(self) -> Suggester:
        return Suggester()

    def closest(self, kind: str, name: str, known: Collection[str]) -> str | None:
        """The known name that is probably meant, None if none is close; see ``did_you_mean``."""
        return self._suggester.closest(kind, name, known)

    def did_you_mean(self, kind: str, name: str, known: Collection[str]) -> str:
        """``did you mean "..."?``, or nothing; ``kind`` says what is named, ``known`` all names of the kind."""
        return question(self.closest(kind, name, known), written=name, known=self._misspelt(name, known))

    def did_you_mean_one_of(
        self, kind: str, name: str, known: Mapping[str, TaskDef | FlowDef | StorageDef]
    ) -> str:
        """``did_you_mean`` for what is defined in the files, with the place."""
        close = self.closest(kind, name, known)
        place = "" if close is None else str(known[close].name.location.place)
        return question(close, place, written=name, known=self._misspelt(name, known))

    def _misspelt(self, name: str, known: Collection[str]) -> Collection[str] | None:
        """What a name that no node has can be a misspelling of."""
        return None if self.is_known(name) else known

    @cached_property
    def nodes(self) -> Mapping[str, TaskDef | FlowDef]:
        """Every task and flow by name; a task hides a flow of its name."""
        return {**self.model.flow_by_name, **self.model.task_by_name}

    @cached_property
    def leaf_uses(self) -> tuple[LeafUse, ...]:
        """Every predicate call of every flow, with what it is the condition of."""
        return tuple(leaf_uses(self.model))

    @cached_property
    def code_uses(self) -> tuple[CodeUse, ...]:
        """The classes and functions of user code that are named, each once per role."""
        return tuple(code_uses(self.model))

    @cached_property
    def _configured(self) -> tuple[Configured, ...]:
        return tuple(configured(self.model, self.predicates, self.code))

    def configured(self, *callees: Callee) -> Iterator[Configured]:
        """The calls of some kinds that get arguments from the configuration; without kinds all of them."""
        return (call for call in self._configured if not callees or call.callee in callees)

    @cached_property
    def schema_types(self) -> SchemaTypes:
        """The types of the schemas that are named."""
        from selinon_core.lint.analysis.dataflow.schema_types import SchemaTypes  # many projects have no schemas

        return SchemaTypes(self.code)

    @cached_property
    def dataflow(self) -> Dataflow:
        """What expressions read and give, and what is wrong with them."""
        from selinon_core.lint.analysis.dataflow.findings import Dataflow  # most projects have no expressions

        return Dataflow(self.model, self.facts, self.schema_types)

    @cached_property
    def constant_parts(self) -> tuple[ConstantPart, ...]:
        """What of the conditions never or always holds."""
        steps = (step for flow in self.model.flows for step in self.facts(flow).steps)
        return tuple(constant_parts(steps))


def _is_of_selinon_1(module: str) -> bool:
    return module.partition(".")[0] in ("selinon", FORMERLY)


class Rule:
    """One check. Subclasses set the class attributes and override ``check``."""

    #: ``SELnnn``, never used for anything else.
    code: ClassVar[str]
    severity: ClassVar[Severity]
    #: The fault in a few words, for ``--list-rules``.
    title: ClassVar[str]
    #: Whether it is about what differs from Selinon 1.x, which concerns projects that were written for it.
    about_selinon_1: ClassVar[bool] = False
    #: Whether it is asked for by its code only (``--select``).
    is_optional: ClassVar[bool] = False

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        """Yield what is wrong; the default, for faults that the reader reports itself, is nothing."""
        return iter(())

    def found(
        self,
        location: SourceLocation,
        message: str,
        *,
        note: str = "",
        help: str = "",
        related: Iterable[Related] = (),
        severity: Severity | None = None,
        fixes: tuple[Fix, ...] = (),
    ) -> Diagnostic:
        """Make a diagnostic of this rule at ``location``; uses of an alias become related places."""
        return diagnose(
            self.code,
            severity or self.severity,
            location,
            message,
            note=note,
            help=help,
            related=related,
            fixes=fixes,
        )

    @classmethod
    def explanation(cls) -> dict[str, str]:
        """The docstring in parts, by heading; the first line stands under ``""``. Prose is wrapped again."""
        import inspect
        import textwrap

        parts: dict[str, list[str]] = {"": []}
        current = parts[""]
        for line in inspect.cleandoc(cls.__doc__ or "").splitlines():
            heading = next((h for h in HEADINGS if line.startswith(h + ":")), None)
            if heading is not None:
                current = parts.setdefault(heading, [])
                line = line[len(heading) + 1 :].lstrip()
            current.append(line)
        texts = {heading: "\n".join(lines).strip("\n") for heading, lines in parts.items()}
        for heading in ("What it does", "Why it is bad"):
            paragraphs = texts.get(heading, "").split("\n\n")
            wrapped = (textwrap.fill(p, 100, break_on_hyphens=False) for p in paragraphs)
            texts[heading] = "\n\n".join(wrapped)
        return texts


def diagnose(
    code: str,
    severity: Severity,
    location: SourceLocation,
    message: str,
    *,
    note: str = "",
    help: str = "",
    related: Iterable[Related] = (),
    fixes: tuple[Fix, ...] = (),
) -> Diagnostic:
    """Make a diagnostic at ``location``; where an alias or merge key leads to it, the use is a related place.

    A help that asks "did you mean" is the first fix.
    """
    uses = tuple(Related(use, "used here") for use in location.alias_path)
    offered = (*spelling_fixes(severity, location, help), *fixes)
    return Diagnostic(code, severity, message, location.span, note, help, (*related, *uses), offered)
