"""Advancing flow runs: decide, commit, relay. Knows the store and the messages, and does not import Celery."""
