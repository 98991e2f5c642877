"""How a worker tells that it is ready: by making a file. For the apps of selinon and of the original alike."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery.signals import worker_ready


@worker_ready.connect
def _tell(**_told: Any) -> None:
    if os.environ.get("BENCH_READY"):
        Path(os.environ["BENCH_READY"]).touch()
