"""The shipped sampling strategies, under their original module path. See ``selinon_core.strategies``."""

from selinon_core.strategies import *  # noqa: F403
