"""``selinon web``: the page that shows flow runs in production."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_INTERRUPTED, EXIT_OK, UsageError
from selinon_cli.options import Command, ProjectOptions, flag, integer, text, texts
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    import socket

    from selinon_core.web.access import Authorize, Token

DEFAULT_PORT = 8641
#: A token that can be guessed is none.
SHORTEST_TOKEN = 16


class WebOptions(ProjectOptions):
    """What ``selinon web`` takes."""

    app = APP_OPTION
    host = text("--host", help="The address to listen at.", metavar="ADDRESS", default="127.0.0.1")
    port = integer(
        "--port",
        help="The port to listen at; 0 takes a free one.",
        metavar="N",
        minimum=0,
        default=DEFAULT_PORT,
    )
    token_file = text(
        "--token-file",
        help="Who knows a token of this file may see the page: as a bearer token, or as password. "
        "A line is a token, or a role (viewer, operator), a name and a token.",
        kind="path",
        metavar="FILE",
    )
    trust_header = text(
        "--trust-header",
        help="Who was let in by a proxy may see the page: the proxy names its user in this header.",
        metavar="NAME",
    )
    trust_from = texts(
        "--trust-from",
        help="The address or network of the proxy; may be repeated. Default: 127.0.0.1 and ::1.",
        metavar="ADDRESS",
    )
    allow_actions = flag(
        "--allow-actions", help="Operators may retry, pause, resume and cancel flow runs, and give signals."
    )
    operator = texts(
        "--operator",
        help="With --trust-header: this user is an operator, others are viewers; may be repeated. Default: all.",
        metavar="NAME",
    )
    read_only = flag("--read-only", help="Nothing can be changed, whatever else is given. This is the default.")


def web(terminal: Terminal, options: WebOptions) -> int:
    """Serve the page until interrupted."""
    _require_web()
    authorize = _authorize(options)
    listener = _listen(options.host, options.port)
    with listener:
        from selinon_core.web import create_app

        selinon = flows_of(terminal, options.app, options.paths)
        app = create_app(
            selinon,
            authorize=authorize,
            read_only=options.read_only or not options.allow_actions,
            title=None if options.app else Path.cwd().name,
        )
        _ = selinon.plan  # its mistakes are reported here, not to the first viewer
        host = f"[{options.host}]" if ":" in options.host else options.host
        terminal.note(f"page: http://{host}:{listener.getsockname()[1]}/ (Ctrl-C ends)")
        return _serve(app, listener)


def _require_web() -> None:
    """Raise ``UsageError`` where the packages of the page are not installed."""
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise UsageError(f"selinon web needs {error.name}: pip install 'selinon[web]'") from error


def _authorize(options: WebOptions) -> Authorize | None:
    """Who may see the page; None: this machine. Raises ``UsageError`` where everybody could."""
    from selinon_core.celery.steering.auditing import this_user
    from selinon_core.errors import ConfigurationError
    from selinon_core.web.access import BearerToken, LocalOperator, TrustedHeader, is_loopback

    if options.trust_from and options.trust_header is None:
        raise UsageError("--trust-from is about --trust-header")
    if options.operator and (options.trust_header is None or not options.allow_actions):
        raise UsageError("--operator is about --trust-header together with --allow-actions")
    if options.token_file is not None and options.trust_header is not None:
        raise UsageError("--token-file and --trust-header are two ways in: give one of them")
    if options.token_file is not None:
        return BearerToken(*_tokens(options.token_file))
    if options.trust_header is not None:
        try:
            trusted = options.trust_from or ("127.0.0.1", "::1")
            return TrustedHeader(options.trust_header, trusted, options.operator or None)
        except ConfigurationError as error:
            raise UsageError(f"--trust-from: {error}") from None
    if not is_loopback(options.host):
        raise UsageError(
            f"everyone who reaches {options.host} could see arguments, results and errors",
            "say who may: --token-file FILE, or --trust-header NAME behind a proxy that asks for a password",
        )
    return LocalOperator(this_user()) if options.allow_actions else None


def _tokens(path: str) -> list[Token]:
    """The tokens of a file: a line is a token, or role, name and token; ``#`` begins a comment."""
    from selinon_core.web.access import Token

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--token-file: cannot read {path}: {reason}") from None
    found: list[Token] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) == 1:
            found.append(Token(words[0]))
        elif len(words) == 3 and words[0] in ("viewer", "operator"):
            found.append(Token(words[2], "operator" if words[0] == "operator" else "viewer", words[1]))
        else:
            raise UsageError(
                f"--token-file: line {number} of {path} is neither a token nor a role, a name and a token",
                "write: operator anna TOKEN, or: viewer dashboard TOKEN",
            )
        if len(found[-1].text) < SHORTEST_TOKEN:
            raise UsageError(
                f"--token-file: the token in line {number} of {path} is shorter than {SHORTEST_TOKEN} characters",
                "make one: python -c 'import secrets; print(secrets.token_urlsafe())'",
            )
    if not found:
        raise UsageError(f"--token-file: there is no token in {path}")
    return found


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens; raises ``UsageError`` when it cannot."""
    import socket

    if port > 65535:
        raise UsageError(f"there is no port {port}: they end at 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with contextlib.ExitStack() as cleanup:
            listener = cleanup.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            cleanup.pop_all()
    except OSError as error:
        hint = "choose another one with --port N, 0 takes a free one"
        raise UsageError(f"cannot listen at {host}, port {port}: {error.strerror}", hint) from error
    return listener


def _serve(app: Any, listener: socket.socket) -> int:
    import uvicorn

    class Server(uvicorn.Server):
        """Ends the streams of its viewers first: they would hold it up for as long as they are watched."""

        interrupted = False

        def handle_exit(self, sig: int, frame: Any) -> None:
            self.interrupted = sig == 2
            app.state.close()
            # What still waits for its store after the time-out is cut off, which is logged with a traceback.
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
            super().handle_exit(sig, frame)

        def _log_started_message(self, listeners: Any) -> None:
            pass  # the address is printed already

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=3,
    )
    server = Server(config)
    with contextlib.suppress(KeyboardInterrupt):  # raised again after an orderly end
        server.run(sockets=[listener])
    return EXIT_INTERRUPTED if server.interrupted else EXIT_OK


COMMAND = Command(
    "web",
    "Serve a page with the flow runs of the workers: lists, graphs, errors, live.",
    web,
    options=WebOptions,
    epilog="It shows and changes nothing unless --allow-actions is given. Only this machine may see it unless an "
    "option says who else.",
    examples=(
        "selinon web                                 # beside selinon worker in another terminal",
        "selinon web --app shop.app --port 8000",
        "selinon web --app shop.app --allow-actions  # operators may retry, cancel, ...",
        "selinon web --app shop.app --host 0.0.0.0 --token-file token.txt",
        "selinon web --app shop.app --host 0.0.0.0 --trust-header X-Forwarded-User --trust-from 10.0.0.7",
    ),
)
