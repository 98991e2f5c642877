"""A project as it was at a git revision, compiled without touching the work tree.

The files are read from git's objects into a temporary directory of the same layout, so that everything that looks
for files (``nodes.yaml``, ``pyproject.toml``, output schemas) finds them there. Paths renamed since are followed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from selinon_core.diagnostics.location import Place, Span
from selinon_core.errors import ConfigurationError, RequestError
from selinon_core.plan import Plan, Settings

_SUFFIXES = (".yaml", ".yml", ".json", ".py")
_NAMES = ("pyproject.toml",)
_EMPTY = Plan({}, {}, {}, Settings(None, (), "warn", "fail"))


def plan_at(revision: str, paths: Sequence[str] = (), *, pythonpath: Iterable[str] = ()) -> Plan:
    """Return the plan that ``paths`` (as for ``compile_project``) had at a revision; empty if not there yet.

    Places in it are called ``REVISION:path/in/the/repository``. Raises ``RequestError`` when there is no git, no
    repository or no such revision, and ``ConfigurationError`` with the diagnostics when the project had errors.
    """
    from selinon_core.config.pyproject import configured_files, project_settings
    from selinon_core.config.yaml.files import PathError
    from selinon_core.project.loader import compile_project

    here = os.path.realpath(_directory_of(paths[0]) if paths else os.getcwd())
    root = os.path.realpath(_git(here, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    commit = _commit(root, revision)
    with tempfile.TemporaryDirectory(prefix="selinon-") as temporary:
        base = os.path.realpath(temporary)
        files = _extract(root, commit, base)
        Path(base, ".git").touch()  # the search for nodes.yaml ends here, as it does in the repository
        if paths:
            before = _paths_before(root, commit, files, [_inside(root, path) for path in paths])
            wanted = [os.path.join(base, path) for path in before]
        else:
            start = os.path.join(base, _inside(root, here))
            wanted = [start] if os.path.isdir(start) else []
            settings = project_settings(start) if wanted else None
            if settings and (settings.nodes or settings.flows):
                try:
                    wanted = [file.path for file in configured_files(settings)]
                except PathError:
                    wanted = []
        if not wanted:
            return _EMPTY
        try:
            project = compile_project(wanted, pythonpath=pythonpath)
        except PathError:
            return _EMPTY
        named = _Renamer(base, revision)
        if project.plan is None:
            raise ConfigurationError(
                f"the project had errors at {revision}", tuple(named(each) for each in project.diagnostics)
            )
        plan: Plan = named(project.plan)
        return plan


def differs(revision: str, directory: str, patterns: Sequence[str]) -> bool:
    """Return whether files that match one of the patterns differ from a revision, or are not known to git.

    One or two short processes, for a look before more is done. Raises ``RequestError`` as ``plan_at`` does.
    """
    wanted = [f":(top,glob)**/{pattern}" for pattern in patterns]
    commit = _commit(directory, revision)
    if _git(directory, "diff", "--name-only", commit, "--", *wanted):
        return True
    return bool(_git(directory, "ls-files", "--others", "--exclude-standard", "--", *wanted))


def names_at(revision: str, directory: str) -> list[str]:
    """Return the names of the files that a directory had at a revision; none if it was not there.

    Raises ``RequestError`` as ``plan_at`` does.
    """
    existing = os.path.realpath(directory)
    while not os.path.isdir(existing):
        existing = os.path.dirname(existing)
    root = os.path.realpath(_git(existing, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    inside = _inside(root, directory)
    commit = _commit(root, revision)
    place = [] if inside == "." else ["--", f"{inside}/"]
    listing = _git(root, "ls-tree", "-z", "--name-only", "--full-tree", commit, *place)
    return [os.fsdecode(path).rpartition("/")[2] for path in listing.split(b"\0") if path]


def is_revision(text: str, start: str = ".") -> bool:
    """Return whether git knows a revision of that name."""
    try:
        _commit(_git(start, "rev-parse", "--show-toplevel").decode().rstrip("\n"), text)
    except RequestError:
        return False
    return True


def _commit(root: str, revision: str) -> str:
    if not revision or revision.startswith("-"):
        raise RequestError(f"{revision!r} is not a git revision")
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    except RequestError as error:
        raise RequestError(f"git knows no revision {revision!r}") from error


def _git(directory: str, *arguments: str, stdin: bytes = b"", index: str | None = None) -> bytes:
    """Run git; raises ``RequestError`` with its message."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["LC_ALL"] = "C"
    if index is not None:
        environment["GIT_INDEX_FILE"] = index
    try:
        done = subprocess.run(  # noqa: S603  # no shell, and revisions cannot begin with a dash
            ["git", "-C", directory, "-c", "core.quotePath=false", *arguments],  # noqa: S607  # the user's git
            input=stdin,
            capture_output=True,
            check=False,
            env=environment,
        )
    except OSError as error:
        raise RequestError(f"cannot run git: {error.strerror or error}") from error
    if done.returncode:
        stderr_lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise RequestError(f"git {arguments[0]}: {stderr_lines[0] if stderr_lines else f'exit {done.returncode}'}")
    return done.stdout


