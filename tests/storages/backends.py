"""How to build each shipped storage for the tests, as data, so that another process can build it too."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

from selinon_core.storage import DataStorage


class Backend(NamedTuple):
    """A place where results are, and the storage that reaches it."""

    module: str
    classname: str
    configuration: dict[str, Any]
    #: whether another instance, and another process, sees what one instance stored
    shared: bool = True
    forks: bool = True
    #: whether what stands in for the server replaces a record in one step, as the server does
    atomic: bool = True

    def build(self) -> Any:
        """Return a new, unconnected instance."""
        kind = getattr(importlib.import_module(self.module), self.classname)
        storage = kind(**self.configuration)
        assert isinstance(storage, DataStorage)
        return storage
