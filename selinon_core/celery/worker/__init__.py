"""The worker process: handle messages, run tasks, enforce time-outs, sweep, requeue, shut down."""