def _extract(root: str, commit: str, base: str) -> dict[str, str]:
    """Write the files that matter to ``base``; return the object of every file of the revision by path."""
    objects: dict[str, str] = {}
    links: set[str] = set()
    for row in _git(root, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0"):
        if row:
            info, _, raw = row.partition(b"\t")
            mode, kind, ident = info.decode().split()
            path = os.fsdecode(raw)
            if kind == "blob" and ".." not in path.split("/"):
                objects[path] = ident
                if mode == "120000":
                    links.add(path)
    wanted = [p for p in objects if p.endswith(_SUFFIXES) or p.rpartition("/")[2] in _NAMES]
    contents = _contents(root, [objects[path] for path in wanted])
    for path, content in zip(wanted, contents, strict=True):
        if path in links:
            target = os.path.normpath(os.path.join(os.path.dirname(path), os.fsdecode(content)))
            if target not in objects:
                continue
            content = _contents(root, [objects[target]])[0]
        file = Path(base, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    _link_directories(root, base, {path: objects[path] for path in links.difference(wanted)}, _folders(objects))
    return objects


def _link_directories(root: str, base: str, links: dict[str, str], folders: set[str]) -> None:
    """Make the links that lead to directories of the revision; all others are left out."""
    for path, content in zip(links, _contents(root, list(links.values())), strict=True):
        text = os.fsdecode(content)
        if os.path.normpath(os.path.join(os.path.dirname(path), text)) in folders:
            link = Path(base, path)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(text, target_is_directory=True)


def _folders(files: Iterable[str]) -> set[str]:
    return {"/".join(parts[:i]) for file in files for parts in [file.split("/")] for i in range(1, len(parts))}


def _contents(root: str, idents: Sequence[str]) -> list[bytes]:
    """Return the contents of objects, all by one process."""
    if not idents:
        return []
    output = _git(root, "cat-file", "--batch", stdin="".join(f"{ident}\n" for ident in idents).encode())
    contents = []
    position = 0
    for _ in idents:
        end = output.index(b"\n", position)
        size = int(output[position:end].split()[2])
        contents.append(output[end + 1 : end + 1 + size])
        position = end + 1 + size + 1
    return contents


def _paths_before(root: str, commit: str, files: dict[str, str], paths: Sequence[str]) -> list[str]:
    """Return the names of paths at the revision; a path that was not there is left out."""
    folders = _folders(files)
    before: dict[str, None] = {}
    renames: dict[str, str] | None = None
    for path in paths:
        if path in files or path in folders or path == ".":
            before[path] = None
            continue
        if renames is None:
            renames = _renames(root, commit)
        for new, old in sorted(renames.items()):
            if new == path or new.startswith(f"{path}/"):
                before[old] = None
    return list(before)


def _renames(root: str, commit: str) -> dict[str, str]:
    """Return old paths by new ones, as git sees them, files that git does not know yet included."""
    with tempfile.TemporaryDirectory(prefix="selinon-") as temporary:
        # a copy of the index that knows the new files: the repository's own is left alone
        index = os.path.join(temporary, "index")
        own = os.path.join(root, os.fsdecode(_git(root, "rev-parse", "--git-path", "index")).rstrip("\n"))
        if os.path.exists(own):
            shutil.copyfile(own, index)
        others = _git(root, "ls-files", "-z", "--others", "--exclude-standard", index=index).split(b"\0")
        unknown = [path for path in others if path.endswith((b".yaml", b".yml"))]
        if unknown:
            add = (
                "--literal-pathspecs",
                "add",
                "--intent-to-add",
                "--pathspec-from-file=-",
                "--pathspec-file-nul",
            )
            _git(root, *add, stdin=b"\0".join(unknown), index=index)
        listing = _git(root, "diff", "--name-status", "-z", "-M", commit, "--", index=index)
    fields = os.fsdecode(listing).split("\0")
    renames: dict[str, str] = {}
    position = 0
    while position < len(fields) - 1:
        step = 3 if fields[position][0] in "RC" else 2
        if fields[position][0] == "R":
            renames[fields[position + 2]] = fields[position + 1]
        position += step
    return renames


def _directory_of(path: str) -> str:
    return path if os.path.isdir(path) else os.path.dirname(path) or "."


def _inside(root: str, path: str) -> str:
    real = os.path.realpath(path)
    if os.path.commonpath((real, root)) != root:
        raise RequestError(f"{path} is not in the git repository {root}")
    return os.path.relpath(real, root).replace(os.sep, "/")


class _Renamer:
    """Gives files of the temporary directory the names people know them by, anywhere in a value."""

    def __init__(self, base: str, revision: str) -> None:
        self._base = base
        self._revision = revision

    def __call__(self, value: Any) -> Any:
        """Return the value with every place in it renamed."""
        if isinstance(value, Place | Span):
            return value._replace(file=self._name(value.file))
        if isinstance(value, tuple):
            inner = [self(each) for each in value]
            return type(value)(*inner) if hasattr(value, "_fields") else tuple(inner)
        if type(value) is dict:
            return {key: self(each) for key, each in value.items()}
        return value

    def _name(self, file: str) -> str:
        absolute = os.path.realpath(file)
        if not absolute.startswith(self._base + os.sep):
            return file
        return f"{self._revision}:{os.path.relpath(absolute, self._base).replace(os.sep, '/')}"
