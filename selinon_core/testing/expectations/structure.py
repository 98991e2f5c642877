"""``order``, ``edges``, ``fallbacks`` and ``unreached``: how a run went through its graph."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from selinon_core.cases.model import Expect, Expected
from selinon_core.cases.references import edges_called, parse_reference
from selinon_core.diagnostics.wording import listed
from selinon_core.explaining.explanation import Explanation
from selinon_core.explaining.reason import Reason
from selinon_core.explaining.words import edge_text, fallback_text, times
from selinon_core.testing.observation import Observation
from selinon_core.testing.results import Finding


def order(expected: Expected, seen: Observation, why: Explanation) -> Iterator[Finding]:
    """Chains: each run of a node begins after a run of the node before it in the chain has ended."""
    for chain in expected.value:
        for earlier, later in pairwise(chain):
            finding = out_of_order(earlier, later, seen, why)
            if finding is not None:
                text, reasons = finding
                wanted = f"{later} to begin after {earlier} has ended"
                yield Finding("order", wanted, text, _where(expected), list(chain), None, reasons)


def out_of_order(
    earlier: str, later: str, seen: Observation, why: Explanation
) -> tuple[str, tuple[Reason, ...]] | None:
    """What is wrong with the order of two nodes, None where all is well."""
    for reference in (earlier, later):
        if not seen.members(reference):
            return f"{reference} did not run", why.not_ran(reference)
    ends = [end for record in seen.members(earlier) if (end := seen.moment(record).ended) is not None]
    for record in seen.runs_of(later):
        began = seen.moment(record).began
        if began is None:
            return f"{seen.label(record)} did not begin", ()
        if not ends:
            return f"{earlier} did not end", ()
        if began < min(ends):
            return f"{seen.label(record)} began before", (why.ran(record),)
    return None


def edges(expect: Expect, flow: str, seen: Observation, why: Explanation) -> Iterator[Finding]:
    """How often edges were considered and how often they fired."""
    considered, fired = seen.facts.considered(), seen.facts.fired()
    for name, expected in expect.edges.items():
        found = edges_called(seen.plan, flow, name)
        actual = {
            "considered": sum(considered.get((owner, edge.index), 0) for owner, edge in found),
            "fired": sum(fired.get((owner, edge.index), 0) for owner, edge in found),
        }
        wanted = dict(expected.value)
        if any(actual[key] != number for key, number in wanted.items()):
            reasons = tuple(reason for owner, edge in found for reason in why.edge(owner, edge))
            counted = [
                f"to be considered {times(wanted['considered'])}" if "considered" in wanted else "",
                f"to fire {times(wanted['fired'])}" if "fired" in wanted else "",
            ]
            places = ", ".join(str(edge.place) for _, edge in found)
            yield Finding(
                "edges",
                f"edge {edge_text(found[0][1]) if found else name} {listed(text for text in counted if text)}",
                f"it was considered {times(actual['considered'])} and fired {times(actual['fired'])} ({places})",
                _where(expected),
                {name: wanted},
                {name: actual},
                reasons[:5],
            )


def fallbacks(expected: Expected, seen: Observation, why: Explanation) -> Iterator[Finding]:
    """The failures entries that were used, complete; how often each was used is not compared."""
    used: dict[tuple[Any, Any], Any] = {}
    for each in seen.facts.fallbacks:
        if each.used:
            used.setdefault((each.failure.nodes, each.failure.fallback or True), each)
    wanted = {
        (tuple(sorted(set(map(_bare, nodes)))), _fallback(fallback)): None for nodes, fallback in expected.value
    }
    for nodes, fallback in wanted:
        if (nodes, fallback) not in used:
            text = fallback_text(nodes, fallback)
            yield Finding(
                "fallbacks",
                f"fallback {text} to be used",
                "it was not used",
                _where(expected),
                text,
                [fallback_text(*key) for key in used],
                _not_used(nodes, fallback, seen, why),
            )
    for key, each in used.items():
        if key not in wanted:
            text = fallback_text(*key)
            reasons = tuple(why.failed(seen.by_id[run.id]) for run in each.handled if run.id in seen.by_id)
            where = _where(expected)
            found = f"it was used ({each.failure.place})"
            yield Finding("fallbacks", f"fallback {text} not to be used", found, where, None, text, reasons)


def _fallback(value: Any) -> Any:
    return True if value is True or not value else tuple(map(_bare, value))


def _bare(name: str) -> str:
    """A node without the flow in front of it: entries are known by the names in their flow."""
    return name.rpartition("/")[2]


def _not_used(nodes: Any, fallback: Any, seen: Observation, why: Explanation) -> tuple[Reason, ...]:
    for flow in seen.plan.flows.values():
        for entry in flow.failures:
            if entry.nodes == nodes and (entry.fallback or True) == fallback:
                return (why.not_used(flow, entry),)
    return ()


def unreached(expected: Expected | None, seen: Observation, why: Explanation) -> Iterator[Finding]:
    """The nodes that never had a chance to run; without an expectation there must be none."""
    wanted: tuple[str, ...] = () if expected is None else expected.value
    if not wanted and not seen.run.unreached_nodes:
        return  # facts have their price, and most runs have nothing unreached
    where = None if expected is None else _where(expected)
    nodes = seen.facts.unreached()
    found = list(nodes)
    met = {text: [name for name in wanted if _is_called(name, *node)] for text, node in nodes.items()}
    for text in found:
        if not met[text]:
            reasons = why.not_ran(text)
            wants = f"{text} to be reached"
            yield Finding("unreached", wants, "it was unreached", where, sorted(wanted), found, reasons)
    for name in sorted(set(wanted).difference(*met.values())):
        records = seen.runs_of(name)
        reasons = tuple(dict.fromkeys(why.ran(record) for record in records[:3])) or why.not_ran(name)
        told = f"it ran {times(len(records))}" if records else "it had a chance to run"
        yield Finding("unreached", f"{name} to be unreached", told, where, sorted(wanted), found, reasons)


def _is_called(text: str, flows: tuple[str, ...], name: str) -> bool:
    """Whether a reference names a node of the last of ``flows``, of which each is nested in the one before it."""
    reference = parse_reference(text)
    if reference is None or reference.name != name:
        return False
    path = reference.path
    return flows[-len(path) :] == path if path else len(flows) == 1


def _where(expected: Expected) -> str | None:
    return None if expected.place is None else str(expected.place)
