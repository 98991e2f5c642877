"""The page that shows flow runs in production, as an ASGI app. Starlette is imported when the app is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selinon_core.web.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    if name == "create_app":
        from selinon_core.errors import MissingExtraError

        try:
            from selinon_core.web.app import create_app
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in ("starlette", "anyio"):
                raise MissingExtraError("the web page needs: pip install 'selinon[web]'") from error
            raise
        return create_app
    raise AttributeError(f"module {__name__} has no attribute {name}")
