"""How the cases of a run of tests are run, whichever they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from selinon_core.cases.model import Case
    from selinon_core.local import LocalRun


class RunObserver(Protocol):
    """What is gathered over the runs of the cases of one file, for example covered goals."""

    def run_ended(self, case: Case, run: LocalRun) -> None:
        """Look at a run of a case."""
        ...

    def collected(self) -> Any:
        """What was gathered, as a JSON value: it may come from another process."""
        ...


class RunOptions(NamedTuple):
    """The defaults are those of ``selinon test``.

    ``seeds``: each case runs with at least so many. ``seed``: each case runs with this one only. ``tasks``:
    ``mocked`` or ``real`` for all cases, None: as each case says. ``update_snapshots`` replaces snapshots, ``ci``
    writes none. ``keep_reports``: results of failed cases have the report of the run. ``fail_fast``: no case runs
    after the first that is not fine. ``only_first``: of a case that fails the first finding is enough, and no
    other seed runs after it. ``observer`` makes what looks at the runs of one file.
    """

    seeds: int = 1
    seed: int | None = None
    tasks: str | None = None
    driver: str | None = None
    update_snapshots: bool = False
    ci: bool = False
    keep_reports: bool = False
    fail_fast: bool = False
    only_first: bool = False
    observer: Callable[[], RunObserver] | None = None

    def seeds_of(self, case: Case) -> tuple[int, ...]:
        """The seeds that a case runs with; a case with a schedule has nothing to draw."""
        if case.schedule:
            return (0,)
        if self.seed is not None:
            return (self.seed,)
        more = (seed for seed in range(self.seeds) if seed not in case.seeds)
        return (*case.seeds, *more)[: max(self.seeds, len(case.seeds))]
