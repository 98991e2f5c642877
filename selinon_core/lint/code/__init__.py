"""The project's Python code, as far as it can be known without running it."""
