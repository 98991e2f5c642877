"""The trace: entries of what happened, records of runs, and how both become named events for sinks."""
