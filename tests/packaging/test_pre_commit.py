"""The hooks that other repositories use, with the real pre-commit in a scratch repository."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.packaging.fresh import ROOT, call, clean_environment, need_package_index

NODES = "tasks:\n  - name: Work\n    import: work\n  - name: Rest\n    import: work\n"
WORK = """\
class Work:
    def __init__(self, **names):
        pass

    def run(self, node_args):
        pass


class Rest(Work):
    pass
"""
FLOW = "flow-definitions:\n  - name: first\n    edges:\n      - from:\n        to: {node}\n"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="pre-commit takes hooks from git repositories")
def test_hooks_find_what_is_wrong(tmp_path: Path) -> None:
    who = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org"}
    who |= {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org"}
    env = clean_environment(
        **who, PRE_COMMIT_HOME=str(tmp_path / "cache"), PRE_COMMIT_COLOR="never", GIT_CONFIG_GLOBAL="/dev/null"
    )
    need_package_index(env, tmp_path)
    # A clone: the hooks of what is committed, whatever is being written here.
    call("git", "clone", "-q", "--no-hardlinks", ROOT, tmp_path / "selinon", cwd=tmp_path, env=env)
    for name in ("selinon_core", "selinon_cli", "selinon", "pyproject.toml", ".pre-commit-hooks.yaml"):
        _replace(ROOT / name, tmp_path / "selinon" / name)
    call("git", "add", "-A", cwd=tmp_path / "selinon", env=env)
    call("git", "commit", "-q", "--allow-empty", "-m", "now", cwd=tmp_path / "selinon", env=env)
    scratch = tmp_path / "scratch"
    (scratch / "flows").mkdir(parents=True)
    for path, content in {
        "pyproject.toml": "[tool.selinon]\nnodes = ['nodes.yaml']\nflows = ['flows']\n",
        "nodes.yaml": NODES,
        "work.py": WORK,
        "flows/first.yaml": FLOW.format(node="Wrok"),
    }.items():
        (scratch / path).write_text(content)
    call("git", "init", "-q", cwd=scratch, env=env)
    call("git", "add", ".", cwd=scratch, env=env)

    def tried(*which: str) -> str:
        words = ("-m", "pre_commit", "try-repo", tmp_path / "selinon", "--verbose", *which)
        return call(sys.executable, *words, cwd=scratch, env=env, code=1)

    said = tried("--all-files")
    assert 'flows/first.yaml:5:13: error[SEL201]: unknown node "Wrok"' in said
    assert 'did you mean "Work" (nodes.yaml:2:11)?' in said

    (scratch / "flows" / "first.yaml").write_text(FLOW.format(node="Work"))
    call("git", "add", ".", cwd=scratch, env=env)
    call("git", "commit", "-q", "-m", "first", cwd=scratch, env=env)
    (scratch / "flows" / "first.yaml").write_text(FLOW.format(node="Work") + "      - {from: Work, to: Rest}\n")
    call("git", "add", ".", cwd=scratch, env=env)

    said = tried("--all-files")
    assert re.search(r"selinon lint\.+Passed", said), said
    assert "no problems in 2 files (1 flow, 2 tasks)" in said
    assert re.search(r"selinon migrate check\.+Failed", said), said

    call("git", "commit", "-q", "-m", "second", cwd=scratch, env=env)
    (scratch / "work.py").write_text(WORK.replace("Rest", "Pause"))
    call("git", "add", ".", cwd=scratch, env=env)
    # Python files alone are committed now.
    assert 'error[SEL602]: module "work" has no class "Rest"' in tried()


def _replace(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.rmtree(target)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)
