"""The manifests: their YAML, and that they say what the page about deploying says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from selinon_core.celery.settings import AdapterSettings
from selinon_core.web.metric_series import MetricSeries

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "production"
PAGES = ("README", "deploying", "settings", "guarantees", "operations")
COMPOSE: dict[str, Any] = yaml.safe_load((DOCS / "deploy" / "docker-compose.yaml").read_text())
MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all((DOCS / "deploy" / "kubernetes.yaml").read_text()))
DEPLOYMENTS = [manifest for manifest in MANIFESTS if manifest["kind"] == "Deployment"]


def test_the_board_shows_metrics_that_there_are() -> None:
    board = json.loads((DOCS / "deploy" / "grafana.json").read_text())
    page = (DOCS / "monitoring.md").read_text()
    metrics = {metric.name for metric in MetricSeries().registry.collect()}
    used = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"selinon_\w+", target["expr"])
    }
    assert used >= {"selinon_runs", "selinon_waiting", "selinon_oldest_undecided_seconds"}
    assert "selinon_node_wait_seconds_bucket" in used
    assert "selinon_expired_starts_total" in used
    for name in {re.sub("_(count|bucket)$", "", name) for name in used}:
        assert f"`{name}`" in page
        assert name.removesuffix("_total") in metrics


@pytest.mark.parametrize("name", ["dispatcher", "tasks"])
def test_workers_of_the_compose_file(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["command"].startswith("celery -A app worker -Q ")
    assert int(service["stop_grace_period"].removesuffix("s")) > 25
    assert service["environment"]["REMAP_SIGTERM"] == "SIGQUIT"
    assert "inspect ping" in service["healthcheck"]["test"][1]
    assert set(service["depends_on"]) <= set(COMPOSE["services"])


def test_volumes_of_the_compose_file_are_declared() -> None:
    used = {volume.partition(":")[0] for s in COMPOSE["services"].values() for volume in s.get("volumes", ())}
    assert used == set(COMPOSE["volumes"])


def test_there_are_dispatchers_and_task_workers() -> None:
    assert [deployment["metadata"]["name"] for deployment in DEPLOYMENTS] == [
        "selinon-dispatcher",
        "selinon-tasks",
    ]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["metadata"]["name"])
def test_deployments(deployment: dict[str, Any]) -> None:
    assert deployment["apiVersion"] == "apps/v1"
    spec = deployment["spec"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    pod = spec["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > 25
    (container,) = pod["containers"]
    assert {"name": "REMAP_SIGTERM", "value": "SIGQUIT"} in container["env"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["exec"]["command"][0] == "sh"
        assert container[probe]["periodSeconds"] > 0
        assert container[probe]["timeoutSeconds"] > 10
    assert all(isinstance(word, str) for word in container["command"])


def test_the_budget_selects_dispatchers() -> None:
    (budget,) = (manifest for manifest in MANIFESTS if manifest["kind"] == "PodDisruptionBudget")
    assert budget["spec"]["selector"]["matchLabels"] == DEPLOYMENTS[0]["spec"]["selector"]["matchLabels"]


def test_queues_are_those_of_the_page() -> None:
    page = (DOCS / "deploying.md").read_text()
    queues = set(re.findall(r"default_\w+_queue: (\w+)", page))
    assert queues == {"dispatch", "tasks"}
    assert {COMPOSE["services"][name]["command"].split()[5] for name in ("dispatcher", "tasks")} == queues


def test_every_setting_is_in_the_page_about_settings() -> None:
    page = (DOCS / "settings.md").read_text()
    assert set(re.findall(r"^\| `(selinon_\w+)`", page, re.MULTILINE)) == set(AdapterSettings._fields)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (DOCS / f"{page}.md").read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (DOCS / link).exists()] == []


def test_modules_named_as_commands_exist() -> None:
    root = DOCS.parents[1]
    text = "".join((DOCS / f"{page}.md").read_text() for page in PAGES)
    for module in re.findall(r"python -m ([\w.]+)", text):
        path = root / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
