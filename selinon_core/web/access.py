"""Who may see the page: checked for every request before anything else.

- *Hosts.* A page of another site can have its name resolve to this machine (DNS rebinding); its requests name that
  site as their host. Without ``authorize`` only names of this machine are accepted, from this machine.
- *Origins.* What another site's page asks for is refused: browsers say so in ``Sec-Fetch-Site`` and ``Origin``.
  A link from another site may lead here: a navigation shows the page to its user, not to the site.
- *Roles.* ``authorize(request)`` returns None, ``viewer`` or ``operator``; there are no users and passwords here.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import inspect
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, Literal
from urllib.parse import urlsplit

from starlette.requests import Request

from selinon_core.errors import ConfigurationError

Role = Literal["viewer", "operator"]
#: Returns the role of the sender of a request; None: the sender may see nothing.
Authorize = Callable[[Request], "Role | Awaitable[Role | None] | None"]

_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
#: Headers that a proxy adds: the request comes from elsewhere, whatever address it has.
_OF_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class Refusal(Exception):
    """Raised for a request that is not answered; ``challenge`` is what a browser is to ask its user for."""

    def __init__(self, status: int, code: str, message: str, hint: str, challenge: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.challenge = challenge


def is_loopback(host: str) -> bool:
    """Whether a name or address to listen at is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def role_of(request: Request, authorize: Authorize | None) -> Role:
    """The role of a request; raises ``Refusal``."""
    _check_origin(request)
    if authorize is None:
        _check_local(request)
        return "viewer"
    role: Any = authorize(request)
    if inspect.isawaitable(role):
        role = await role
    if role in ("viewer", "operator"):
        return "operator" if role == "operator" else "viewer"
    if role is not None:
        raise ConfigurationError(f'authorize returned {role!r}: it has to be None, "viewer" or "operator"')
    challenge = getattr(authorize, "challenge", None)
    raise Refusal(
        403 if challenge is None else 401,
        "not_allowed",
        "you may not see this page",
        "ask those who run this server for access",
        challenge,
    )


def _check_local(request: Request) -> None:
    """Refuse what does not come from this machine, or asks for a host that is not this machine."""
    host = urlsplit("//" + request.headers.get("host", "")).hostname
    client = request.client
    if host not in _LOOPBACK_NAMES or client is None or not is_loopback(client.host):
        raise Refusal(403, "other_host", "this page is for this machine only", "give create_app an authorize=")
    if any(name in request.headers for name in _OF_PROXIES):
        raise Refusal(
            403,
            "other_host",
            "this page is for this machine only, and a proxy passed the request on",
            "selinon web --trust-header, or authorize= of create_app",
        )


def _check_origin(request: Request) -> None:
    headers = request.headers
    site = headers.get("sec-fetch-site")
    navigates = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    if site is not None and site not in ("same-origin", "none") and not (navigates and request.method == "GET"):
        raise Refusal(403, "other_origin", "another site asked for this", "open the page itself")
    origin = headers.get("origin")
    if origin is not None and site is None and urlsplit(origin).netloc != headers.get("host"):
        raise Refusal(403, "other_origin", "another site asked for this", "open the page itself")


class BearerToken:
    """Lets in who knows a token: ``Authorization: Bearer TOKEN``, or as the password that a browser asks for."""

    challenge = 'Basic realm="selinon", charset="UTF-8"'

    def __init__(self, token: str, role: Role = "operator") -> None:
        self._token = token.encode()
        self._role: Role = role

    def __call__(self, request: Request) -> Role | None:
        """The role, None without the token."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return None
        elif kind.lower() != "bearer":
            return None
        return self._role if hmac.compare_digest(given.encode(), self._token) else None


class TrustedHeader:
    """Lets in whom a proxy has let in: its requests have a header with the user's name.

    ``proxies`` are addresses or networks of proxies; a request from elsewhere may say what it likes. Raises
    ``ConfigurationError`` for what is neither.
    """

    challenge = None

    def __init__(self, header: str, proxies: Sequence[str], role: Role = "operator") -> None:
        self.header = header
        self._role: Role = role
        try:
            self._proxies = [ip_network(proxy) for proxy in proxies]
        except ValueError as error:
            raise ConfigurationError(
                f"{error}: name the proxy by its address, or a network as 10.0.0.0/8"
            ) from None

    def __call__(self, request: Request) -> Role | None:
        """The role, None where the proxy names no user."""
        names = request.headers.getlist(self.header)
        if request.client is None or len(names) != 1 or not names[0].strip():
            return None
        try:
            client = ip_address(request.client.host)
        except ValueError:
            return None
        return self._role if any(client in network for network in self._proxies) else None
