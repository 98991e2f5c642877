"""What the parts of a drawing are collected in while it is built."""

from __future__ import annotations

from typing import Any

from selinon_core.graph.build import tooltips
from selinon_core.graph.build.overlay import Overlay
from selinon_core.graph.build.reachability import Reach
from selinon_core.graph.diff import changed_settings
from selinon_core.graph.model import Cluster, Edge, Node
from selinon_core.plan import FlowPlan, Plan
from selinon_core.plan.text_wrap import printable, wrap_name, wrap_text

#: Lengths of lines in boxes.
TEXT_WIDTH = 34
NAME_WIDTH = 26
#: Expanding stops at this many nodes; sub-flows found later stay single nodes.
EXPAND_LIMIT = 600
#: ... and at this many frames within each other.
EXPAND_DEPTH = 30
#: With more uses of storages than this, the boxes of tasks name their storage: that many arrows hide all others.
STORE_ARROWS_LIMIT = 16


class Scene:
    """Nodes, arrows and frames found so far, and what they are found in."""

    def __init__(
        self,
        plan: Plan,
        other: Plan | None,
        overlay: Overlay | None,
        expand: bool,
        storages: bool,
        data: bool = False,
    ) -> None:
        self.plan = plan
        self.other = other
        self.overlay = overlay
        self.expand = expand
        self.storages = storages
        self.data = data
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.clusters: list[Cluster] = []
        self._stored: list[tuple[str, str, bool, str, bool]] = []

    def add(self, node: Node) -> str:
        """Add a node; return its id."""
        self.nodes.append(node)
        return node.id

    def connect(self, edge: Edge) -> None:
        """Add an arrow."""
        self.edges.append(edge)

    def flow_change(self, name: str) -> tuple[str, tuple[str, ...]]:
        """Return how a flow itself changed, its nodes and edges aside, and lines that describe the change."""
        if self.other is None:
            return "", ()
        new, old = self.plan.flows.get(name), self.other.flows.get(name)
        if new is None:
            return "removed", ("this flow was removed",)
        if old is None:
            return "added", ("this flow is new",)
        changes = changed_settings(new, old)
        return ("changed" if changes else ""), changes

    def store(self, node: str, storage: str, read_only: bool, change: str, dead: bool) -> None:
        """Remember that a task uses a storage."""
        self._stored.append((node, storage, read_only, change, dead))

    def draw_storages(self) -> None:
        """Add every storage once, with an arrow from each task that writes it and to each that only reads it."""
        if not self.storages:
            return
        if len(self._stored) > STORE_ARROWS_LIMIT:
            self._write_storages()
            return
        changes: dict[str, set[str]] = {}
        for _, storage, _, change, _ in self._stored:
            changes.setdefault(storage, set()).add(change)
        for name, found in changes.items():
            before = self.other.storages.get(name) if self.other else None
            definition = self.plan.storages.get(name) or before
            facts = tooltips.storage_facts(definition) if definition else ()
            self.add(
                Node(
                    f"storage:{name}",
                    "storage",
                    printable(name),
                    lines=wrap_name(printable(name), NAME_WIDTH),
                    name=name,
                    facts=(f"storage {printable(name)}", *facts),
                    place=definition.place if definition else None,
                    target=definition.function if definition else None,
                    change=next(iter(found)) if len(found) == 1 else "",
                )
            )
        for node, storage, read_only, change, dead in self._stored:
            ends = (f"storage:{storage}", node) if read_only else (node, f"storage:{storage}")
            text = "only reads" if read_only else "stores results in"
            self.connect(
                Edge(*ends, kind="store", facts=(f"{text} {printable(storage)}",), dead=dead, change=change)
            )

    def _write_storages(self) -> None:
        """Write the storages into the boxes of the tasks that use them."""
        lines: dict[str, list[str]] = {}
        for node, storage, read_only, change, _ in self._stored:
            was = "was: " if change == "removed" else ""
            lines.setdefault(node, []).append(f"{was}{'reads' if read_only else 'stores in'} {printable(storage)}")
        self.nodes = [
            node._replace(notes=(*node.notes, *wrapped(lines[node.id]))) if node.id in lines else node
            for node in self.nodes
        ]


class Part:
    """One flow at one place of the scene.

    ``change`` not "" says that the whole part was added or removed, so nothing in it is compared; ``dead`` that
    the whole part is never reached. ``ends`` maps a node's name to where arrows to it end and from it begin.
    """

    def __init__(
        self,
        scene: Scene,
        name: str,
        *,
        prefix: str = "",
        cluster: str | None = None,
        ancestors: tuple[str, ...] = (),
        change: str = "",
        dead: bool = False,
        reach: Reach,
        new: FlowPlan | None,
        old: FlowPlan | None,
        entry: str,
    ) -> None:
        self.scene = scene
        self.name = name
        self.prefix = prefix
        self.cluster = cluster
        self.ancestors = ancestors
        self.change = change
        self.dead = dead
        self.reach = reach
        self.new = new
        self.old = old
        self.flow: FlowPlan = new or old  # type: ignore[assignment]  # the caller found one of them
        self.entry = entry
        self.ends: dict[str, tuple[str, str]] = {}

    @property
    def compared(self) -> bool:
        """Return whether the two versions of this flow are compared."""
        return self.scene.other is not None and not self.change

    def pair_change(self, pair: Any) -> str:
        """Return how a pair of edges or of failures entries changed as a whole."""
        if not self.compared:
            return self.change
        return "removed" if pair.new is None else "added" if pair.old is None else ""

    def ident(self, pair: Any) -> str:
        """Return what an edge or failures entry is called in ids: its index, with ``old`` if removed."""
        if pair.new is not None:
            return str(pair.new.index)
        return f"old{pair.old.index}"

    def is_dead(self, alive: bool, change: str) -> bool:
        """Return whether something is never reached. A removed part is not judged by the graph that is left."""
        return self.dead or (not alive and change != "removed")


def marked(now: tuple[str, ...], before: tuple[str, ...] | None, change: str) -> list[tuple[str, str]]:
    """Return names once each with their change; ``before`` None: nothing to compare with, all share ``change``."""
    names = dict.fromkeys(now)
    if before is None:
        return [(name, change) for name in names]
    result = [(name, "" if name in before else "added") for name in names]
    result.extend((name, "removed") for name in dict.fromkeys(before) if name not in names)
    return result


def wrapped(notes: list[str]) -> tuple[str, ...]:
    """Return notes as lines that fit a box."""
    return tuple(line for note in notes for line in wrap_text(note, TEXT_WIDTH))
