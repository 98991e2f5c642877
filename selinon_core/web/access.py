"""Who may see the page, and who may act on it: checked for every request before anything else.

- *Hosts.* A page of another site can have its name resolve to this machine (DNS rebinding); its requests name that
  site as their host. Without ``authorize`` only names of this machine are accepted, from this machine.
- *Origins.* What another site's page asks for is refused: browsers say so in ``Sec-Fetch-Site`` and ``Origin``.
  A link from another site may lead here: a navigation shows the page to its user, not to the site.
- *Roles.* ``authorize(request)`` returns None, ``viewer`` or ``operator``; there are no users and passwords here.
- *Actions.* A request that may change something is that of an operator, and has a header of its own, which a page
  of another site cannot send (CSRF). A server that is read-only takes none.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import inspect
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request

from selinon_core.errors import ConfigurationError

Role = Literal["viewer", "operator"]


class Visitor(NamedTuple):
    """Who sends a request."""

    role: Role
    #: The name for the audit.
    name: str


Granted = Role | tuple[Role, str] | None
#: Returns the role of the sender of a request, or role and name; None: the sender may see nothing.
Authorize = Callable[[Request], "Granted | Awaitable[Granted]"]

#: The header of a request that may change something; its value does not matter.
ACTION_HEADER = "X-Selinon-Request"

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


async def visitor_of(request: Request, authorize: Authorize | None) -> Visitor:
    """Who sends a request; raises ``Refusal``."""
    _check_origin(request)
    if authorize is None:
        check_local(request)
        return Visitor("viewer", "viewer")
    granted: Any = authorize(request)
    if inspect.isawaitable(granted):
        granted = await granted
    role, name = granted if isinstance(granted, tuple) and len(granted) == 2 else (granted, granted)
    if role in ("viewer", "operator") and isinstance(name, str):
        return Visitor("operator" if role == "operator" else "viewer", name)
    if granted is not None:
        raise ConfigurationError(
            f'authorize returned {granted!r}: it has to be None, "viewer", "operator", or a role and a name'
        )
    challenge = getattr(authorize, "challenge", None)
    raise Refusal(
        403 if challenge is None else 401,
        "not_allowed",
        "you may not see this page",
        "ask those who run this server for access",
        challenge,
    )


def check_action(request: Request, visitor: Visitor, read_only: bool) -> None:
    """Refuse a request that may change something unless its sender may and meant it; raises ``Refusal``."""
    if read_only:
        raise Refusal(403, "read_only", "this page only shows", "selinon web --allow-actions, or read_only=False")
    if visitor.role != "operator":
        raise Refusal(
            403, "not_operator", "you may see this page, and change nothing", "ask for an operator's role"
        )
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Refusal(403, "other_origin", "another site asked for this", "open the page itself")
    if ACTION_HEADER.lower() not in request.headers:
        raise Refusal(403, "no_header", f"the header {ACTION_HEADER} is missing", f"send {ACTION_HEADER}: 1")


def check_local(request: Request) -> None:
    """Refuse what does not come from this machine, or asks for a host that is not this machine."""
    host = urlsplit("//" + request.headers.get("host", "")).hostname
    client = request.client
    if host not in _LOOPBACK_NAMES or client is None or not is_loopback(client.host):
        hint = "selinon web --token-file or --trust-header, or authorize= of create_app"
        raise Refusal(403, "other_host", "this page is for this machine only", hint)
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


class LocalOperator:
    """Everyone on this machine may act. ``name`` is for the audit."""

    challenge = None

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, request: Request) -> Granted:
        """Role and name; raises ``Refusal`` for a request from elsewhere."""
        check_local(request)
        return "operator", self._name


class Token(NamedTuple):
    """A token, and what it allows."""

    text: str
    role: Role = "operator"
    #: For the audit.
    name: str = "token"


class BearerToken:
    """Lets in who knows a token: ``Authorization: Bearer TOKEN``, or as the password that a browser asks for."""

    challenge = 'Basic realm="selinon", charset="UTF-8"'

    def __init__(self, *tokens: Token | str) -> None:
        self._tokens = [Token(token) if isinstance(token, str) else token for token in tokens]

    def __call__(self, request: Request) -> Granted:
        """Role and name, None without a token."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return None
        elif kind.lower() != "bearer":
            return None
        found = None
        for token in self._tokens:  # all of them: the time says nothing about which one was nearly right
            if hmac.compare_digest(given.encode(), token.text.encode()):
                found = token
        return None if found is None else (found.role, found.name)


class TrustedHeader:
    """Lets in whom a proxy has let in: its requests have a header with the user's name.

    ``proxies`` are addresses or networks of proxies; a request from elsewhere may say what it likes. ``operators``
    are the users who may act, None: all. Raises ``ConfigurationError`` for what is not an address.
    """

    challenge = None

    def __init__(self, header: str, proxies: Sequence[str], operators: Sequence[str] | None = None) -> None:
        self.header = header
        self._operators = operators
        try:
            self._proxies = [ip_network(proxy) for proxy in proxies]
        except ValueError as error:
            raise ConfigurationError(
                f"{error}: name the proxy by its address, or a network as 10.0.0.0/8"
            ) from None

    def __call__(self, request: Request) -> Granted:
        """Role and name, None where the proxy names no user."""
        names = request.headers.getlist(self.header)
        if request.client is None or len(names) != 1 or not names[0].strip():
            return None
        try:
            client = ip_address(request.client.host)
        except ValueError:
            return None
        if not any(client in network for network in self._proxies):
            return None
        name = names[0].strip()
        return "operator" if self._operators is None or name in self._operators else "viewer", name
