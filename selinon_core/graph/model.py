"""What a drawing consists of, before any format: nodes, arrows, frames and their texts. Immutable values.

Texts are plain text, printable and free of line ends; every writer escapes them for its own format.
"""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.diagnostics.location import Place
from selinon_core.plan import ImportRef

#: What a run made of a node; "" where no run is shown, "mixed" is some successes and some failures.
STATES = ("", "success", "failure", "mixed", "reused", "unreached")
#: What tests made of a node or arrow; "" without goals.
COVERAGE_STATES = ("", "covered", "partly", "never")


class Node(NamedTuple):
    """A box, dot or bar. ``id`` is unique in the drawing: ``kind:name`` behind the ids of the frames around it.

    ``kind`` is start, task, flow, condition, foreach, join, failure, handled, storage or end. ``change`` is added,
    removed or changed; "" where nothing is compared or nothing differs.
    """

    id: str
    kind: str
    title: str
    notes: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()  #: the title broken into lines where that has to respect its structure
    name: str = ""  #: the node's name in the plan, for tasks, sub-flows and storages
    flow: str = ""  #: the flow it stands in
    facts: tuple[str, ...] = ()  #: the lines of the tooltip
    place: Place | None = None  #: where the YAML files say so
    target: ImportRef | None = None  #: the class or function behind it
    cluster: str | None = None
    nowait: bool = False
    dead: bool = False
    change: str = ""
    state: str = ""


class Edge(NamedTuple):
    """An arrow of the kind flow, fallback, store or data.

    ``number`` is the edge's (or, for fallbacks, the failure entry's) index in its flow.
    """

    source: str
    target: str
    kind: str = "flow"
    label: tuple[str, ...] = ()
    number: int | None = None
    facts: tuple[str, ...] = ()
    place: Place | None = None
    many: bool = False  #: started once per item, or several times
    arrow: bool = True
    dead: bool = False
    change: str = ""
    idle: bool = False  #: not used in the run that is shown
    considered: int | None = None
    fired: int | None = None
    state: str = ""  #: one of COVERAGE_STATES


class Cluster(NamedTuple):
    """A frame around the nodes of an expanded sub-flow."""

    id: str
    title: str
    flow: str
    notes: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    parent: str | None = None
    place: Place | None = None
    change: str = ""
    state: str = ""


class Drawing(NamedTuple):
    """A flow, ready to be written in any format."""

    flow: str
    title: str
    notes: tuple[str, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    clusters: tuple[Cluster, ...] = ()
    compared: bool = False
    run: bool = False
    coverage: bool = False
    state: str = ""
    change: str = ""

    @property
    def differs(self) -> bool:
        """Return whether a comparison found anything."""
        return self.compared and bool(
            self.change
            or any(n.change for n in self.nodes)
            or any(e.change for e in self.edges)
            or any(c.change for c in self.clusters)
        )
