"""A real worker tells a real web server of a failed run, and finds out that the server is back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.celery.receiver import receiving
from tests.celery.workers import site, wait_until

pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(180)]

YAML = """
tasks: [{name: Fail, import: MODULE}]
flow-definitions: [{name: order, edges: [{from: , to: Fail}]}]
global:
  notify: [{on: [failure, stuck], webhook: "{HOOK_URL}", secret: "{HOOK_SECRET}"}]
"""
TASKS = """
class Fail:
    def __init__(self, **names): pass
    def run(self, node_args): raise ValueError("no")
"""


@pytest.mark.service("redis")
def test_a_worker_tells_of_a_failed_run_although_the_first_try_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as receiver, site(tmp_path) as place:
        receiver.answers.append(500)
        place.environment |= {"HOOK_URL": receiver.url, "HOOK_SECRET": "s3cret"}
        place.write(YAML.replace("MODULE", f"tasks_{place.name}"), TASKS)
        place.start("-c", "1")
        id = place.selinon.run_flow("order").id
        wait_until(lambda: len(receiver.notices) == 2, told=place.logs)
        assert {notice["run"] for notice in receiver.notices} == {id}
        assert len({notice["id"] for notice in receiver.notices}) == 1
        wait_until(lambda: place.selinon.store.items.count("notice") == 0, told=place.logs)
        assert "s3cret" not in place.logs()


@pytest.mark.service("redis")
def test_a_worker_does_not_start_without_the_variable_of_a_webhook(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.write(YAML.replace("MODULE", f"tasks_{place.name}"), TASKS)
        worker = place.start("-c", "1", wait=False)
        assert worker.wait(60) != 0
        assert "HOOK_URL is not set" in place.logs()
