"""Where this selinon came from: the requirement by which pip gets it, and the pages of its documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selinon_core.version import __version__

#: What is between repository and revision in URLs of files, by host.
_FILES = {"github.com": "blob", "gitlab.com": "-/blob", "codeberg.org": "src/commit"}


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
    from importlib.metadata import PackageNotFoundError

    try:
        origin = _origin()
    except PackageNotFoundError:
        root = Path(__file__).resolve().parents[1]
        return root.as_uri() if (root / "pyproject.toml").is_file() else None
    return None if origin is None else _pip_url(origin)


def page_url(page: str) -> str | None:
    """The URL of a page in ``docs``, as the repository has it from which this selinon was installed.

    None where that is not known: it was not installed from a repository, or pages of its host have unknown URLs.
    """
    from importlib.metadata import PackageNotFoundError

    try:
        origin = _origin()
    except PackageNotFoundError:
        return None
    if origin is None or "vcs_info" not in origin:
        return None
    repository = str(origin["url"]).removesuffix("/").removesuffix(".git")
    files = _FILES.get(urlsplit(repository).hostname or "")
    if files is None or not repository.startswith("https://") or "@" in repository:  # "@": it has a password
        return None
    directory = [origin["subdirectory"]] if origin.get("subdirectory") else []
    return "/".join([repository, files, origin["vcs_info"]["commit_id"], *directory, "docs", page])


def _origin() -> dict[str, Any] | None:
    """The recorded origin (PEP 610), None: a package index; raises ``PackageNotFoundError``."""
    from importlib.metadata import distribution

    written = distribution("selinon").read_text("direct_url.json")
    return json.loads(written) if written else None


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
