"""Advancing flow runs: decide, commit, relay. Knows the store and the message builder, and does not import Celery."""
