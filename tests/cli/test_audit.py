"""`selinon audit` lists what others wrote; that actions write it is in tests/celery and tests/web."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from selinon_core.celery.stores.audit import audit_entry
from tests.celery.memory_app import selinon
from tests.cli.conftest import Cli

APP = ("--app", "tests.celery.memory_app:app")


@pytest.fixture
def written() -> Iterator[None]:
    """Three entries, of which one has a name that a terminal must not get."""
    audit = selinon.store.audit
    audit.write(audit_entry(1_800_000_000.0, "anna@host", "retry", "run-1", {"nodes": ["Charge"]}))
    audit.write(audit_entry(1_800_000_001.0, "\x1b[2Jbert", "cancel", "run-2", {}))
    audit.write(audit_entry(1_800_000_002.0, "anna@host", "pause", None, {"flow": "order"}))
    yield
    audit.trim(float("inf"), 100)


def test_entries_are_listed_newest_first(cli: Cli, written: None) -> None:
    ran = cli("audit", *APP)
    assert ran.code == 0
    pause, cancel, retry = ran.out.splitlines()
    assert pause.endswith('anna@host  pause  {"flow": "order"}')
    assert cancel.endswith("\\x1b[2Jbert  cancel  run-2")
    assert retry.endswith('anna@host  retry  run-1  {"nodes": ["Charge"]}')


def test_of_one_run_and_in_pages(cli: Cli, written: None) -> None:
    assert len(cli("audit", "run-1", *APP).out.splitlines()) == 1
    first = cli("audit", "--limit", "2", "--format", "json", *APP)
    page = json.loads(first.out)
    assert [entry["what"] for entry in page["entries"]] == ["pause", "cancel"]
    rest = cli("audit", "--cursor", page["next"], *APP)
    assert "retry" in rest.out
    assert rest.err == ""
    assert "there are more: --cursor" in cli("audit", "--limit", "1", *APP).err


def test_without_entries_it_says_so(cli: Cli) -> None:
    assert cli("audit", *APP).out == "nothing was asked for\n"


def test_another_text_than_a_cursor_is_refused(cli: Cli) -> None:
    ran = cli("audit", "--cursor", "yesterday", *APP)
    assert ran.code == 2
    assert '--cursor: "yesterday" is not a cursor' in ran.err
