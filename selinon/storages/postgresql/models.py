"""The model of a result, under the original module path. See ``selinon_core.storages.sql_sessions``."""

from selinon_core.storages.sql_sessions import Result

__all__ = ["Result"]
