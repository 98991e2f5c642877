"""Reads the query of an address that has few parameters; lists of runs are read by ``filters``."""

from __future__ import annotations

from starlette.requests import Request

from selinon_core.errors import RequestError


def only(request: Request, *names: str) -> dict[str, str]:
    """The query of an address; raises ``RequestError`` for what is not known, or given twice."""
    pairs = request.query_params.multi_items()
    for name, _ in pairs:
        if name not in names:
            raise RequestError(f'there is no parameter "{name[:80]}"')
    if len({name for name, _ in pairs}) < len(pairs):
        raise RequestError("a parameter is given twice")
    return dict(pairs)
