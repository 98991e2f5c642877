"""Reruns on workers: reads the recorded run from the state store, and answers the questions of the new run."""
