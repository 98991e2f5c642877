"""What is run: flows as lists of (sources, destinations). Needs nothing but Python, for every peer imports it."""

from __future__ import annotations

from typing import NamedTuple

Edges = list[tuple[list[str], list[str]]]


class Workload(NamedTuple):
    """``edges`` of one flow, run ``times`` times at once; ``predicate``: every edge looks at a result first."""

    name: str
    edges: Edges
    times: int = 1
    predicate: bool = False

    @property
    def tasks(self) -> list[str]:
        """The tasks of the flow, in the order they are first started."""
        return list(dict.fromkeys(name for _, started in self.edges for name in started))

    @property
    def runs(self) -> int:
        """How many tasks run."""
        return len(self.tasks) * self.times


def chain(length: int) -> Edges:
    """One task after another."""
    return [([], ["T0"]), *(([f"T{i}"], [f"T{i + 1}"]) for i in range(length - 1))]


def fan(width: int) -> Edges:
    """One task, then many at once, then one that waits for all of them."""
    many = [f"T{i}" for i in range(width)]
    return [([], ["Begin"]), (["Begin"], many), (many, ["End"])]


def ladder(layers: int, width: int) -> Edges:
    """Layers in which each task waits for all of the layer before."""
    rows = [[f"T{layer}_{i}" for i in range(width)] for layer in range(layers)]
    return [([], rows[0]), *((rows[i], [name]) for i in range(layers - 1) for name in rows[i + 1])]


def workload(name: str) -> Workload:
    """A workload by its name, as ``chain:1000``."""
    kind, _, numbers = name.partition(":")
    sizes = [int(number) for number in numbers.split("x")]
    if kind == "chain":
        return Workload(name, chain(sizes[0]))
    if kind == "fan":
        return Workload(name, fan(sizes[0]))
    if kind == "ladder":
        return Workload(name, ladder(*sizes))
    if kind == "flows":
        return Workload(name, chain(sizes[1]), times=sizes[0])
    if kind == "predicates":
        return Workload(name, chain(sizes[0]), predicate=True)
    raise ValueError(f"no workload is named {name}")


#: The ones that are compared, in the quick form and else.
QUICK = ("chain:20", "fan:20", "ladder:3x3", "flows:5x5", "predicates:20")
COMPARED = ("chain:1000", "fan:5000", "ladder:100x10", "flows:500x5", "predicates:100")
