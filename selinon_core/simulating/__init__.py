"""The production driver in a simulated world: a broker, a store, workers and a clock without processes."""
