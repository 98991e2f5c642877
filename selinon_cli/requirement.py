"""The requirement by which pip gets this very selinon: what generated projects depend on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selinon_core.version import __version__


def requirement(extra: str = "") -> str:
    """The requirement for the selinon that runs, with one of its extras.

    A selinon from a package index is named with a range of versions, one from a directory, an archive or a
    repository by its URL: an index may not have that version.
    """
    name = f"selinon[{extra}]" if extra else "selinon"
    source = source_url()
    if source is not None:
        return f"{name} @ {source}"
    following = int(__version__.partition(".")[0]) + 1
    return f"{name}>={__version__},<{following}"


def source_url() -> str | None:
    """Where this selinon was installed from, as a URL for pip; None: from a package index."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        written = distribution("selinon").read_text("direct_url.json")
    except PackageNotFoundError:
        root = Path(__file__).resolve().parents[1]
        return root.as_uri() if (root / "pyproject.toml").is_file() else None
    return _pip_url(json.loads(written)) if written else None


def _pip_url(direct: dict[str, Any]) -> str:
    """A recorded origin (PEP 610, ``direct_url.json``) in the form that requirements have."""
    url = str(direct["url"])
    if "vcs_info" in direct:
        version_control = direct["vcs_info"]
        revision = version_control.get("requested_revision") or version_control["commit_id"]
        url = f"{version_control['vcs']}+{url}@{revision}"
    if direct.get("subdirectory"):
        url += f"#subdirectory={direct['subdirectory']}"
    return url
