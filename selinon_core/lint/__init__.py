"""Checks over the model of a project: one rule a file, each with a code of its own."""
