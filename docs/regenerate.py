"""Bring everything on the pages that is made by programs up to date: ``python docs/regenerate.py [PAGE...]``.

Output of commands, tables from the code, the page of the rules, the gallery. The tests tell when this is needed.
"""

from __future__ import annotations

import contextlib
import runpy
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))


def regenerate(pages: list[Path]) -> None:
    """Rewrite those of the pages that are not current."""
    from docs.tools.console import with_real_output
    from docs.tools.tables import with_generated_parts

    for page in pages:
        old = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as home:
            new = with_real_output(with_generated_parts(old), Path(home).resolve())
        if new != old:
            page.write_text(new, encoding="utf-8")
            print(f"wrote {page.relative_to(DOCS.parent)}")


if __name__ == "__main__":
    named = [Path(word).resolve() for word in sys.argv[1:]]
    if not named:
        for script in ("generate_rules.py", "generate_gallery.py"):
            sys.argv = [script]
            with contextlib.suppress(SystemExit):  # they are programs, and end as such
                runpy.run_path(str(DOCS / script), run_name="__main__")
    regenerate(named or sorted(DOCS.rglob("*.md")))
