"""Flow test cases: collecting them, running them, and judging what they expect of a run."""

from selinon_core.testing.effects import Effect, effect

__all__ = ["Effect", "effect"]
