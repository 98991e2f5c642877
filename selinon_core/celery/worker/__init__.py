"""What a worker process does: handle messages, run tasks, keep time-outs, maintain stalled runs, shut down."""
