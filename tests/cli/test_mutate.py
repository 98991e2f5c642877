"""``selinon mutate``: survivors with the case that is missing, every format, choices, comments, bad input."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.mutating.shop import CASES, SCHEMA, SHOP

WEAK = CASES.replace("total: 10}", "total: 3}").replace("total: 11}", "total: 40}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.yaml").write_text(SHOP, encoding="utf-8")
    (tmp_path / "load.json").write_text(SCHEMA, encoding="utf-8")
    (tmp_path / "shop.flowtest.yaml").write_text(WEAK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_survivors_are_listed_with_the_case_that_would_notice(project: Path, cli: Cli) -> None:
    ended = cli("mutate", "--operators", "boundary")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0] == "survived    shop: Load -> Pay asks total >= 10 instead of total > 10  (shop.yaml:15:49)"
    assert lines[1].split() == ["id", "shop/edge:1/boundary:0:GreaterEqual"]
    assert "This case would notice" in lines[2]
    assert lines[-1].startswith("0 killed, 2 survived of 2 mutants in ")
    assert lines[-1].endswith(": 0 %")


def test_a_score_below_the_bound_is_an_error(project: Path, cli: Cli) -> None:
    ended = cli("mutate", "--no-equivalence", "--fail-under", "99")
    assert ended.code == 1
    assert "% of the mutants are noticed, less than 99 %" in ended.err
    assert cli("mutate", "--no-equivalence", "--fail-under", "10").code == 0


def test_suggested_cases_notice_what_survived(project: Path, cli: Cli) -> None:
    assert cli("mutate", "--suggest", "missing.flowtest.yaml").code == 0
    assert cli("test").code == 0
    ended = cli("mutate", "--format", "json")
    survivors = [m["id"] for m in json.loads(ended.out)["mutants"] if m["status"] in ("survived", "no-coverage")]
    assert survivors == []


def test_one_mutant_is_shown_and_judged(project: Path, cli: Cli) -> None:
    ended = cli("mutate", "--mutant", "shop/edge:1/condition-negate")
    assert ended.code == 0
    assert "+  condition:" in ended.out or "+    not:" in ended.out
    assert "killed" in ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mutant", "shop/edge:1/condition-negat"], 'no mutant has the id "shop/edge:1/condition-negat"'),
        (["--operators", "boundry"], 'no operator is named "boundry"; did you mean "boundary"?'),
        (["--flow", "shp"], '"shp"'),
        (["--fail-under", "101"], "--fail-under: 101 is not a percentage"),
        (["-j", "0"], "-j: expected auto or a number"),
        (["--suggest", "-"], "cannot both write to stdout"),
        (["--suggest", "."], ". is a directory"),
        (["-o", "nowhere/report.json"], "there is no directory nowhere"),
    ],
)
def test_wrong_options_are_named(project: Path, cli: Cli, words: list[str], said: str) -> None:
    ended = cli("mutate", *words)
    assert ended.code == 2
    assert said in ended.err


def test_a_project_without_cases_is_an_error(project: Path, cli: Cli) -> None:
    (project / "shop.flowtest.yaml").unlink()
    ended = cli("mutate")
    assert ended.code == 2
    assert "there is no flow test case" in ended.err


def test_cases_that_fail_anyway_are_named(project: Path, cli: Cli) -> None:
    (project / "shop.flowtest.yaml").write_text(CASES.replace("Gift: 1", "Gift: 2"), encoding="utf-8")
    ended = cli("mutate")
    assert ended.code == 1
    assert "shop.flowtest.yaml::a gift: expected Gift to run 2 times" in ended.err
    assert "cases fail without any mutant" in ended.err


def test_a_comment_lets_a_mutant_live_and_one_without_effect_is_reported(project: Path, cli: Cli) -> None:
    lines = SHOP.splitlines()
    lines[14] += "  # selinon: ignore[mutate-boundary] totals are never 10"
    lines[13] += "  # selinon: ignore[mutate-constant] there is none"
    (project / "shop.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    ended = cli("mutate", "--format", "json")
    found = {m["id"]: m for m in json.loads(ended.out)["mutants"]}
    ignored = found["shop/edge:1/boundary:0:GreaterEqual"]
    assert (ignored["status"], ignored["reason"]) == ("ignored", "totals are never 10")
    assert "shop.yaml:14:" in ended.err
    assert "there is no mutate-constant here to ignore" in ended.err


def test_the_stryker_report_has_every_mutant_at_its_place(project: Path, cli: Cli) -> None:
    ended = cli("mutate", "--format", "stryker", "-o", "report.json")
    assert ended.code == 0
    report = json.loads((project / "report.json").read_text(encoding="utf-8"))
    assert report["schemaVersion"] == "2"
    (file,) = (file for name, file in report["files"].items() if name.endswith("shop.yaml"))
    assert file["source"] == SHOP
    assert file["language"] == "yaml"
    lines = SHOP.splitlines()
    for mutant in file["mutants"]:
        start = mutant["location"]["start"]
        assert start["column"] <= len(lines[start["line"] - 1])
        assert mutant["status"] in ("Killed", "Survived", "NoCoverage", "Timeout", "Ignored")
        assert ("killedBy" in mutant) == (mutant["status"] in ("Killed", "Timeout"))


def test_github_gets_an_annotation_for_each_survivor(project: Path, cli: Cli) -> None:
    ended = cli("mutate", "--operators", "boundary", "--format", "github")
    assert [line[:9] for line in ended.out.splitlines()] == ["::warning", "::warning"]


def test_only_what_changed_since_a_revision_is_mutated(project: Path, cli: Cli) -> None:
    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True
        )

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "before")
    (project / "shop.yaml").write_text(SHOP.replace("value: 10}}}", "value: 9}}}", 1), encoding="utf-8")
    ended = cli("mutate", "--diff", "HEAD", "--format", "json")
    assert {m["id"].rsplit("/", 1)[0] for m in json.loads(ended.out)["mutants"]} == {"shop/edge:1"}


def test_a_sample_is_the_same_for_the_same_seed(project: Path, cli: Cli) -> None:
    def drawn(seed: str) -> list[str]:
        words = ("mutate", "--sample", "5", "--seed", seed, "--no-equivalence", "--format", "json")
        return [m["id"] for m in json.loads(cli(*words).out)["mutants"]]

    assert len(drawn("1")) == 5
    assert drawn("1") == drawn("1")
    assert drawn("1") != drawn("2")
