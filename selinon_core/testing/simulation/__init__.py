"""Simulation campaigns over flow test cases: what is simulated, what is looked at, what is kept as a case."""
