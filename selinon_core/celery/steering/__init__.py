"""Steering of flow runs by people. What is asked for is kept in the audit, and is a message to a dispatcher."""

from selinon_core.celery.steering.cancellation import Cancel, Cancellation
from selinon_core.celery.steering.pausing import Pause, Pausing
from selinon_core.celery.steering.signals import Signalled, Signals
from selinon_core.celery.steering.steering import Retry, Steering

__all__ = ["Cancel", "Cancellation", "Pause", "Pausing", "Retry", "Signalled", "Signals", "Steering"]
