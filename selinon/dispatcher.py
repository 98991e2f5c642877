"""The name of the dispatcher, under the original module path. See ``selinon_core.legacy.celery_tasks``."""

from selinon_core.legacy.celery_tasks import Dispatcher

__all__ = ["Dispatcher"]
