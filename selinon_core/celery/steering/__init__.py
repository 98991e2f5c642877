"""Steering by people: of flow runs, by a message to a dispatcher, and of schedules. The audit keeps who asked."""

from selinon_core.celery.steering.cancellation import Cancel, Cancellation
from selinon_core.celery.steering.pausing import Pause, Pausing
from selinon_core.celery.steering.reruns import Rerun, Reruns
from selinon_core.celery.steering.schedules import ScheduleSteering
from selinon_core.celery.steering.signals import Signalled, Signals
from selinon_core.celery.steering.steering import Retry, Steering

__all__ = [
    "Cancel",
    "Cancellation",
    "Pause",
    "Pausing",
    "Rerun",
    "Reruns",
    "Retry",
    "ScheduleSteering",
    "Signalled",
    "Signals",
    "Steering",
]
