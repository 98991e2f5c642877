"""Who may see the page, and that a viewer can break nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest
from starlette.requests import Request
from starlette.routing import Route

from selinon_core.celery.stores.items import HELD, PARKED
from selinon_core.errors import ConfigurationError
from selinon_core.web.access import ACTION_HEADER, BearerToken, LocalOperator, TrustedHeader
from selinon_core.web.actions import ACTIONS
from tests.web.viewed import Client, Viewed

TOKEN = "a-token-that-is-long-enough"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"]


def everything(shop: Viewed) -> Any:
    """All that the store holds."""
    store = shop.world.store
    ids = sorted(store._runs)
    rows = [store.index.get(id) for id in ids]
    states = [(store.read(id), store.timers(id), sorted(store._runs[id].outbox)) for id in ids]
    sent, audit, parked = list(shop.world.broker.queue), store.audit.read(), store.items.find(PARKED)
    stopped = list(shop.control.revoked)
    pauses = store.items.find(HELD), store.schedules.pauses()
    return ids, rows, states, dict(store._errors), sent, store.next_due(), audit, parked, stopped, pauses


def operator(request: Request) -> Any:
    return "operator", "anna"


def viewer(request: Request) -> Any:
    return "viewer", "bert"


#: What a request of an operator needs to be taken.
TAKEN = {"content-type": "application/json", ACTION_HEADER: "1"}
#: Every reason why a request may change nothing: how the app is made, headers, and the codes of the refusals.
POWERLESS: dict[str, tuple[dict[str, Any], dict[str, str], set[str]]] = {
    "by default": ({}, TAKEN, {"not_operator"}),
    "a viewer": ({"authorize": viewer}, TAKEN, {"not_operator"}),
    "not let in": ({"authorize": lambda request: None}, TAKEN, {"not_allowed"}),
    "read-only": ({"authorize": operator, "read_only": True}, TAKEN, {"read_only"}),
    "without the header": ({"authorize": operator}, {"content-type": "application/json"}, {"no_header"}),
    "another origin": ({"authorize": operator}, {**TAKEN, "origin": "http://evil.example"}, {"other_origin"}),
    "another site": ({"authorize": operator}, {**TAKEN, "sec-fetch-site": "cross-site"}, {"other_origin"}),
    "another site's link": (
        {"authorize": operator},
        {**TAKEN, "sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
        {"other_origin"},
    ),
    "another host": (
        {"authorize": LocalOperator("me")},
        {**TAKEN, "host": "evil.example"},
        {"other_host"},
    ),
    "not JSON": (
        {"authorize": operator},
        {**TAKEN, "content-type": "text/plain"},
        {"content_type", "method", "no_such_action", "not_found"},
    ),
}


def paths(app: Any, ids: Sequence[str]) -> Iterator[str]:
    """The address of every route, of every action, for some ids."""
    for route in app.routes:
        assert isinstance(route, Route)
        for id in ids:
            for action in ACTIONS if "{action}" in route.path else ("",):
                path = route.path.replace("{id}", id).replace("{name}", "base.css").replace("{action}", action)
                yield path.replace("{token}", "x" * 24)


@pytest.mark.parametrize("why", POWERLESS)
def test_who_may_not_act_can_break_nothing(shop: Viewed, why: str) -> None:
    options, headers, codes = POWERLESS[why]
    failed = shop.finished("order", {"declined": True, "pages": 2})
    running, parked = shop.begun("order", {"pages": 2}), shop.park("pages")
    before = everything(shop)
    client = Client(shop.page(**options))
    batch, flow = b'{"action": "retry", "filter": {"flow": "order"}}', b'{"flow": "order"}'
    bodies = [b"{}", batch, flow, b'{"schedule": "nightly"}']
    asked = 0
    for path in paths(shop.page(), (failed, running, parked)):
        for method in METHODS if why == "by default" else ("POST", "PUT"):
            if method == "GET" and path.endswith("/events"):
                continue  # it does not end; HEAD asks for the same
            for body in bodies:
                answer = client.request(method, path, content=body, headers=headers)
                asked += 1
                assert answer.status_code < 500, (method, path)
                if method not in ("GET", "HEAD"):
                    assert answer.status_code in (401, 403, 404, 405, 415), (method, path)
                    assert answer.json()["error"]["code"] in codes, (method, path)
    assert asked > 100
    assert everything(shop) == before
    changing = re.compile(
        r"commit|append|lease|claim|retry|put_|heartbeat|prepare|clear|leadership|fill|trim|write|set_|allow"
        r"|items\.(put|remove|forget|postpone)"
    )
    assert [name for name in shop.store.asked if changing.search(name)] == []


def test_an_operator_can_act_by_post_and_with_json_only(shop: Viewed) -> None:
    id = shop.finished("order", {"declined": True, "pages": 1})
    before = everything(shop)
    client = Client(shop.page(authorize=operator))
    for path in paths(shop.page(), (id,)):
        for method in METHODS:
            if method not in ("GET", "HEAD", "POST"):
                answer = client.request(method, path, content=b"{}", headers=TAKEN)
                assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method"), (method, path)
    assert everything(shop) == before
    assert client.request("POST", f"/api/runs/{id}/retry", content=b"{}", headers=TAKEN).status_code == 202


@pytest.mark.parametrize("length", [None, "70000", "1"])
def test_a_body_that_is_too_large_is_refused(shop: Viewed, length: str | None) -> None:
    """Also one whose length is not given."""
    id, parked = shop.finished("order", {"declined": True, "pages": 1}), shop.park("pages")
    before = everything(shop)
    client = Client(shop.page(authorize=operator))

    async def parts() -> AsyncIterator[bytes]:
        yield b'{"nodes": ["'
        for _ in range(70):
            yield b"x" * 1000
        yield b'"]}'

    for path in paths(shop.page(), (id, parked)):
        headers = TAKEN if length is None else {**TAKEN, "content-length": length}
        answer = client.request("POST", path, content=parts(), headers=headers)
        assert answer.status_code in (404, 405, 413), path
        if path.endswith(("/retry", "/cancel", "/terminate", "/batch", "/stop", "/requeue", "/drop", "/resume")):
            assert answer.status_code == 413, path
    assert everything(shop) == before


@pytest.mark.parametrize(
    "id", ["%2e%2e%2fetc", "..%2f..%2fetc%2fpasswd", "%00", "a%20b", "%3Cscript%3E", "a" * 201, "~", ".."]
)
def test_an_operator_cannot_name_a_path(shop: Viewed, id: str) -> None:
    client = Client(shop.page(authorize=operator))
    before = shop.store.asked.total()
    for path in paths(shop.page(), (id,)):
        if id in path:
            answer = client.request("POST", path, content=b"{}", headers=TAKEN)
            assert answer.status_code in (400, 404, 405), path
    assert shop.store.asked.total() == before


@pytest.mark.parametrize("path", ["/", "/api/runs", "/static/run.js", "/api/events"])
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:8641"},
        {"host": "127.0.0.1.evil.example:8641"},
        {"host": "localhost.evil.example"},
        {"host": "127.0.0.1@evil.example"},
        {"host": ""},
        {"host": "[::2]:8641"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
        {"x-forwarded-for": "192.0.2.1"},
        {"forwarded": "for=192.0.2.1"},
    ],
    ids=str,
)
def test_other_hosts_and_origins_are_refused(shop: Viewed, path: str, headers: dict[str, str]) -> None:
    answer = shop.client().request("GET", path, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] in ("other_host", "other_origin")
    assert shop.store.asked.total() == 0


def test_another_machine_is_refused(shop: Viewed) -> None:
    for client in (Client(shop.page(), "192.0.2.1"), Client(shop.page(), host="shop.example")):
        answer = client.get("/api/runs")
        assert answer.status_code == 403
        assert "authorize=" in answer.json()["error"]["hint"]


@pytest.mark.parametrize("host", ["127.0.0.1:8641", "localhost:8641", "[::1]:8641", "localhost"])
def test_this_machine_is_let_in(shop: Viewed, host: str) -> None:
    assert shop.client().get("/api/runs", host=host, sec_fetch_site="same-origin").status_code == 200


def test_a_link_from_elsewhere_opens_the_page_for_its_user(shop: Viewed) -> None:
    headers = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert shop.client().get("/", **headers).status_code == 200


def test_every_answer_keeps_browsers_strict(shop: Viewed) -> None:
    client = shop.client()
    for path in ("/", "/api/runs", "/static/run.js", "/nothing", "/runs/..x", "/?x=1"):
        for answer in (client.get(path), client.get(path, host="evil.example")):
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert "access-control-allow-origin" not in answer.headers
            assert answer.headers["cache-control"] == "no-store"


def test_what_is_too_large_is_refused_unread(shop: Viewed) -> None:
    client = shop.client()
    for method in ("GET", "POST"):
        answer = client.request(method, "/api/runs", content=b"x" * 65_537)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert client.request("GET", "/api/runs", headers={"content-length": "-1"}).status_code == 413
    assert client.get("/api/runs?key=" + "x" * 9000).status_code == 414
    assert shop.store.asked.total() == 0


# -- tokens and proxies ------------------------------------------------------------------------------------------


def test_a_token_lets_programs_and_browsers_in(shop: Viewed) -> None:
    client = Client(shop.page(authorize=BearerToken(TOKEN)), "192.0.2.1", "shop.example")
    refused = client.get("/")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic ")
    basic = base64.b64encode(f"anyone:{TOKEN}".encode()).decode()
    assert client.get("/", authorization=f"Bearer {TOKEN}").status_code == 200
    assert client.get("/", authorization=f"Basic {basic}").status_code == 200
    for wrong in (
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer",
        f"Token {TOKEN}",
        "Basic !",
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(f"{TOKEN}:".encode()).decode(),
    ):
        assert client.get("/", authorization=wrong).status_code == 401
    assert client.get("/", authorization=f"Bearer {TOKEN}", sec_fetch_site="cross-site").status_code == 403


def test_health_is_told_without_a_token(shop: Viewed) -> None:
    client = Client(shop.page(authorize=BearerToken(TOKEN)), "192.0.2.1", "10.0.0.1:8641")
    assert client.get("/healthz").json() == {"version": 1, "status": "ok"}


def test_a_proxy_is_trusted_where_it_is(shop: Viewed) -> None:
    app = shop.page(authorize=TrustedHeader("X-Forwarded-User", ["10.0.0.0/8", "::1"]))
    assert Client(app, "10.1.2.3", "shop.example").get("/", x_forwarded_user="ann").status_code == 200
    assert Client(app, "10.1.2.3", "shop.example").get("/").status_code == 403
    assert Client(app, "10.1.2.3", "shop.example").get("/", x_forwarded_user=" ").status_code == 403
    assert Client(app, "192.0.2.1", "shop.example").get("/", x_forwarded_user="ann").status_code == 403
    twice = [("X-Forwarded-User", "ann"), ("X-Forwarded-User", "root")]
    assert Client(app, "10.1.2.3", "shop.example").request("GET", "/", headers=twice).status_code == 403
    with pytest.raises(ConfigurationError, match="name the proxy by its address"):
        TrustedHeader("X-Forwarded-User", ["proxy.example"])


async def _later(request: Request) -> str | None:
    return "viewer" if request.headers.get("x-who") == "ann" else None


@pytest.mark.parametrize("authorize", [lambda request: _later(request), _later], ids=["function", "coroutine"])
def test_a_project_says_who_may_see_it(shop: Viewed, authorize: Callable[[Request], Any]) -> None:
    client = Client(shop.page(authorize=authorize), "192.0.2.1", "shop.example")
    assert client.get("/api/runs", x_who="ann").status_code == 200
    assert client.get("/api/runs").status_code == 403


def test_a_role_that_there_is_not_lets_nothing_through(shop: Viewed) -> None:
    answer = Client(shop.page(authorize=lambda request: "admin")).get("/api/runs")
    assert answer.status_code == 500
    assert shop.store.asked.total() == 0
