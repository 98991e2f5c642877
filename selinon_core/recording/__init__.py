"""From recorded runs to flow test cases: what a run in production did becomes a test that replays it."""
