"""``python -m tests.chaos --flows 1000 --seconds 120 --broker redis --store redis --seed 1``: see ``fire``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.fire import Fire, Plan
from tests.workers.stage import verdict


def main() -> int:
    """Burn, and say what came out of it; 0 when everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--flows", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--broker", default="redis", help="redis or amqp (private servers), or a URL")
    parser.add_argument("--store", default="redis", help="redis or postgres (private servers), or a URL")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--every", type=float, default=1.0, help="seconds between kills")
    parser.add_argument(
        "--steer", type=float, default=0.0, help="runs are paused so often (a probability), retried"
    )
    parser.add_argument("--no-restarts", dest="restarts", action="store_false", help="servers are left alone")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="selinon-chaos-"))
    began = time.monotonic()
    found = Fire(Plan(**vars(options)), directory).run()
    figures = {**vars(options), **found.figures, "seconds in all": round(time.monotonic() - began, 1)}
    return verdict(figures, found.wrong, directory)


if __name__ == "__main__":
    sys.exit(main())
