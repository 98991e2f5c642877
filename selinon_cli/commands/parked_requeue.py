"""``selinon parked requeue``: sends messages that were parked to their queues again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selinon_cli.broker import asking_broker
from selinon_cli.options import Command
from selinon_cli.parked_options import ParkedIdOptions, each
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon
    from selinon_core.celery.steering.parked import Parked


def requeue(terminal: Terminal, options: ParkedIdOptions) -> int:
    """Requeue what is named."""

    def one(selinon: Selinon, parked: Parked, id: str) -> None:
        with asking_broker(terminal, selinon.app):
            parked.requeue(id, options.by)

    return each(terminal, options, one, "requeued")


COMMAND = Command(
    "parked requeue",
    "Send starts that were parked to their queues again.",
    requeue,
    options=ParkedIdOptions,
    examples=("selinon parked requeue 3f2a91c0-5c1e-4e0e-9d0c-6f1f0e8a2b11", "selinon parked requeue --all"),
)
