"""What ``selinon new`` writes works in an environment that has nothing but selinon's wheel and what it names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.packaging.fresh import ROOT, call, clean_environment, need_package_index


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_new_project_in_a_fresh_environment(tmp_path: Path) -> None:
    env = clean_environment()
    need_package_index(env, tmp_path)
    call(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--wheel-dir",
        tmp_path,
        ROOT,
        cwd=tmp_path,
        env=env,
    )
    (wheel,) = tmp_path.glob("selinon-*.whl")
    call(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path, env=env)
    programs = tmp_path / "venv" / "bin"
    call(programs / "pip", "install", "-q", f"{wheel}[celery]", "pytest", cwd=tmp_path, env=env)

    call(programs / "selinon", "new", "shop", cwd=tmp_path, env=env)

    shop = tmp_path / "shop"
    said = call(programs / "selinon", "lint", "--strict", cwd=shop, env=env)
    assert said == "no problems in 2 files (1 flow, 4 tasks)\n"
    assert "order: success" in call(programs / "selinon", "run", "--local", cwd=shop, env=env)
    assert "4 passed" in call(programs / "pytest", "-q", cwd=shop, env=env)
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
