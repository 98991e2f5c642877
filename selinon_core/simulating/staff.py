"""The workers of a simulation, and the processes in which they handle messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from selinon_core.celery.services import WorkerServices
from selinon_core.celery.surroundings import Surroundings, Thread
from selinon_core.simulating.agenda import Slot
from selinon_core.simulating.decisions import Decisions
from selinon_core.simulating.world import _NoThread


def worker_names(workers: int) -> list[str]:
    """The names of so many workers."""
    return [f"w{n + 1}" for n in range(workers)]


class Staff:
    """Workers with so many slots each; ``shares``: the slots of a worker are threads of one process."""

    def __init__(self, workers: int, slots: int, shares: bool) -> None:
        self.workers = worker_names(workers)
        self.slots = [Slot(self.workers[n // slots], n // slots) for n in range(workers * slots)]
        self._shares = shares
        self._surroundings: list[Surroundings] = []
        self._services: dict[Slot | int, WorkerServices] = {}
        self._new_services: Callable[[int, Surroundings], WorkerServices]

    def begin(
        self,
        new_services: Callable[[int, Surroundings], WorkerServices],
        now: Callable[[], float],
        sleep: Callable[[float], None],
        decisions: Decisions,
    ) -> None:
        """Say how processes begin; the clocks of some workers are wrong."""
        self._new_services = new_services
        for name in self.workers:
            skew = decisions.fault("clock", name)
            clock = now if skew is None or skew.seconds is None else _skewed(now, skew.seconds)
            self._surroundings.append(Surroundings(clock, now, sleep, _start_thread))

    def services_of(self, slot: Slot) -> WorkerServices:
        """Those of the process of a slot. It begins when it has something to do: many workers never have."""
        process = slot.worker if self._shares else slot
        services = self._services.get(process)
        if services is None:
            services = self._new_services(slot.worker, self._surroundings[slot.worker])
            self._services[process] = services
        return services

    def end(self, slots: Iterable[Slot]) -> None:
        """End processes: the next ones remember nothing of what those did. ``slots`` has all of a process."""
        for slot in slots:
            services = self._services.pop(slot.worker if self._shares else slot, None)
            if services is not None:
                vars(services).clear()  # its parts know it, and are freed now, without the garbage collector

    def close(self) -> None:
        """End all processes for good, and let go of what begins them."""
        self.end(self.slots)
        self._surroundings.clear()
        del self._new_services

    def dying_with(self, slot: Slot) -> list[Slot]:
        """The slots whose process is that of a slot, which is the first of them."""
        if not self._shares:
            return [slot]
        return [slot, *(other for other in self.slots if other.worker == slot.worker and other is not slot)]


def _skewed(now: Callable[[], float], seconds: float) -> Callable[[], float]:
    return lambda: now() + seconds


def _start_thread(name: str, run: Callable[[], None]) -> Thread:
    return _NoThread()
