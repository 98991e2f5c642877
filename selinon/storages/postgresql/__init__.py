"""See ``selinon_core.storages.sql``; ``Result`` imports SQLAlchemy, so it is imported when first used."""

from typing import TYPE_CHECKING, Any

from selinon_core.storages.sql import PostgreSQL

if TYPE_CHECKING:
    from selinon_core.storages.sql_sessions import Result

__all__ = ["PostgreSQL", "Result"]


def __getattr__(name: str) -> Any:
    if name != "Result":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from selinon_core.storages.sql_sessions import Result

    return Result
