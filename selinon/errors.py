"""The exceptions, under their original names. See ``selinon_core.errors``."""

from selinon_core.errors import *  # noqa: F403
