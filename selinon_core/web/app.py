"""The page and its API as an ASGI app, for ``selinon web`` and for mounting into FastAPI, Django or Starlette."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from selinon_core.celery.selinon_protocol import Owner
from selinon_core.web.access import Authorize
from selinon_core.web.acting import Acting
from selinon_core.web.action_routes import ActionRoutes
from selinon_core.web.api import Api
from selinon_core.web.backend import Backend
from selinon_core.web.guard import Guard, error_handlers
from selinon_core.web.live_feeds import LiveFeeds
from selinon_core.web.page_routes import PageRoutes
from selinon_core.web.parked_routes import ParkedRoutes
from selinon_core.web.pause_routes import PauseRoutes
from selinon_core.web.run_follower import PACE


def create_app(
    selinon: Owner,
    *,
    authorize: Authorize | None = None,
    title: str | None = None,
    read_only: bool = False,
    pace: float = PACE,
    most_viewers: int = 1000,
) -> Starlette:
    """An ASGI app that shows the flow runs of a ``Selinon``; operators may act on them.

    ``authorize(request)`` returns ``"viewer"``, ``"operator"`` or None, which means no access; it may be a
    coroutine function. A role with a name, ``("operator", "anna")``, says who it is, for the audit. Without
    ``authorize``, only requests of this machine to this machine are answered, and nothing can be changed.
    ``read_only``: nothing can be changed by operators either. ``title`` names
    the project on the pages, by default it is the name of the Celery app. ``pace``: the
    server asks the state store for a run at most once in so many seconds, however many look at it.
    ``most_viewers``: streams of live updates that are open at one time.

    Nothing is read and nothing connected before the first request. ``app.state.close()`` ends open streams and
    batches.
    """
    backend = Backend(selinon, pace)
    feeds = LiveFeeds(pace, backend.now, most_viewers=most_viewers)
    api = Api(backend, feeds)
    acting = Acting(selinon)
    actions = ActionRoutes(backend, acting)
    pages = PageRoutes(backend, title or str(selinon.app.main or "flows"))
    app = Starlette(
        routes=_routes(api, pages, actions, ParkedRoutes(backend, acting), PauseRoutes(backend, acting)),
        middleware=[Middleware(Guard, authorize=authorize, read_only=read_only)],
        exception_handlers=error_handlers(pages.error),
    )

    def close() -> None:
        feeds.close()
        actions.batches.close()

    state: Any = app.state
    state.close = close
    return app


def _routes(
    api: Api, pages: PageRoutes, actions: ActionRoutes, parked: ParkedRoutes, pauses: PauseRoutes
) -> list[Route]:
    """Every address; ``Guard`` has let the request in."""
    return [
        Route("/", pages.runs),
        Route("/runs/{id}", pages.run),
        Route("/flows", pages.flows),
        Route("/review", pages.review),
        Route("/schedules", pages.schedules),
        Route("/parked", pages.parked),
        Route("/static/{name}", pages.static),
        Route("/healthz", api.health),
        Route("/metrics", api.metrics),
        Route("/api/runs", api.runs),
        Route("/api/events", api.events),
        Route("/api/audit", api.audit),
        Route("/api/waits", api.waits),
        Route("/api/batch", actions.batch, methods=["POST"]),
        Route("/api/batch/{token}", actions.progress),
        Route("/api/batch/{token}/stop", actions.stop, methods=["POST"]),
        Route("/api/flows", api.flows),
        Route("/api/schedules", api.schedules),
        Route("/api/schedules/pause", pauses.pause_schedule, methods=["POST"]),
        Route("/api/schedules/resume", pauses.resume_schedule, methods=["POST"]),
        Route("/api/starts", pauses.starts),
        Route("/api/starts/pause", pauses.pause_starts, methods=["POST"]),
        Route("/api/starts/resume", pauses.resume_starts, methods=["POST"]),
        Route("/api/parked", parked.parked),
        Route("/api/parked/{id}/requeue", parked.requeue, methods=["POST"]),
        Route("/api/parked/{id}/drop", parked.drop, methods=["POST"]),
        Route("/api/runs/{id}", api.run),
        Route("/api/runs/{id}/nodes", api.nodes),
        Route("/api/runs/{id}/history", api.history),
        Route("/api/runs/{id}/logs", api.logs),
        Route("/api/runs/{id}/result", api.result),
        Route("/api/runs/{id}/explain", api.explain),
        Route("/api/runs/{id}/events", api.run_events),
        Route("/api/runs/{id}/graph", api.plain_graph),
        Route("/api/runs/{id}/graph.svg", api.graph),
        Route("/api/runs/{id}/{action}", actions.act, methods=["POST"]),
    ]
