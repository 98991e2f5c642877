"""Functions for configurations, under their original module path."""

from selinon_core.routines import always_run

__all__ = ["always_run"]
