"""The page and its API as an ASGI app, for ``selinon web`` and for mounting into FastAPI, Django or Starlette."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from selinon_core.celery.selinon_protocol import Owner
from selinon_core.web.access import Authorize
from selinon_core.web.api import Api
from selinon_core.web.backend import Backend
from selinon_core.web.guard import Guard, error_handlers
from selinon_core.web.live_feeds import LiveFeeds
from selinon_core.web.page_routes import PageRoutes
from selinon_core.web.run_follower import PACE


def create_app(
    selinon: Owner,
    *,
    authorize: Authorize | None = None,
    title: str | None = None,
    pace: float = PACE,
    most_viewers: int = 1000,
) -> Starlette:
    """An ASGI app that shows the flow runs of a ``Selinon``; it changes nothing.

    ``authorize(request)`` returns ``"viewer"``, ``"operator"`` or None, which means no access; it may be a
    coroutine function. Without it, only requests of this machine to this machine are answered. ``title`` names
    the project on the pages, by default it is the name of the Celery app. ``pace``: the
    server asks the state store for a run at most once in so many seconds, however many look at it.
    ``most_viewers``: streams of live updates that are open at one time.

    Nothing is read and nothing connected before the first request. ``app.state.close()`` ends open streams.
    """
    backend = Backend(selinon, pace)
    feeds = LiveFeeds(pace, backend.now, most_viewers=most_viewers)
    api = Api(backend, feeds)
    pages = PageRoutes(backend, title or str(selinon.app.main or "flows"))
    app = Starlette(
        routes=[
            Route("/", pages.runs),
            Route("/runs/{id}", pages.run),
            Route("/flows", pages.flows),
            Route("/static/{name}", pages.static),
            Route("/healthz", api.health),
            Route("/api/runs", api.runs),
            Route("/api/events", api.events),
            Route("/api/flows", api.flows),
            Route("/api/runs/{id}", api.run),
            Route("/api/runs/{id}/nodes", api.nodes),
            Route("/api/runs/{id}/history", api.history),
            Route("/api/runs/{id}/events", api.run_events),
            Route("/api/runs/{id}/graph", api.plain_graph),
            Route("/api/runs/{id}/graph.svg", api.graph),
        ],
        middleware=[Middleware(Guard, authorize=authorize)],
        exception_handlers=error_handlers(pages.error),
    )
    state: Any = app.state
    state.close = feeds.close
    return app
