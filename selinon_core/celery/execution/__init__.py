"""Advancing flow runs without Celery: ``transition`` decides, ``commit_loop`` commits, ``outbox_relay`` sends."""
