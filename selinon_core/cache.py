"""The class users derive their caches from."""

from __future__ import annotations

import abc
from collections.abc import Hashable
from typing import Any


class Cache(abc.ABC):
    """Keeps some items for a while. Used by several threads; an exception is traced, never fails a flow."""

    @abc.abstractmethod
    def add(
        self, item_id: Hashable, item: Any, task_name: str | None = None, flow_name: str | None = None
    ) -> None:
        """Offer an item. The names say whose result it is; they are not part of the key."""

    @abc.abstractmethod
    def get(self, item_id: Hashable, task_name: str | None = None, flow_name: str | None = None) -> Any:
        """Return an item, or raise ``CacheMissError``."""
