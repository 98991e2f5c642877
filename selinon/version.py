"""The version, under the original module path. See ``selinon_core.version``."""

from selinon_core.version import __version__ as selinon_version

__all__ = ["selinon_version"]
