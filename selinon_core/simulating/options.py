"""What is simulated, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from selinon_core.dispatch import SelectiveRun
from selinon_core.local.options import LocalOptions
from selinon_core.local.run_setup import RunSetup
from selinon_core.plan import Plan
from selinon_core.simulating.decisions import DEFAULT_FAULTS
from selinon_core.simulating.durations import Duration


class Subject(NamedTuple):
    """What is simulated: one flow run. ``setup`` is what runs of one plan and one set of mocks share."""

    plan: Plan
    flow: str
    node_args: Any = None
    options: LocalOptions = LocalOptions()
    setup: RunSetup | None = None
    select: SelectiveRun | None = None
    label: str = ""


class SimulationOptions(NamedTuple):
    """How it is simulated.

    ``seeds`` schedules are played, from seed ``seed_from``, for at most ``time_limit`` seconds. ``strategy``:
    ``random``, or ``pct`` (priorities that change at ``pct_depth`` - 1 points). ``faults``: probability by kind.
    ``slots`` activities a worker has at once; ``pool`` ``prefork``: each in a process of its own, ``threads``: in
    one. ``durations``: by task, the seconds that attempts take. ``deploy``: another plan, to which workers
    change one by one from the ``deploy_at``-th message on (None: drawn). A violation is shrunk by playing at most
    ``shrink_budget`` schedules. ``stop_after``: so many different violations end the campaign.
    """

    seeds: int = 1000
    seed_from: int = 0
    time_limit: float | None = None
    strategy: str = "random"
    pct_depth: int = 3
    faults: Mapping[str, float] = DEFAULT_FAULTS
    workers: int = 3
    slots: int = 1
    pool: str = "prefork"
    durations: Mapping[str, Duration] = {}
    deploy: Plan | None = None
    deploy_at: int | None = None
    shrink: bool = True
    shrink_budget: int = 500
    stop_after: int | None = None
