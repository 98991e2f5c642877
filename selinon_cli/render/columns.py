"""Plain tables: columns as wide as their widest cell, two spaces between."""

from __future__ import annotations

from collections.abc import Sequence

from selinon_cli.render.style import BOLD, styled
from selinon_cli.render.visible import visible, width


def table(
    header: Sequence[str], rows: Sequence[Sequence[object]], *, color: bool = False, indent: str = ""
) -> str:
    """Render rows under a header; numbers are aligned to the right."""
    texts = [[visible(str(cell)) for cell in row] for row in rows]
    widths = [max([len(title), *(width(row[index]) for row in texts)]) for index, title in enumerate(header)]
    numeric = [
        bool(rows) and all(isinstance(row[index], int | float) for row in rows) for index in range(len(header))
    ]

    def line(cells: Sequence[str]) -> str:
        padded = [
            " " * (size - width(cell)) + cell if right else cell + " " * (size - width(cell))
            for cell, size, right in zip(cells, widths, numeric, strict=True)
        ]
        return (indent + "  ".join(padded)).rstrip()

    return "\n".join([styled(line(header), BOLD, color), *(line(row) for row in texts)]) + "\n"
