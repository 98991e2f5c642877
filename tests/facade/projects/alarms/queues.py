"""What the container starts workers with."""
from app import app  # noqa: F401
from selinon import Config

names = set(Config.dispatcher_queues.values()) | set(Config.task_queues.values())
print(','.join(sorted(names)))
