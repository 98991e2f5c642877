"""Steering of flow runs by people: letting failed runs go on. What is asked for is a message to a dispatcher."""

from selinon_core.celery.steering.steering import Retry, Steering

__all__ = ["Retry", "Steering"]
