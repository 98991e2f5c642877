from __future__ import annotations

import itertools
from collections.abc import Iterator

from selinon_core.config.model import EdgeDef, NameRef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.wording import quoted
from selinon_core.lint.analysis.facts import FlowGraph, StartRule
from selinon_core.lint.rule import LintContext, Rule
from selinon_core.plan.components import cyclic


class CyclicWait(Rule):
    """Nodes can only start after one another, so none of them ever starts.

    What it does: Works out which nodes can start at all, beginning with the starting edges. An edge needs all
    of its sources; conditions count as possibly true and failures as possible, so a node that a fallback
    starts can start. Of the nodes left over, those that wait only for each other are reported, once per
    circle; what merely lies behind them is not.

    Why it is bad: Edges that wait in a circle never fire. The flow ends in success, and the nodes have not
    run.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: [Fetch, Store]
                to: Parse
              - from: Parse
                to: Store

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Parse
              - from: Parse
                to: Store
    """

    code = "SEL303"
    severity = Severity.ERROR
    title = "nodes wait for each other in a circle"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            facts = project.facts(flow)
            if facts.dead:
                yield from self._circles(facts)

    def _circles(self, facts: FlowGraph) -> Iterator[Diagnostic]:
        dead = facts.dead
        names = [name for name in facts.starters if name in dead]
        waits = {
            name: dict.fromkeys(s for step in facts.starters[name] for s in step.sources if s in dead)
            for name in names
        }
        for members in cyclic(waits):
            circle = set(members)
            if any(not circle.issuperset(waits[name]) for name in circle):
                continue  # something else has to be put right first
            step, source, destination = _where(facts, circle)
            yield self._report(facts, waits, step, source, destination)

    def _report(
        self,
        facts: FlowGraph,
        waits: dict[str, dict[str, None]],
        step: StartRule,
        source: NameRef,
        destination: str,
    ) -> Diagnostic:
        # From the source around to the destination, which waits for it here.
        chain = _chain(waits, source.name, destination)
        waiting = [f'"{a}" starts after "{b}"' for a, b in itertools.pairwise(chain)]
        if len(chain) == 1:
            message, note = f'"{source.name}" can only be started by itself', "never starts"
        else:
            waiting.append(f'"{destination}" after "{source.name}"')
            message, note = f'"{source.name}" never starts: {", ".join(waiting)}', "waits in a circle"
        if len(step.sources) > 1 and isinstance(step.origin, EdgeDef):
            message = f"the join of {quoted(step.sources)} can never be satisfied: " + (
                message if len(chain) == 1 else ", ".join(waiting)
            )
        related = []
        for name, before in itertools.pairwise(chain):
            ref = next(_refs_to(s, name) for s in facts.starters[name] if before in s.sources)
            related.append(Related(ref.span, f'"{name}" is started here, after "{before}"'))
        return self.found(
            source.location,
            message,
            note=note,
            help=f"let an edge start {quoted(dict.fromkeys((source.name, destination)), 'or')} "
            "without waiting for the other"
            if len(chain) > 1
            else "let another edge start it first",
            related=related[:5],
        )


def _where(facts: FlowGraph, circle: set[str]) -> tuple[StartRule, NameRef, str]:
    """The edge to point at: a join if there is one, else the first; its source and destination in the circle."""
    starters = {id(step): step for name in circle for step in facts.starters[name]}
    candidates = [step for step in starters.values() if not circle.isdisjoint(step.sources)]
    candidates.sort(key=lambda step: (not isinstance(step.origin, EdgeDef), step.origin.index))
    joins = [step for step in candidates if isinstance(step.origin, EdgeDef) and len(set(step.sources)) > 1]
    step = (joins or candidates)[0]
    named = step.origin.sources if isinstance(step.origin, EdgeDef) else step.origin.nodes
    source = next(ref for ref in named or () if ref.name in circle)
    return step, source, next(name for name in step.destinations if name in circle)


def _refs_to(step: StartRule, name: str) -> NameRef:
    named = step.origin.destinations if isinstance(step.origin, EdgeDef) else step.origin.fallback
    return next(ref for ref in named or () if ref.name == name)


def _chain(waits: dict[str, dict[str, None]], source: str, destination: str) -> tuple[str, ...]:
    """Names from ``source`` to ``destination``, each starting after the next."""
    if source == destination:
        return (source,)
    came_from = {source: ""}
    todo = [source]
    for name in todo:
        for before in waits[name]:
            if before not in came_from:
                came_from[before] = name
                todo.append(before)
    chain = [destination]
    while chain[-1] != source:
        chain.append(came_from[chain[-1]])
    return tuple(reversed(chain))
