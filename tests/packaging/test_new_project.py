"""What ``selinon new`` writes works as its README says, wherever selinon was installed from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.fresh import build_wheel, call, clean_environment, need_package_index, new_environment


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_new_project_in_a_fresh_environment(tmp_path: Path) -> None:
    """Nothing is there but selinon's wheel, which no package index has; then what the project itself names."""
    env = clean_environment(PRE_COMMIT_HOME=str(tmp_path / "cache"), PRE_COMMIT_COLOR="never")
    need_package_index(env, tmp_path)
    wheel = build_wheel(tmp_path, env)
    first = new_environment(tmp_path / "first", env)
    call(first / "pip", "install", "-q", wheel, cwd=tmp_path, env=env)
    call(first / "selinon", "new", "shop", cwd=tmp_path, env=env)
    shop = tmp_path / "shop"

    programs = new_environment(tmp_path / "second", env)
    call(programs / "pip", "install", "-q", "-e", ".[dev]", cwd=shop, env=env)

    said = call(programs / "selinon", "lint", "--strict", cwd=shop, env=env)
    assert said == "no problems in 2 files (1 flow, 4 tasks)\n"
    assert "order: success" in call(programs / "selinon", "run", "--local", cwd=shop, env=env)
    assert "6 passed" in call(programs / "pytest", "-q", cwd=shop, env=env)
    # The engine comes with the wheel's dependencies.
    call(programs / "selinon", "graph", cwd=shop, env=env)
    assert "<svg" in (shop / "order.svg").read_text()
    loaded = "import app; print(app.app.main, *sorted(app.selinon.plan.flows))"
    assert call(programs / "python", "-c", loaded, cwd=shop, env=env) == "shop order\n"
    # Data files of the wheel: the page of the watcher.
    served = (
        "from importlib.resources import files; print((files('selinon_cli.watching') / 'page/page.js').is_file())"
    )
    assert call(programs / "python", "-c", served, cwd=shop, env=env) == "True\n"

    call("git", "init", "-q", cwd=shop, env=env)
    call("git", "add", ".", cwd=shop, env=env)
    said = call(programs / "pre-commit", "run", "--all-files", "--verbose", cwd=shop, env=env)
    assert "no problems in 2 files (1 flow, 4 tasks)" in said
