"""The shipped storages, under their original module paths. See ``selinon_core.storages``."""
