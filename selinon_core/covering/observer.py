"""What looks at runs while they end, and gathers what they cover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from selinon_core.covering.collector import collect
from selinon_core.covering.data import CoverageData

if TYPE_CHECKING:
    from selinon_core.runtime.facts import Facts


class Named(Protocol):
    """A flow test case, as far as coverage knows it."""

    @property
    def id(self) -> str:
        """What reports call it."""
        ...


class Finished(Protocol):
    """A run that has ended, as far as coverage knows it."""

    @property
    def facts(self) -> Facts:
        """What happened."""
        ...


class CoverageObserver:
    """Gathers what the runs of the cases of one project cover; an observer of ``testing``."""

    def __init__(self) -> None:
        self.data = CoverageData()

    def run_ended(self, case: Named, run: Finished) -> None:
        """Count what a run of a case met."""
        collect(run.facts, case.id, self.data)

    def collected(self) -> Any:
        """What was gathered, as ``CoverageData.from_json`` takes it."""
        return self.data.to_json()
