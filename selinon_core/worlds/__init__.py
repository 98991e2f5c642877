"""Results worth trying: for a task, one result for each way in which the conditions that read it can turn out."""

from selinon_core.worlds.leaves import LeafKind, judge, kind_of
from selinon_core.worlds.results import Worlds, worlds_of

__all__ = ["LeafKind", "Worlds", "judge", "kind_of", "worlds_of"]
