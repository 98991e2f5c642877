"""Write pairs of configurations, one JSON object a line, to stdout: the input of ``record.py``."""

from __future__ import annotations

import json

from selinon_core.project import compile_data
from tests.migrations.pairs import make_pair

PAIRS = 240
TRIED = 3 * PAIRS


def main() -> None:
    written = 0
    for seed in range(TRIED):
        pair = make_pair(seed)
        sides = [compile_data(pair["nodes"], {"flow-definitions": pair[side]}) for side in ("old", "new")]
        if all(side.plan is not None for side in sides) and written < PAIRS:
            print(json.dumps(pair))
            written += 1


if __name__ == "__main__":
    main()
