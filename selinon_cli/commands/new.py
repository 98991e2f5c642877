"""``selinon new``: a small working project to start from."""

from __future__ import annotations

import os

from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Command, Options, text
from selinon_cli.terminal import Terminal

#: What is written, and the file in ``selinon_cli/template`` it is made of. (They do not have the names they get:
#: nothing that looks for Python or YAML files may find them.)
FILES = {
    "README.md": "README.md.txt",
    "pyproject.toml": "pyproject.toml.txt",
    "nodes.yaml": "nodes.yaml.txt",
    "flows/order.yaml": "order.yaml.txt",
    "tasks.py": "tasks.py.txt",
    "app.py": "app.py.txt",
    "tests/order.flowtest.yaml": "order.flowtest.yaml.txt",
    ".pre-commit-config.yaml": "pre-commit-config.yaml.txt",
    ".gitignore": "gitignore.txt",
}
#: What editors read; made, because it belongs to the version.
SCHEMA = ".selinon.schema.json"


class NewOptions(Options):
    """What ``selinon new`` takes."""

    directory = text(
        help="Where to write it; its name becomes the project's.", kind="path", metavar="DIR", required=True
    )


def new(terminal: Terminal, options: NewOptions) -> int:
    """Write a project into a directory that is new or empty."""
    name = _name(options.directory)
    _check_is_free(options.directory)
    contents = {path: _text(template, name) for path, template in FILES.items()} | {SCHEMA: _schema()}
    for path, content in contents.items():
        target = os.path.join(options.directory, path)
        os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
        with open(target, "x", encoding="utf-8", newline="\n") as file:
            file.write(content)
        terminal.detail(f"wrote {os.path.normpath(target)}")
    terminal.note(f"wrote {len(contents)} files; now:")
    if os.path.abspath(options.directory) != os.getcwd():
        import shlex

        terminal.note(f"  cd {shlex.quote(os.path.normpath(options.directory))}")
    terminal.note("  selinon run --local\n  selinon test\n  selinon watch --run --serve")
    _note_types(terminal)
    _note_origin(terminal)
    return EXIT_OK


def _note_types(terminal: Terminal) -> None:
    """Say it when the tasks cannot run here yet."""
    from importlib.util import find_spec

    if find_spec("msgspec") is None:
        terminal.note("its tasks are typed, which needs the extra typed here: pip install -e '.[dev]' brings it")


def _note_origin(terminal: Terminal) -> None:
    """Say it when the project depends on files of this machine."""
    from selinon_cli.requirement import source_url

    origin = source_url()
    if origin is not None and origin.startswith("file:"):
        terminal.note(
            f"it depends on selinon at {origin}: on other machines "
            "name another place in pyproject.toml and .pre-commit-config.yaml"
        )


def _name(directory: str) -> str:
    """The name of the project, which is that of its directory."""
    import re

    name = os.path.basename(os.path.abspath(directory)) if directory else ""
    if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name) is None:
        raise UsageError(
            f"{name!r} cannot be the name of a project",
            "ASCII letters, digits, and in between -, _ and . are fine",
        )
    return name


def _check_is_free(directory: str) -> None:
    """Nothing is overwritten, and nothing is put among other files (hidden ones such as ``.git`` do not count)."""
    if not os.path.lexists(directory):
        return
    if not os.path.isdir(directory):
        raise UsageError(f"{directory} is not a directory")
    found = sorted(os.listdir(directory))
    in_the_way = [name for name in found if not name.startswith(".") or name in (*FILES, SCHEMA)]
    if in_the_way:
        shown = ", ".join(in_the_way[:3]) + (", ..." if len(in_the_way) > 3 else "")
        raise UsageError(f"{directory} is not empty: {shown}", "choose a directory that is new or empty")


def _text(template: str, name: str) -> str:
    from importlib.resources import files

    from selinon_cli.requirement import requirement

    text = (files("selinon_cli") / "template" / template).read_text(encoding="utf-8")
    for mark, extra in (("@SELINON@", ""), ("@SELINON[celery,typed]@", "celery,typed"), ("@SELINON[dev]@", "dev")):
        text = text.replace(mark, requirement(extra))
    return text.replace("@NAME@", name)


def _schema() -> str:
    import json

    from selinon_core.config.schema.json_schema import json_schema

    return json.dumps(json_schema(), indent=2) + "\n"


COMMAND = Command(
    "new",
    "Write a small working project: a flow, its tasks and tests, a Celery app, a pre-commit configuration.",
    new,
    options=NewOptions,
    examples=("selinon new shop",),
)
