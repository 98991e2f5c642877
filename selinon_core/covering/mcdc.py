"""MC/DC of a condition: which leaves have been seen to decide it by themselves, and by which cases."""

from __future__ import annotations

from collections.abc import Mapping

from selinon_core.covering.data import Hits


def deciding(vectors: Mapping[str, Hits], leaf: int) -> Hits:
    """The cases of all pairs of evaluations that show that a leaf decides; empty when there is no such pair.

    A pair differs in the leaf, which both have evaluated, and in the outcome. Every other leaf is equal in both,
    or not evaluated in one: the outcome did not depend on it there (masking).
    """
    known = [(vector.partition(":"), by) for vector, by in vectors.items()]
    yes = [(leaves, end, by) for (leaves, _, end), by in known if leaves[leaf : leaf + 1] == "t"]
    no = [(leaves, end, by) for (leaves, _, end), by in known if leaves[leaf : leaf + 1] == "f"]
    found: Hits = {}
    for some, outcome, by in yes:
        for others, other, by_other in no:
            if outcome != other and _agree(some, others, leaf):
                for case, times in (*by.items(), *by_other.items()):
                    found[case] = max(found.get(case, 0), times)
    return found


def _agree(some: str, others: str, leaf: int) -> bool:
    return len(some) == len(others) and all(
        number == leaf or one == other or one == "-" or other == "-"
        for number, (one, other) in enumerate(zip(some, others, strict=True))
    )
