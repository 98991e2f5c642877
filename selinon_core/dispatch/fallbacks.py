"""Which entries of ``failures`` apply to a set of failed nodes."""

from __future__ import annotations

from collections.abc import Collection

from selinon_core.dispatch.table import FailureGroup, FlowTable


def applicable_groups(table: FlowTable, failed: Collection[str]) -> list[FailureGroup]:
    """The groups whose nodes have all failed: larger sets first, equal sizes in lexical order."""
    return [group for group in table.failure_groups if all(name in failed for name in group.nodes)]
