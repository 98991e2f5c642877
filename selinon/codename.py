"""The name of the release, under the original module path. See ``selinon_core.version``."""

from selinon_core.version import CODENAME as selinon_version_codename

__all__ = ["selinon_version_codename"]
