"""Running flows in production, on Celery. Importing this imports Celery when a name is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon
    from selinon_core.celery.handle import FlowHandle

__all__ = ["FlowHandle", "Selinon"]


def __getattr__(name: str) -> Any:
    if name == "Selinon":
        from selinon_core.celery.app import Selinon

        return Selinon
    if name == "FlowHandle":
        from selinon_core.celery.handle import FlowHandle

        return FlowHandle
    raise AttributeError(f"module {__name__} has no attribute {name}")
