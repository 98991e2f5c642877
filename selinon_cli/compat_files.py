"""Which files selinon 1.x found below a directory: also those in hidden directories below it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence


def with_hidden_directories(paths: Sequence[str]) -> list[str]:
    """The paths; a directory is followed by the hidden ones below it that hold YAML files."""
    from selinon_core.config.yaml.files import yaml_files

    found: list[str] = []
    for path in paths:
        directories = [path, *_hidden(path)] if os.path.isdir(path) else [path]
        useful = [name for name in directories if not os.path.isdir(name) or any(yaml_files(name, True))]
        found += useful or [path]  # without any YAML file it is reported
    return found


def _hidden(path: str) -> Iterator[str]:
    seen: set[str] = set()
    for parent, folders, _ in os.walk(path, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        yield from (os.path.join(parent, name) for name in folders if name.startswith("."))
