"""Running a recorded run again: which node runs run again, which are reused, and what a rerun will do."""
