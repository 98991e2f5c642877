"""The worlds of one task: results, one for each vector of truths of the leaves that read them.

No theorem prover decides which truths go together. Values around the constants of the predicates are combined,
the schema refuses what cannot be, and the shipped predicates judge the rest. So every world is a result that a
mock can give, and two conditions contradict each other exactly if no world has both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from selinon_core.plan import Leaf
from selinon_core.predicates.values import MISSING, field
from selinon_core.worlds.assembly import Builder
from selinon_core.worlds.candidates import Candidate, Path, candidates_at, of_lengths_with, path_of
from selinon_core.worlds.expressions import ReadTest
from selinon_core.worlds.leaves import judge
from selinon_core.worlds.pairwise import pairs_covered

if TYPE_CHECKING:
    from selinon_core.schemas.check import ResultSchema

MOST_CANDIDATES = 4096
_MOST_PER_CLASS = 6  # values tried for one truth at one place


class Worlds(NamedTuple):
    """``values[i]`` is a result; bit ``i`` of ``truths[j]`` says whether leaf ``j`` holds for it.

    ``undefined`` is like ``truths`` for the expressions that have no truth there, because they fail. ``paths`` are
    the places that leaves look at. ``sampled``: not every combination of values was tried.
    """

    values: tuple[Any, ...]
    truths: tuple[int, ...]
    undefined: tuple[int, ...]
    leaves: tuple[Leaf | ReadTest, ...] = ()
    paths: tuple[Path, ...] = ()
    sampled: bool = False

    @property
    def all(self) -> int:
        """The set of all worlds, as bits."""
        return (1 << len(self.values)) - 1

    def is_in(self, world: int, value: Any) -> bool:
        """Whether a value is one of this world: all leaves are for it what they are for the one that is kept."""
        vector = tuple(truth_of(leaf, value) for leaf in self.leaves)
        return vector == tuple(truth_of(leaf, self.values[world]) for leaf in self.leaves)

    def label(self, world: int) -> str:
        """The world in a few words: the fields that are looked at."""
        value = self.values[world]
        parts = []
        for path in self.paths:
            if not path:
                parts.append(_shown(value))
                continue
            found = field(value, list(path))
            name = ".".join(map(str, path))
            parts.append(f"no {name}" if found is MISSING else f"{name} {_shown(found)}")
        return ", ".join(parts) or "any result"


#: The truth of each leaf for a value; None where it has none.
Vector = tuple[bool | None, ...]


def worlds_of(
    leaves: Sequence[Leaf | ReadTest],
    schema: ResultSchema | None = None,
    is_possible: Callable[[Vector], bool] = lambda vector: True,
) -> Worlds:
    """The worlds of a value that ``leaves`` look at: shipped predicates and expressions.

    ``is_possible`` says which vectors of their truths there are; those of the kept value count where there is no
    other. Raises ``ConfigurationError`` when ``schema`` cannot be used.
    """
    places: dict[Path, list[Leaf]] = {}
    of_tests: set[Path] = set()
    for leaf in leaves:
        for looking in (leaf,) if isinstance(leaf, Leaf) else leaf.leaves:
            path = path_of(looking)
            if path is not None:
                places.setdefault(path, []).append(looking)
                if isinstance(leaf, ReadTest):
                    of_tests.add(path)
    nested = [path for path in places if path]
    builder = Builder(schema, nested[0] if nested else ())
    choices = [
        _classes_at(builder, path, of_path, list(places), by_type=path in of_tests)
        for path, of_path in places.items()
    ]
    count = 1
    for classes in choices:
        count *= len(classes)
    sampled = count > MOST_CANDIDATES
    rows: Iterator[tuple[list[Candidate], ...]]
    rows = pairs_covered(choices) if sampled else product(*choices)
    found: dict[Vector, Any] = {}
    for row in rows:
        value = _first_built(builder, dict(zip(places, row, strict=True)))
        if value is not MISSING:
            vector = tuple(truth_of(leaf, value) for leaf in leaves)
            if vector not in found and is_possible(vector):
                found[vector] = value
    if not found:
        found[tuple(truth_of(leaf, builder.base) for leaf in leaves)] = builder.base
    truths, undefined = [0] * len(leaves), [0] * len(leaves)
    for world, vector in enumerate(found):
        for index, truth in enumerate(vector):
            truths[index] |= bool(truth) << world
            undefined[index] |= (truth is None) << world
    return Worlds(tuple(found.values()), tuple(truths), tuple(undefined), tuple(leaves), tuple(places), sampled)


def truth_of(leaf: Leaf | ReadTest, value: Any) -> bool | None:
    """The truth of a leaf for a value; None for an expression that has none."""
    return judge(leaf, value) if isinstance(leaf, Leaf) else leaf.truth(value)


def _classes_at(
    builder: Builder, path: Path, leaves: list[Leaf], places: list[Path], *, by_type: bool
) -> list[list[Candidate]]:
    """The values to try at a place, grouped by the truths of the leaves that look at it.

    Values that can have what other places look for are groups of their own, and with ``by_type`` those of each
    type: an expression fails for some of them.
    """
    own = builder.base if not path else field(builder.base, list(path))
    candidates = [*candidates_at(path, leaves), Candidate(own)]
    inner = [place[len(path)] for place in places if len(place) > len(path) and place[: len(path)] == path]
    candidates += [Candidate({}) if isinstance(step, str) else Candidate([]) for step in inner]
    keys = sorted({step for step in inner if isinstance(step, str)})
    with_keys = of_lengths_with(keys, leaves)
    candidates += with_keys
    classes: dict[tuple[Any, ...], list[Candidate]] = {}
    for candidate in candidates:
        fits, value = builder.build({path: candidate})
        if not fits:
            continue
        now = value if not path else field(value, list(path))
        truths = tuple(judge(leaf, value) for leaf in leaves)
        kind = _type_of(now) if by_type or (inner and isinstance(now, dict | list)) else None
        there = tuple(key for key in keys if key in now) if with_keys and isinstance(now, dict) else ()
        group = classes.setdefault((truths, kind, there), [])
        if len(group) < _MOST_PER_CLASS:
            group.append(candidate if candidate.constraint is None else Candidate(now, candidate.constraint))
    return list(classes.values()) or [[Candidate(own)]]


def _type_of(value: Any) -> type:
    return float if type(value) is int else type(value)


def _first_built(builder: Builder, row: dict[Path, list[Candidate]]) -> Any:
    """A result with one value of each group; ``MISSING`` when the schema refuses what was tried."""
    for attempt in range(_MOST_PER_CLASS):
        chosen = {path: group[min(attempt, len(group) - 1)] for path, group in row.items()}
        fits, value = builder.build(chosen)
        if fits:
            return value
        if all(attempt >= len(group) - 1 for group in row.values()):
            break
    return MISSING


def _shown(value: Any) -> str:
    if isinstance(value, (list, dict)) and len(repr(value)) > 20:
        return f"with {len(value)} items"
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else repr(value)
