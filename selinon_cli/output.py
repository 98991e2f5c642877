"""Writing results to where an option says: a file, or stdout for ``-``."""

from __future__ import annotations

import os

from selinon_cli.exits import UsageError
from selinon_cli.terminal import Terminal


def write_text(terminal: Terminal, target: str, text: str) -> None:
    """Write to the file ``target``, whole or not at all, or to stdout for ``-``."""
    if target == "-":
        terminal.data(text)
    else:
        write_bytes(terminal, target, text.encode("utf-8", "backslashreplace"))


def write_bytes(terminal: Terminal, target: str, content: bytes) -> None:
    """Write to the file ``target``, whole or not at all, or to stdout for ``-``."""
    if target == "-":
        terminal.out.flush()
        terminal.out.buffer.write(content)
        return
    check_target(target)
    if os.path.exists(target) and not os.path.isfile(target):
        # A pipe or a device cannot be replaced.
        with open(target, "wb") as file:
            file.write(content)
        return
    import tempfile  # with its compressors it would take a tenth of the imports of commands that write nothing

    directory = os.path.dirname(os.path.realpath(target))
    try:
        descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=".selinon-")
    except OSError as error:
        if error.filename is not None:
            error.filename = target  # the user does not know the temporary name
        raise
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(temporary, _mode(target))
        os.replace(temporary, os.path.realpath(target))
    except BaseException:
        os.unlink(temporary)
        raise


def names_directory(target: str) -> bool:
    """Return whether a target is a directory, be it there already or only written as one."""
    return os.path.isdir(target) or target.endswith((os.sep, "/"))


def graph_format(target: str, option: str = "--graph") -> str:
    """What the ending of a file says how to draw, svg without one. Raises ``UsageError`` for an unknown ending."""
    from selinon_core.graph import FORMATS

    ending = os.path.splitext(target)[1]
    if not ending:
        return "svg"
    for name, known in FORMATS.items():
        if ending == known:
            return name
    raise UsageError(f'{option}: no drawing ends in "{ending}"', f"known are: {', '.join(FORMATS.values())}")


def check_target(target: str) -> None:
    """Raise ``UsageError`` when nothing can be written there."""
    if target == "-":
        return
    if os.path.isdir(target):
        raise UsageError(f"{target} is a directory", "name a file in it")
    if not target:
        raise UsageError("cannot write to a file without a name")
    directory = os.path.dirname(os.path.realpath(target))
    if not os.path.isdir(directory):
        raise UsageError(f"cannot write {target}: there is no directory {os.path.dirname(target)}")
    written = directory if not os.path.exists(target) or os.path.isfile(target) else target
    if not os.access(written, os.W_OK | (os.X_OK if written == directory else 0)):
        raise UsageError(f"cannot write {target}: there is no permission to write {written}")


def check_run_targets(report: str | None, trace: str | None, graph: str | None) -> None:
    """Raise ``UsageError`` when what a run writes cannot be written, or not in the form that the ending says."""
    for target in (report, trace, graph):
        if target is not None:
            check_target(target)
    if graph is not None:
        graph_format(graph)


def _mode(target: str) -> int:
    """The permissions a file has, or a new one gets."""
    if os.path.exists(target):
        return os.stat(target).st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
