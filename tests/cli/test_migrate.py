"""``selinon migrate``, ``selinon migrate check`` and ``selinon-cli migrate`` in a git repository."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

NEW_EDGE = """\
      - from: Ship
        to: Refund
"""


def git(*words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], check=True, capture_output=True)


@pytest.fixture
def repository(shop: Path) -> Path:
    """The shop, committed, with a directory for migrations."""
    nodes = shop / "nodes.yaml"
    nodes.write_text(nodes.read_text() + "global:\n  migration_dir: migrations\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    return shop


def edit(shop: Path, old: str, new: str) -> None:
    flows = shop / "flows" / "order.yaml"
    text = flows.read_text()
    assert old in text
    flows.write_text(text.replace(old, new, 1))


def add_edge(shop: Path) -> None:
    edit(shop, "    failures:\n", NEW_EDGE + "    failures:\n")


def test_nothing_to_migrate(repository: Path, cli: Cli) -> None:
    ran = cli("migrate", "--git")
    assert (ran.code, ran.out) == (0, "")
    assert "no flow changed" in ran.err
    assert not (repository / "migrations").exists()


def test_conditions_and_failures_need_none(repository: Path, cli: Cli) -> None:
    edit(repository, "value: true", "value: false")
    edit(repository, "fallback: Refund", "fallback: true")
    assert "no flow changed" in cli("migrate", "--git").err
    assert cli("migrate", "check").code == 0


def test_a_new_edge(repository: Path, cli: Cli) -> None:
    add_edge(repository)
    ran = cli("migrate", "--git", "-t", "RETRY")
    assert ran.code == 0
    assert "+ Ship -> Refund" in ran.err
    assert "taints runs in which Ship has finished" in ran.err
    written = json.loads((repository / "migrations" / "1.json").read_text())
    assert written["migration"] == {
        "order": {"tainted_edges": {}, "tainting_nodes": {"2": ["Ship"]}, "translation": {}}
    }
    assert written["tainted_flow_strategy"] == "RETRY"
    assert set(written["_meta"]) == {"selinon_version", "host", "datetime", "user"}


def test_without_the_author(repository: Path, cli: Cli) -> None:
    add_edge(repository)
    assert cli("migrate", "--git", "--no-meta").code == 0
    assert "_meta" not in json.loads((repository / "migrations" / "1.json").read_text())


@pytest.mark.parametrize("more", [False, True], ids=["the same change", "a larger change"])
@pytest.mark.parametrize("words", [("--git",), ("--rev", "HEAD")], ids=" ".join)
def test_runs_are_not_migrated_twice(repository: Path, cli: Cli, words: tuple[str, ...], more: bool) -> None:
    add_edge(repository)
    assert cli("migrate", *words).code == 0
    if more:
        edit(repository, NEW_EDGE, NEW_EDGE + "      - {from: Refund, to: Charge}\n")
    problem = "migrations/1.json was written since HEAD: runs would be migrated by both"
    ran = cli("migrate", *words)
    assert (ran.code, ran.out) == (2, "")
    assert (
        f"error: {problem}\n  delete that file to write one for the whole change, or --force writes both"
        in ran.err
    )
    assert os.listdir(repository / "migrations") == ["1.json"]
    ran = cli("migrate", *words, "--dry-run")
    assert ran.code == 0
    assert problem in ran.err
    assert cli("migrate", *words, "--force").code == 0
    assert sorted(os.listdir(repository / "migrations")) == ["1.json", "2.json"]


def test_runs_are_not_migrated_twice_between_files(repository: Path, cli: Cli) -> None:
    (repository / "before.yaml").write_text((repository / "flows" / "order.yaml").read_text())
    add_edge(repository)
    words = ("migrate", "-N", "nodes.yaml", "-F", "before.yaml", "-n", "nodes.yaml", "-f", "flows")
    assert cli(*words).code == 0
    ran = cli(*words)
    assert ran.code == 2
    assert "error: migrations/1.json says the same already: runs would be migrated twice" in ran.err
    assert cli(*words, "--force").code == 0


def test_a_deployed_migration_is_not_in_the_way(repository: Path, cli: Cli) -> None:
    add_edge(repository)
    assert cli("migrate", "--git").code == 0
    git("add", ".")
    git("commit", "-qm", "second")
    edit(repository, NEW_EDGE, NEW_EDGE + "      - {from: Refund, to: Charge}\n")
    assert cli("migrate", "--git").code == 0
    assert sorted(os.listdir(repository / "migrations")) == ["1.json", "2.json"]


def test_a_directory_that_git_does_not_know(
    repository: Path, cli: Cli, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    add_edge(repository)
    assert cli("migrate", "--git", "-m", str(elsewhere)).code == 0
    assert cli("migrate", "--git", "-m", str(elsewhere)).code == 2


def test_dry_run_writes_nothing(repository: Path, cli: Cli) -> None:
    add_edge(repository)
    ran = cli("migrate", "--git", "--dry-run")
    assert ran.code == 0
    assert "flow order\n  + Ship -> Refund" in ran.out
    assert "tainted runs: IGNORE, they go on with the new edges" in ran.out
    assert '"tainting_nodes": {' in ran.out
    assert not (repository / "migrations").exists()


def test_old_files_and_a_renamed_one(repository: Path, cli: Cli) -> None:
    add_edge(repository)
    git("mv", "flows/order.yaml", "flows/orders.yaml")
    ran = cli("migrate", "--git", "--dry-run", "-n", "nodes.yaml", "-f", "flows/orders.yaml")
    assert "+ Ship -> Refund" in ran.out
    old = repository / "before.yaml"
    old.write_text((repository / "flows" / "orders.yaml").read_text().replace(NEW_EDGE, ""))
    ran = cli("migrate", "--dry-run", "-N", "nodes.yaml", "-F", "before.yaml", "-n", "nodes.yaml", "-f", "flows")
    assert "+ Ship -> Refund" in ran.out


@pytest.mark.parametrize(
    "words", [("--git", "-N", "nodes.yaml"), (), ("--rev", "HEAD", "-F", "flows")], ids=["both", "neither", "rev"]
)
def test_wrong_use(repository: Path, cli: Cli, words: tuple[str, ...]) -> None:
    assert cli("migrate", *words).code == 2


def test_a_misspelt_second_word(repository: Path, cli: Cli) -> None:
    ran = cli("migrate", "chek")
    assert (ran.code, ran.err) == (
        2,
        "error: no such file or directory: chek\n  did you mean: selinon migrate check\n",
    )
    assert cli("migrate", "--git", "missing").err == "error: no such file or directory: missing\n"


def test_no_directory(shop: Path, cli: Cli) -> None:
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    add_edge(shop)
    ran = cli("migrate", "--git")
    assert ran.code == 2
    assert "migration_dir" in ran.err
    assert cli("migrate", "--git", "-m", "elsewhere").code == 0
    assert (shop / "elsewhere" / "1.json").exists()


def test_graph(repository: Path, cli: Cli) -> None:
    add_edge(repository)
    edit(repository, "to: Ship", "to: [Ship, Refund]")
    assert cli("migrate", "--git", "--dry-run", "--graph", "change.dot").code == 0
    drawn = (repository / "change.dot").read_text().replace("\\n", " ")
    assert "taints runs in" in drawn
    assert "which it fired" in drawn
    refused = cli("migrate", "--git", "--dry-run", "--graph", "change.bmp")
    assert (refused.code, 'no drawing ends in ".bmp"' in refused.err) == (2, True)
    assert cli("migrate", "--git", "--dry-run", "--graph", "change.svg").code == 0
    assert "<svg" in (repository / "change.svg").read_text()


def test_check(repository: Path, cli: Cli) -> None:
    assert cli("migrate", "check").code == 0
    add_edge(repository)
    ran = cli("migrate", "check")
    assert ran.code == 1
    assert "flows/order.yaml:2:" in ran.out
    assert "the graph of flow order changed since HEAD without a migration" in ran.out
    assert "selinon migrate --git" in ran.err
    assert cli("migrate", "--git").code == 0
    assert cli("migrate", "check").code == 0
    edit(repository, "from: Ship", "from: Charge")
    ran = cli("migrate", "check")
    assert ran.code == 1
    assert "1.json do not account for it" in ran.out
    assert json.loads(cli("migrate", "check", "--format", "json").out)["uncovered"] == [
        {"flow": "order", "migrations": [1]}
    ]


def test_check_counts_committed_migrations_as_deployed(repository: Path, cli: Cli) -> None:
    add_edge(repository)
    cli("migrate", "--git")
    git("add", ".")
    git("commit", "-qm", "second")
    assert cli("migrate", "check").code == 0
    assert cli("migrate", "check", "--rev", "HEAD~1").code == 0
    edit(repository, NEW_EDGE, "")
    assert cli("migrate", "check").code == 1
    cli("migrate", "--git")
    assert cli("migrate", "check").code == 0
    assert cli("migrate", "check", "--rev", "HEAD~1").code == 0, "there and back again"
    (repository / "migrations" / "1.json").unlink()
    ran = cli("migrate", "check")
    assert ran.code == 1
    assert "1.json was there at HEAD and is gone" in ran.err


def test_check_names_the_place_in_a_broken_file(repository: Path, cli: Cli) -> None:
    add_edge(repository)
    cli("migrate", "--git")
    file = repository / "migrations" / "1.json"
    file.write_text(file.read_text().replace('"IGNORE"', '"FORGET"'))
    ran = cli("migrate", "check")
    assert ran.code == 1
    assert "migrations/1.json:" in ran.err
    assert "'FORGET' is none of IGNORE, RETRY, FAIL" in ran.err
    assert "Traceback" not in ran.err


def histories(cli: Cli, *words: str) -> list[dict[str, object]]:
    ran = cli("migrate", "check", "--histories", "traces", "--format", "json", *words)
    found: list[dict[str, object]] = json.loads(ran.out)["histories"]
    return found


def test_histories(repository: Path, cli: Cli) -> None:
    (repository / "traces").mkdir()
    assert cli("run", "--local", "--trace", "traces/good.jsonl").code == 0
    assert cli("run", "--local", "-a", "broke=true", "--trace", "traces/fallback.jsonl").code == 0
    assert [each["kind"] for each in histories(cli)] == ["unaffected", "unaffected"]

    flows = repository / "flows" / "order.yaml"
    before = flows.read_text()
    add_edge(repository)
    fallback, good = histories(cli)
    assert fallback["kind"] == "unaffected"
    assert good["kind"] == "tainted"
    assert good["strategy"] == "FAIL", "without a migration the policy holds"
    assert "it has missed Ship -> Refund" in str(good["why"])
    cli("migrate", "--git", "-t", "RETRY")
    assert histories(cli)[1]["strategy"] == "RETRY"
    (repository / "migrations" / "1.json").unlink()

    flows.write_text(
        before.replace("      - from:\n        to: Charge\n", "", 1).replace(
            "    failures:", "      - from:\n        to: Charge\n    failures:"
        )
    )
    assert [each["kind"] for each in histories(cli)] == ["mapped", "mapped"]

    flows.write_text(before.replace("fallback: Refund", "fallback: Ship"))
    fallback, good = histories(cli)
    assert good["kind"] == "unaffected"
    assert fallback["kind"] == "diverging"
    assert "Refund was started as a fallback" in str(fallback["why"])
    assert cli("migrate", "check", "--histories", "traces").code == 1


def test_no_history(repository: Path, cli: Cli) -> None:
    (repository / "x.jsonl").write_text('{"event": 1\n')
    ran = cli("migrate", "check", "--histories", "x.jsonl")
    assert ran.code == 2
    assert "x.jsonl:1:" in ran.err


def test_compat(repository: Path, cli: Cli) -> None:
    add_edge(repository)
    words = ("migrate", "-n", "nodes.yaml", "-f", "flows", "-g", "-t", "FAIL", "--no-meta", "--no-check")
    assert cli(*words, program="selinon-cli").code == 0
    assert json.loads((repository / "migrations" / "1.json").read_text())["tainted_flow_strategy"] == "FAIL"
    assert cli("migrate", "-n", "nodes.yaml", "-f", "flows", "-N", "nodes.yaml", program="selinon-cli").code == 2
