"""Edges of a drawing: joins, conditions, fan-outs and the arrows between them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from selinon_core.graph.build import tooltips
from selinon_core.graph.build.drawing_builder import TEXT_WIDTH, Part, marked, wrapped
from selinon_core.graph.diff import EdgePair, changed_args, condition_shape, foreach_shape
from selinon_core.graph.model import Edge, Node
from selinon_core.plan import Condition, EdgePlan, Foreach
from selinon_core.plan.condition_text import condition_text, constant_truth, wrap_condition
from selinon_core.plan.text_wrap import printable

TIMES = "\u00d7"


def draw_edge(part: Part, pair: EdgePair) -> None:
    """Draw an edge, compared with what it was."""
    _EdgeDrawing(part, pair).draw()


def worth_showing(condition: Condition | None) -> bool:
    """Return whether a condition tests anything: one that is always true does not."""
    return condition is not None and constant_truth(condition) is not True


class _EdgeDrawing:
    def __init__(self, part: Part, pair: EdgePair) -> None:
        edge = pair.new or pair.old
        assert edge is not None
        self.part = part
        self.edge: EdgePlan = edge
        self.was: EdgePlan | None = pair.old if pair.new else None
        self.change = part.pair_change(pair)
        self.ident = part.ident(pair)
        self.facts = tooltips.edge_facts(edge)
        dead = part.is_dead(edge.index in part.reach.edges, self.change)
        overlay = part.scene.overlay
        counts = overlay.edge(part.name, edge) if overlay else None
        self.count = (f"{counts[1]}/{counts[0]}",) if counts else ()
        idle = overlay is not None and (counts[1] == 0 if counts else not overlay.ran(part.name))
        self.arrow: dict[str, Any] = {
            "number": edge.index if pair.new else None,
            "facts": self.facts,
            "place": edge.place,
            "dead": dead,
            "idle": idle,
            "considered": counts[0] if counts else None,
            "fired": counts[1] if counts else None,
        }
        self.box: dict[str, Any] = {
            "flow": part.name,
            "place": edge.place,
            "cluster": part.cluster,
            "dead": dead,
            "state": "unreached" if overlay and not (counts and counts[1]) else "",
        }

    def draw(self) -> None:
        """Draw the edge from its sources through the boxes in between to its destinations."""
        tails = self._sources()
        steps = self._steps()
        for step in steps:
            self.part.scene.add(step)
            for source, mark in tails:
                self._connect(source, step.id, arrow=False, change=mark or step.change)
            tails = [(step.id, self.change)]
        self._destinations([source for source, _ in tails], bool(steps))

    def _connect(self, source: str, target: str, **more: Any) -> None:
        self.part.scene.connect(Edge(source, target, **more, **self.arrow))

    def _sources(self) -> list[tuple[str, str]]:
        """Return where arrows begin: the start, the source, or a bar that waits for several."""
        part = self.part
        sources = marked(self.edge.sources, self.was.sources if self.was else None, self.change)
        tails = [(part.ends[name][1], mark) for name, mark in sources] or [(part.entry, self.change)]
        if len(tails) == 1:
            return tails
        waits = ", ".join(printable(name) for name, _ in sources)
        bar = part.scene.add(
            Node(
                f"{part.prefix}join:{self.ident}",
                "join",
                "",
                facts=(f"waits for all of {waits}", *self.facts[-1:]),
                change=self.change,
                **self.box,
            )
        )
        for source, mark in tails:
            self._connect(source, bar, arrow=False, change=mark)
        return [(bar, self.change)]

    def _steps(self) -> list[Node]:
        """Return the boxes an arrow passes: the condition, then the fan-out."""
        boxes = [box for box in (self._condition(), self._foreach()) if box]
        if boxes:
            caption = wrapped([printable(self.edge.name)] if self.edge.name else [])
            boxes[0] = boxes[0]._replace(notes=(*caption, *boxes[0].notes, *self.count))
        return boxes

    def _condition(self) -> Node | None:
        edge, was = self.edge, self.was
        before = was.condition if was else edge.condition
        differs = condition_shape(before) != condition_shape(edge.condition)
        if not worth_showing(edge.condition) and not (differs and worth_showing(before)):
            return None
        notes = [f"was: {condition_text(before, was.sources, limit=60)}"] if was and differs else []
        return Node(
            f"{self.part.prefix}condition:{self.ident}",
            "condition",
            condition_text(edge.condition, edge.sources, limit=60),
            lines=wrap_condition(edge.condition, edge.sources, width=TEXT_WIDTH),
            notes=wrapped(notes),
            facts=self.facts,
            change=self.change or ("changed" if differs else ""),
            **self.box,
        )

    def _foreach(self) -> Node | None:
        now = self.edge.foreach
        before = self.was.foreach if self.was else now
        shown = now or before
        if shown is None:
            return None
        text = tooltips.foreach_text(now) if now else "once"
        before_text = tooltips.foreach_text(before) if before else "once"
        differs = foreach_shape(now) != foreach_shape(before)
        notes = ["the item is the argument"] if tooltips.passes_items(self.edge) else []
        if differs:
            notes.append(f"was: {'other arguments' if text == before_text else before_text}")
        return Node(
            f"{self.part.prefix}foreach:{self.ident}",
            "foreach",
            text,
            lines=wrapped([text]),
            notes=wrapped(notes),
            facts=self.facts,
            target=shown.function if isinstance(shown, Foreach) else None,
            change=self.change or ("changed" if differs else ""),
            **self.box,
        )

    def _destinations(self, tails: list[str], behind_box: bool) -> None:
        edge, was = self.edge, self.was
        label: list[str] = []
        selective_differs = was is not None and was.selective != edge.selective
        if edge.selective:
            label.append(tooltips.selective_text(edge.selective))
        if was and selective_differs:
            label.append(f"was: {tooltips.selective_text(was.selective) if was.selective else 'the whole flow'}")
        args_changes = changed_args(edge.args, was.args) if was else ()
        label.extend(args_changes)
        # the edge's name is written once, not at each of its arrows
        caption = wrapped([printable(edge.name)] if edge.name and not behind_box else [])
        count = () if behind_box else self.count
        for name, mark in marked(edge.destinations, was.destinations if was else None, self.change):
            times, times_differ = self._times(name)
            change = mark or ("changed" if selective_differs or times_differ or args_changes else "")
            for source in tails:
                self._connect(
                    source,
                    self.part.ends[name][0],
                    label=(*caption, *wrapped(label), *times, *count),
                    many=bool(edge.foreach or times),
                    change=change,
                )
            caption = ()

    def _times(self, name: str) -> tuple[tuple[str, ...], bool]:
        """Return the label with the number of times a destination is started, and whether that changed."""
        count = Counter(self.edge.destinations)[name]
        before = Counter(self.was.destinations)[name] if self.was else count
        differs = before != count and bool(before and count)
        parts = [f"{TIMES} n"] if self.edge.foreach else []
        if count > 1 or differs:
            parts.append(f"{TIMES} {count}")
        if differs:
            parts.append(f"(was {TIMES} {before})")
        return ((" ".join(parts),) if parts else ()), differs
