"""One module per sort of expectation: each compares what a case expects with what its run shows."""
