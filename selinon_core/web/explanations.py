"""Why the nodes of a run ran, did not run or wait: the answers of ``selinon explain`` for the page of the run."""

from __future__ import annotations

from typing import Any

from selinon_core.celery.reporting.live_view import LiveView
from selinon_core.celery.selinon_protocol import Owner
from selinon_core.explaining.answers import Answer, Answers
from selinon_core.explaining.reason_text import reason_lines
from selinon_core.web.shortening import shortened_text

#: Answers about one run, and lines of one answer, that leave the server.
_MOST_ANSWERS = 50
_MOST_LINES = 100


def explained(selinon: Owner, id: str, node: str | None) -> dict[str, Any]:
    """The answers about a node, or about the run and every node that did not run.

    Raises ``RequestError`` for a node that the flows of the run do not have, ``UnknownRunError`` for the run.
    """
    services = selinon.services
    retrieve, queue_of = services.storages.retrieve, services.messages.queue
    asked = Answers(LiveView(services.store, services.flow_versions, id, retrieve, queue_of))
    found = asked.of_node(node) if node is not None else [asked.of_run(), *asked.not_run()]
    return {
        "version": 1,
        "answers": [_answer(answer) for answer in found[:_MOST_ANSWERS]],
        "left_out": max(0, len(found) - _MOST_ANSWERS),
    }


def _answer(answer: Answer) -> dict[str, Any]:
    lines = list(reason_lines(answer.because, 0))
    rest = [f"and {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
    return {
        "node": answer.subject["node"],
        "verdict": answer.verdict,
        "text": shortened_text(answer.text),
        "because": shortened_text("\n".join([*lines[:_MOST_LINES], *rest])),
    }
