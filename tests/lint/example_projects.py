"""Projects written as one text: YAML, with the other files it needs in comments.

::

    # shop.py
    #   class Fetch:
    #       ...
    flow-definitions: ...

YAML files in comments are read before the text itself. Lines that end in ``# not committed yet`` make the
directory a git work tree, and are not part of its commit. A line ``# saved as Latin-1`` is about the encoding, a
line ``# with --select CODES`` about the rules; ``[[[]]]   # 500 levels`` stands for that many brackets.

A text without ``tasks`` gets those of ``NODES`` in a file of its own, and a flow named ``publish``. A text with
``tests`` is a case file; it gets a project with the flow ``order``, unless a file in comments has tasks.
"""

from __future__ import annotations

import re
import subprocess
import textwrap
from collections.abc import Iterable
from pathlib import Path

from selinon_core.diagnostics import Diagnostic
from selinon_core.project import Project, lint_project

MAIN = "example.yaml"
MAIN_CASES = "example.flowtest.yaml"
WITH_IMPORT = "with --import"

NODES = """
storages:
  - name: Results
    import: selinon.storages.memory
    classname: InMemoryStorage
tasks:
  - {name: Fetch, import: nodes, storage: Results}
  - {name: Parse, import: nodes, storage: Results}
  - {name: Store, import: nodes, storage: Results}
  - {name: Report, import: nodes, storage: Results}
  - {name: Notify, import: nodes, storage: Results}
  - {name: Rescue, import: nodes, storage: Results}
flow-definitions:
  - name: publish
    edges:
      - from:
        to: Notify
"""

ORDER = """
storages:
  - name: Results
    import: selinon.storages.memory
    classname: InMemoryStorage
tasks:
  - {name: Fetch, import: nodes, storage: Results, max_retry: 3}
  - {name: Parse, import: nodes, storage: Results, output_schema: total.json}
  - {name: Store, import: nodes, storage: Results}
  - {name: Rescue, import: nodes, storage: Results}
flow-definitions:
  - name: order
    edges:
      - {from: , to: Fetch}
      - {from: Fetch, to: Parse, condition: {name: fieldGreater, args: {key: total, value: 0}}}
      - {from: Fetch, to: Store, foreach: {import: nodes, function: items, propagate_result: true}}
    failures:
      - {nodes: Store, fallback: Rescue}
"""

_AUTHOR = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
NOT_COMMITTED = "# not committed yet"
SAVED_AS_LATIN_1 = "# saved as Latin-1"
_FILE = re.compile(r"^# ([\w/]+\.(?:py|json|yaml))\n((?:#(?:   .*)?\n)+)", re.MULTILINE)
_SELECT = re.compile(r"^ *# with --select ([\w,]+)$", re.MULTILINE)
_LEVELS = re.compile(r"\[\[\[\]\]\](?=   # (\d+) levels)")


def write_project(text: str, directory: Path) -> list[Path]:
    """Write the files of a text and return the paths of the YAML files, those in comments first."""
    text = textwrap.dedent(text.removeprefix(WITH_IMPORT).lstrip("\n")).rstrip("\n") + "\n"
    text = _LEVELS.sub(lambda match: "[" * int(match[1]) + "]" * int(match[1]), text)
    paths = []
    for name, body in _FILE.findall(text):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent("".join(line[4:] or "\n" for line in body.splitlines(keepends=True))))
        if path.suffix == ".yaml":
            paths.append(path)
    main = directory / main_file(text)
    main.write_text(text, encoding="latin-1" if SAVED_AS_LATIN_1 in text else "utf-8")
    paths.append(main)
    of_its_own = r"^(#   )?tasks:" if main.name == MAIN_CASES else r"^tasks:"
    if not re.search(of_its_own, text, re.MULTILINE):
        paths.append(directory / "nodes.yaml")
        nodes = ORDER if main.name == MAIN_CASES else NODES
        paths[-1].write_text(nodes)
        tasks = re.findall(r"name: (\w+), import", nodes)
        classes = [f"class {name}(SelinonTask):\n    def run(self, node_args): ...\n" for name in tasks]
        items = "def items(storage_pool, node_args): ...\n" if main.name == MAIN_CASES else ""
        (directory / "nodes.py").write_text("from selinon import SelinonTask\n" + "".join(classes) + items)
        if main.name == MAIN_CASES:
            (directory / "total.json").write_text('{"properties": {"total": {"type": "integer"}}}')
    if NOT_COMMITTED in text:
        before = [line for line in text.splitlines(keepends=True) if not line.rstrip().endswith(NOT_COMMITTED)]
        main.write_text("".join(before))
        for words in (["init", "-q"], ["add", "."], [*_AUTHOR, "commit", "-qm", "before"]):
            subprocess.run(["git", "-C", str(directory), *words], check=True, capture_output=True)
        main.write_text(text)
    return paths


def lint_text(text: str, directory: Path, environ: dict[str, str] | None = None) -> list[Diagnostic]:
    """Lint a project written as one text; what is found in its main file."""
    return in_main_file(lint_files(write_project(text, directory), directory, text, environ))


def lint_files(
    paths: Iterable[Path], directory: Path, text: str = "", environ: dict[str, str] | None = None
) -> Project:
    """Lint files that ``write_project`` wrote."""
    return lint_project(
        list(paths),
        pythonpath=(str(directory),),
        environ=environ or {},
        select=[code for codes in _SELECT.findall(text) for code in codes.split(",")],
        import_code=text.startswith(WITH_IMPORT),
    )


def in_main_file(project: Project) -> list[Diagnostic]:
    """What was found in the text itself."""
    mains = (MAIN, MAIN_CASES)
    return [diagnostic for diagnostic in project.diagnostics if diagnostic.span.file.endswith(mains)]


def main_file(text: str) -> str:
    """The name of the file in which a text is written."""
    return MAIN_CASES if re.search(r"^tests:", text, re.MULTILINE) else MAIN
