"""Values in, text out: how diagnostics, runs and summaries look."""
