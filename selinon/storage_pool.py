"""Storages of the process, under the original module path. See ``selinon_core.legacy.storage_pool``."""

from selinon_core.legacy.storage_pool import StoragePool

__all__ = ["StoragePool"]
