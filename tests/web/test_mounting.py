"""The app inside of others: its addresses are relative, so it works wherever it is mounted."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.web.viewed import Client, Viewed


def in_fastapi(page: Any) -> Any:
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()

    @app.get("/own")
    def own() -> dict[str, str]:
        return {"of": "fastapi"}

    app.mount("/ops/flows", page)
    return app


def in_django(page: Any) -> Any:
    django = pytest.importorskip("django")
    from django.conf import settings

    if not settings.configured:
        settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="tests", DEBUG=False)
        django.setup()
    from django.core.asgi import get_asgi_application

    return Starlette(routes=[Mount("/ops/flows", page), Mount("/", get_asgi_application())])


urlpatterns: list[Any] = []


@pytest.mark.parametrize("mounted_in", [in_fastapi, in_django])
def test_every_link_leads_somewhere(shop: Viewed, mounted_in: Any) -> None:
    id = shop.finished("order", {"pages": 2})
    client = Client(mounted_in(shop.page()))
    assert client.get("/ops/flows/healthz").status_code == 200
    pages = ["/ops/flows/", f"/ops/flows/runs/{id}", "/ops/flows/flows"]
    seen = set()
    for page in pages:
        html = client.get(page).text
        links = [unescape(link) for link in re.findall(r'(?:href|src|action)="([^"]*)"', html)]
        assert len(links) > 5
        for link in links:
            if link.startswith("#"):
                continue
            target = urljoin(page, link)
            seen.add(target)
            assert target.startswith("/ops/flows/"), (page, link)
            assert client.get(target).status_code == 200, (page, link)
        root = re.search(r'data-root="([^"]*)"', html)
        assert root is not None
        assert client.get(urljoin(page, f"{root[1]}api/runs/{id}")).status_code == 200
    assert "/ops/flows/static/web.css" in seen
    missing = client.get("/ops/flows/runs/nothing/else/here")
    assert missing.status_code == 404
    assert urljoin("/ops/flows/runs/nothing/else/here", "../../../static/web.css") == "/ops/flows/static/web.css"
    assert 'href="../../../static/web.css"' in missing.text


def test_the_slash_at_the_end_is_added(shop: Viewed) -> None:
    found = Client(in_fastapi(shop.page())).get("/ops/flows")
    assert found.status_code == 307
    assert urljoin("http://127.0.0.1:8641/ops/flows", found.headers["location"]).endswith("8641/ops/flows/")


def test_the_other_app_is_still_there(shop: Viewed) -> None:
    client = Client(in_fastapi(shop.page()))
    assert client.get("/own").json() == {"of": "fastapi"}
    assert Client(in_django(shop.page())).get("/nothing").status_code == 404
