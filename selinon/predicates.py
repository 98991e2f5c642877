"""The shipped predicates, under their original module path. See ``selinon_core.predicates``."""

from selinon_core.predicates import *  # noqa: F403
