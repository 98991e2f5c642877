"""The task that runs tasks, under the original module path. See ``selinon_core.legacy.celery_tasks``."""

from selinon_core.legacy.celery_tasks import SelinonTaskEnvelope

__all__ = ["SelinonTaskEnvelope"]
