"""Celery's classes, where the original had them. See Celery's documentation."""

from celery import Task
from celery.result import AsyncResult

__all__ = ["AsyncResult", "Task"]
