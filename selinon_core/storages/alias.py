"""Attributes under the names that selinon 1.x had for them."""

from __future__ import annotations

from typing import Any


class Alias:
    """Another name of an attribute: reading and assigning go to that one."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, owner: Any, kind: type) -> Any:
        """Read the attribute."""
        return self if owner is None else getattr(owner, self._name)

    def __set__(self, owner: Any, value: Any) -> None:
        """Assign the attribute."""
        setattr(owner, self._name, value)
