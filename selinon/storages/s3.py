"""See ``selinon_core.storages.s3``."""

from selinon_core.storages.s3 import S3

__all__ = ["S3"]
