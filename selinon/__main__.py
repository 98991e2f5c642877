"""``python -m selinon`` is the command ``selinon``."""

from __future__ import annotations

import sys

from selinon_cli.main import main

sys.exit(main())
