"""The routes of the pages: read the address, have ``backend`` read the state, answer with HTML of ``pages``."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from selinon_core.errors import RequestError
from selinon_core.web.acting import EXPIRED
from selinon_core.web.answers import ApiError
from selinon_core.web.backend import Backend
from selinon_core.web.filters import checked_id, read_filter
from selinon_core.web.flows_page import flows_main
from selinon_core.web.guard import path_of
from selinon_core.web.pages import error_main, page, run_main, runs_main
from selinon_core.web.parked_page import parked_main
from selinon_core.web.review_page import review_main
from selinon_core.web.schedules_page import schedules_main
from selinon_core.web.static_files import read_static

#: Entries of the audit on the page of a run.
_ASKED = 5


class PageRoutes:
    """The handlers of one server; ``project`` is its name on the pages."""

    def __init__(self, backend: Backend, project: str) -> None:
        self._backend = backend
        self._project = project

    async def runs(self, request: Request) -> Response:
        """The list of runs."""
        now = await self._backend.call(self._backend.now)
        wanted = read_filter(request.query_params.multi_items(), now)
        found = await self._backend.call(self._backend.runs, wanted)
        flows = list(self._backend.plan.flows)
        main = runs_main(found["runs"], found["next"], wanted, flows, request.scope["selinon.acts"])
        return HTMLResponse(page("runs", "Runs", main, root="", project=self._project))

    async def run(self, request: Request) -> Response:
        """One run; the beginning of an id leads to it."""
        id = checked_id(request.path_params["id"])
        try:
            run = await self._backend.call(self._backend.run, id)
        except RequestError as error:
            found = await self._backend.call(self._backend.ids_like, id)
            if len(found) > 1:
                listed = ", ".join(found)
                raise ApiError(409, "several_runs", f"several ids begin with {id}: {listed}") from error
            if found and found[0] != id:
                return RedirectResponse(found[0], 302)
            raise ApiError(404, "no_such_run", str(error), EXPIRED) from error
        asked = await self._backend.call(self._backend.audit, id, None)
        main = run_main(run, "../", request.scope["selinon.acts"], asked["entries"][:_ASKED])
        title = f"{run['flow']} {run['status']}"
        return HTMLResponse(page("run", title, main, root="../", project=self._project))

    async def flows(self, request: Request) -> Response:
        """What each flow did in the last day, and whose starts are paused."""
        flows = await self._backend.call(self._backend.flows)
        paused = await self._backend.call(self._backend.paused_starts)
        main = flows_main(flows, paused, request.scope["selinon.acts"])
        return HTMLResponse(page("flows", "Flows", main, root="", project=self._project))

    async def review(self, request: Request) -> Response:
        """What waits for an answer."""
        cursor = request.query_params.get("cursor")
        found = await self._backend.call(self._backend.waits, (), None, cursor)
        main = review_main(found["waits"], found["next"], request.scope["selinon.acts"])
        return HTMLResponse(page("review", "Needs review", main, root="", project=self._project))

    async def schedules(self, request: Request) -> Response:
        """When flows are started by the clock."""
        main = schedules_main(await self._backend.call(self._backend.schedules), request.scope["selinon.acts"])
        return HTMLResponse(page("schedules", "Schedules", main, root="", project=self._project))

    async def parked(self, request: Request) -> Response:
        """The starts that workers could not handle."""
        cursor = request.query_params.get("cursor")
        found = await self._backend.call(self._backend.parked, cursor)
        main = parked_main(found["parked"], found["next"], request.scope["selinon.acts"])
        return HTMLResponse(page("parked", "Parked", main, root="", project=self._project))

    async def static(self, request: Request) -> Response:
        """A style sheet or a script."""
        try:
            content, kind = read_static(request.path_params["name"])
        except KeyError:
            raise HTTPException(404) from None
        return Response(content, media_type=kind)

    def error(self, request: Request, error: ApiError) -> Response:
        """An error as a page; while the store is away it loads itself again."""
        root = "../" * max(0, path_of(request).count("/") - 1)
        headers = dict(error.headers)
        if error.status == 503:
            headers["Refresh"] = headers.get("Retry-After", "2")
        content = page("flows", "Error", error_main(error.message, error.hint), root=root, project=self._project)
        return HTMLResponse(content, error.status, headers)
