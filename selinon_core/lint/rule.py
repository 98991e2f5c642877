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
                yield self.found(ref.spot, f'unknown node "{ref.name}"', note="no task or flow has this name")

Rules hold no state, see a project only through the context, and never raise. What several rules need is
computed once, in the context.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import ClassVar

from selinon_core.config.model import EdgeDef, FlowDef, ProjectModel, Ref
from selinon_core.config.spots import Spot
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.suggestions import did_you_mean

__all__ = ["HEADINGS", "FlowGraph", "LintContext", "Rule", "diagnose", "did_you_mean"]

#: The headings of a rule's docstring, in order.
HEADINGS = ("What it does", "Why it is bad", "Example", "Use instead")


class LintContext:
    """What rules look at: the model, the surroundings, and indexes that are computed when first asked for.

    ``pythonpath`` are directories in which modules of the project are looked for (the project's root
    included); ``root`` is the directory relative paths refer to; ``environ`` the environment variables.
    ``import_code`` asks the 6xx rules to import user code instead of parsing it.
    """

    def __init__(
        self,
        model: ProjectModel,
        *,
        root: str = ".",
        pythonpath: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
        import_code: bool = False,
    ) -> None:
        self.model = model
        self.root = root
        self.pythonpath = pythonpath
        self.environ: Mapping[str, str] = environ if environ is not None else {}
        self.import_code = import_code

    def is_known(self, name: str) -> bool:
        """Tell whether a node has the name, or may have it in text that could not be read."""
        model = self.model
        return name in model.task_by_name or name in model.flow_by_name or name in model.maybe_defined

    @cached_property
    def graphs(self) -> Mapping[int, FlowGraph]:
        """The indexes of every flow definition, by ``id`` of the ``FlowDef`` (names may repeat)."""
        return {id(flow): FlowGraph(flow) for flow in self.model.flows}

    def graph(self, flow: FlowDef) -> FlowGraph:
        """The indexes of a flow."""
        return self.graphs[id(flow)]

    @cached_property
    def used_nodes(self) -> frozenset[str]:
        """The names that any flow starts or lists as source."""
        return frozenset(name for graph in self.graphs.values() for name in (*graph.started, *graph.sources))


class FlowGraph:
    """Lookups for one flow; broken parts are left out. Every mapping goes by node name.

    ``started_by_edges``: the edges that start a node. ``by_source``: the edges a node is a source of.
    ``fallbacks``: the names fallbacks start. ``complete`` is False when an edge or failure could not be
    read, so that something may be started that is not seen here.
    """

    __slots__ = ("by_source", "complete", "fallbacks", "flow", "start_edges", "started_by_edges")

    def __init__(self, flow: FlowDef) -> None:
        self.flow = flow
        self.started_by_edges: dict[str, list[EdgeDef]] = {}
        self.by_source: dict[str, list[EdgeDef]] = {}
        self.start_edges: list[EdgeDef] = []
        self.fallbacks: dict[str, Ref] = {}
        self.complete = not (flow.edges_broken or flow.failures_broken)
        for edge in flow.edges:
            if edge.sources is None or edge.destinations is None:
                self.complete = False
            if edge.is_start:
                self.start_edges.append(edge)
            for name in dict.fromkeys(ref.name for ref in edge.sources or ()):
                self.by_source.setdefault(name, []).append(edge)
            for name in dict.fromkeys(ref.name for ref in edge.destinations or ()):
                self.started_by_edges.setdefault(name, []).append(edge)
        for failure in flow.failures:
            if failure.fallback is None:
                self.complete = False
            for ref in failure.fallback or ():
                self.fallbacks.setdefault(ref.name, ref)

    @property
    def started(self) -> frozenset[str]:
        """The names that edges or fallbacks start."""
        return frozenset((*self.started_by_edges, *self.fallbacks))

    @property
    def sources(self) -> frozenset[str]:
        """The names that are a source of some edge."""
        return frozenset(self.by_source)


class Rule:
    """One check. Subclasses set the class attributes and override ``check``."""

    #: ``SELnnn``, never used for anything else.
    code: ClassVar[str]
    severity: ClassVar[Severity]
    #: The fault in a few words, for ``--list-rules``.
    title: ClassVar[str]

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        """Yield what is wrong; the default, for faults that the reader reports itself, is nothing."""
        return iter(())

    def found(
        self,
        spot: Spot,
        message: str,
        *,
        note: str = "",
        help: str = "",
        related: Iterable[Related] = (),
        severity: Severity | None = None,
    ) -> Diagnostic:
        """Make a diagnostic of this rule at ``spot``; uses of an alias become related places."""
        return diagnose(self.code, severity or self.severity, spot, message, note=note, help=help, related=related)

    @classmethod
    def explanation(cls) -> dict[str, str]:
        """The docstring in parts, by heading; the first line stands under ``""``."""
        import inspect

        parts: dict[str, list[str]] = {"": []}
        current = parts[""]
        for line in inspect.cleandoc(cls.__doc__ or "").splitlines():
            heading = next((h for h in HEADINGS if line.startswith(h + ":")), None)
            if heading is not None:
                current = parts.setdefault(heading, [])
                line = line[len(heading) + 1 :].lstrip()
            current.append(line)
        return {heading: "\n".join(lines).strip("\n") for heading, lines in parts.items()}


def diagnose(
    code: str,
    severity: Severity,
    spot: Spot,
    message: str,
    *,
    note: str = "",
    help: str = "",
    related: Iterable[Related] = (),
) -> Diagnostic:
    """Make a diagnostic at ``spot``; where an alias or merge key leads to it, the use is a related place."""
    uses = tuple(Related(use, "used here") for use in spot.via)
    return Diagnostic(code, severity, message, spot.span, note, help, (*related, *uses))
