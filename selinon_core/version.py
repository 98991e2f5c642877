"""The one place that states the version; a constant, because reading package metadata costs start-up time."""

__version__ = "2.0.0"

#: The original names its releases; ``selinon-cli version --codename`` prints it.
CODENAME = "Second Wind"
