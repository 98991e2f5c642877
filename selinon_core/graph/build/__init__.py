"""From a plan (and a run report, and an older plan) to a drawing, before any format."""
