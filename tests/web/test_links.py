"""Links of runs and tasks to other systems, as ``global.links`` has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.viewed import HOSTILE, PROJECT, Client, Viewed, project

NAME = "<b>logs</b>"
LINKS = {
    "run": "https://logs.example.com/run/{dispatcher_id}?flow={flow_name}&of={root_id}",
    NAME: "https://logs.example.com/?q={task_id}&name={task_name}",
    "of a variable": "{SHOP_LOGS}/{task_id}",
    "spans": "https://traces.example.com/{trace_id}",
}


def get(client: Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def linked(tmp_path: Path) -> Iterator[Viewed]:
    """The project, with links."""
    with project(tmp_path, PROJECT.replace("global:\n", f"global:\n  links: {json.dumps(LINKS)}\n")) as viewed:
        yield viewed


def test_a_run_and_its_tasks_have_links(linked: Viewed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_LOGS", "https://other.example.com/x")
    id = linked.finished("order", {"pages": 1})
    client = linked.client()
    # without spans there is no trace to lead to
    assert get(client, f"/api/runs/{id}")["links"] == [
        {"name": "run", "url": f"https://logs.example.com/run/{id}?flow=order&of={id}"}
    ]
    (task,) = get(client, f"/api/runs/{id}/nodes?name=Load")["nodes"]
    assert task["links"] == [
        {"name": NAME, "url": f"https://logs.example.com/?q={task['id']}&name=Load"},
        {"name": "of a variable", "url": f"https://other.example.com/x/{task['id']}"},
    ]
    (below,) = get(client, f"/api/runs/{id}/nodes?name=pages")["nodes"]
    assert below["links"] == []
    assert get(client, f"/api/runs/{below['id']}")["links"] == [
        {"name": "run", "url": f"https://logs.example.com/run/{below['id']}?flow=pages&of={id}"}
    ]


@pytest.mark.parametrize("value", ["javascript:alert(1)//", HOSTILE, ""])
def test_a_variable_that_is_no_address_makes_no_link(
    linked: Viewed, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_LOGS", value)
    id = linked.finished("order", {"pages": 1})
    (task,) = get(linked.client(), f"/api/runs/{id}/nodes?name=Load")["nodes"]
    assert [link["name"] for link in task["links"]] == [NAME]
