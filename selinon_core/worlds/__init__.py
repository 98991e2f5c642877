"""Results worth trying: for a task, one result for each way in which the conditions that read it can turn out."""

from selinon_core.worlds.expressions import ReadTest, read_test
from selinon_core.worlds.leaves import LeafKind, judge, kind_of
from selinon_core.worlds.results import Vector, Worlds, truth_of, worlds_of

__all__ = [
    "LeafKind",
    "ReadTest",
    "Vector",
    "Worlds",
    "judge",
    "kind_of",
    "read_test",
    "truth_of",
    "worlds_of",
]
