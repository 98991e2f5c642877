"""The ``propagate_*`` flags of a flow, in one list for the rules about all of them."""

from __future__ import annotations

from selinon_core.config.model import FlowDef, Names


class Flag:
    """A flag by the name of its key."""

    __slots__ = "key"

    def __init__(self, key: str) -> None:
        self.key = key

    def names(self, flow: FlowDef) -> Names:
        """What the flag is set to."""
        names = getattr(flow, self.key)
        assert isinstance(names, Names)
        return names


NODE_ARGS = Flag("propagate_node_args")
PARENT = Flag("propagate_parent")
FINISHED = Flag("propagate_finished")
COMPOUND_FINISHED = Flag("propagate_compound_finished")
FAILURES = Flag("propagate_failures")
COMPOUND_FAILURES = Flag("propagate_compound_failures")
PARENT_FAILURES = Flag("propagate_parent_failures")

PROPAGATION = (
    NODE_ARGS,
    PARENT,
    FINISHED,
    COMPOUND_FINISHED,
    FAILURES,
    COMPOUND_FAILURES,
    PARENT_FAILURES,
)
