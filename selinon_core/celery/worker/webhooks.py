"""Posts notices to webhooks: signed, with a deadline, and to no other place than the one that is configured.

| header | is |
| --- | --- |
| ``Selinon-Notice`` | the id of the notice; a repetition has the same |
| ``Selinon-Signature`` | ``t=TIME,v1=HEX``: HMAC-SHA256 of the time, a dot and the body, by the secret |
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple

from selinon_core.celery.transport.broker_deadline import within
from selinon_core.errors import ConfigurationError
from selinon_core.plan import NotifyPlan, Plan
from selinon_core.runtime.environment import expand
from selinon_core.version import __version__

#: Seconds that a receiver may take.
DEADLINE = 5.0


class PostFailed(Exception):
    """Raised when a webhook did not take a notice; the text has no URL and no secret."""


class Webhook(NamedTuple):
    """Where notices are posted to, and the secret that signs them (None: they are not signed)."""

    url: str
    secret: str | None

    @property
    def host(self) -> str:
        """The server, as logs show it: paths and queries of webhooks are often secret."""
        return urllib.parse.urlsplit(self.url).hostname or "?"


def webhook_of(notify: NotifyPlan) -> Webhook:
    """The webhook of an entry; raises ``ConfigurationError`` for a missing variable and for a wrong URL."""
    assert notify.webhook is not None
    url = expand(notify.webhook)
    secret = None if notify.secret is None else expand(notify.secret)
    parts = None
    try:
        parts = urllib.parse.urlsplit(url)
        fits = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        fits = False
    if not fits or not url.isascii() or any(char <= " " for char in url):
        raise ConfigurationError(f"{notify.place}: the webhook {notify.webhook} is not a URL of a web server")
    if secret == "":
        raise ConfigurationError(f"{notify.place}: the secret {notify.secret} is empty: nothing could be signed")
    return Webhook(url, secret)


def check_webhooks(plan: Plan) -> None:
    """Raise ``ConfigurationError`` for a webhook that cannot be used."""
    for notify in plan.settings.notify:
        if notify.webhook is not None:
            try:
                webhook_of(notify)
            except ConfigurationError as error:
                at = str(notify.place)
                raise ConfigurationError(str(error) if at in str(error) else f"{at}: {error}") from None


def signature(secret: str, at: int, body: bytes) -> str:
    """The header ``Selinon-Signature`` of a body that is sent at a time (whole seconds since the epoch)."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={digest.hexdigest()}"


def post(webhook: Webhook, notice: Mapping[str, Any], at: float) -> None:
    """Post a notice; raises ``PostFailed`` unless the receiver says 2xx within ``DEADLINE`` seconds."""
    body = json.dumps(notice, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"selinon/{__version__}",
        "Selinon-Notice": str(notice["id"]).encode("ascii", "replace").decode(),
    }
    if webhook.secret is not None:
        headers["Selinon-Signature"] = signature(webhook.secret, int(at), body)
    request = urllib.request.Request(webhook.url, body, headers, method="POST")  # noqa: S310  (http and https only)
    opener = urllib.request.build_opener(_NoRedirects)

    def send() -> None:
        with opener.open(request, timeout=DEADLINE):
            pass

    try:
        within(DEADLINE, send, "a notice")
    except urllib.error.HTTPError as error:
        error.close()
        redirects = ", and redirects are not followed" if 300 <= error.code < 400 else ""
        raise PostFailed(f"it answered {error.code}{redirects}") from None
    except TimeoutError:
        raise PostFailed(f"it did not answer within {DEADLINE:g} s") from None
    except urllib.error.URLError as error:
        reason = error.reason
        if isinstance(reason, TimeoutError):
            raise PostFailed(f"it did not answer within {DEADLINE:g} s") from None
        raise PostFailed(type(reason).__name__ if isinstance(reason, BaseException) else "no connection") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise PostFailed(type(error).__name__) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The notice and its signature are for the place that is configured."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None
