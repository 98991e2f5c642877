"""Checks of a deployment: servers, workers, queues, storages, versions, settings, clocks. Nothing is changed."""

from selinon_core.celery.doctor.examination import examine
from selinon_core.celery.doctor.finding import FAILED, OK, SKIPPED, WARNING, Finding

__all__ = ["FAILED", "OK", "SKIPPED", "WARNING", "Finding", "examine"]
