"""``python -m tests.rolling --flows 500 --strategy RETRY --broker redis --seed 1``: see ``update``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from selinon_core.plan.flow_diff import STRATEGIES
from tests.rolling.update import Plan, Update
from tests.workers.stage import verdict


def main() -> int:
    """Update, and say what came out of it; 0 when everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.rolling", description=__doc__)
    parser.add_argument("--flows", type=int, default=500)
    parser.add_argument("--strategy", choices=STRATEGIES, default="IGNORE")
    parser.add_argument("--broker", default="redis", help="redis or amqp (private servers), or a URL")
    parser.add_argument("--store", default="redis", help="redis or postgres (private servers), or a URL")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--forget", action="store_true", help="tasks not used any more are gone from the files")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="selinon-rolling-"))
    began = time.monotonic()
    found = Update(Plan(**vars(options)), directory).run()
    figures = {**vars(options), **found.figures, "seconds in all": round(time.monotonic() - began, 1)}
    return verdict(figures, found.wrong, directory)


if __name__ == "__main__":
    sys.exit(main())
