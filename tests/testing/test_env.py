"""``env`` of a case: what its conditions and expressions see in place of the variables of the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from selinon_core.testing.options import RunOptions
from tests.testing.shop import Shop

PROJECT = """
global:
  env: {REGION: {default: eu}, TOKEN: {}}
tasks:
  - {name: Load, import: tasks}
  - {name: Near, import: tasks}
  - {name: Far, import: tasks}
  - {name: Send, import: tasks, limit: {key: "${env.REGION}", max: 1}}
flow-definitions:
  - name: main
    edges:
      - {from: , to: Load}
      - {from: Load, to: Near, condition: env.REGION == "eu"}
      - {from: Load, to: Far, condition: env.REGION != "eu"}
      - {from: Load, to: Send, condition: {name: envExist, args: {env: DEPLOYED}}, args: {token: "${env.TOKEN}"}}
      - {from: Load, to: inner, condition: {name: envEqual, args: {env: DEPLOYED, value: "1"}}}
    output: ${env.REGION}
  - name: inner
    edges:
      - {from: , to: Far, foreach: 'split(env.REGION, "-")', condition: env.REGION != "eu"}
"""

CASES = """
flow: main
env: {TOKEN: of the file}
tests:
  - name: the default of a variable that is not set
    env: {REGION: null, DEPLOYED: null}
    expect: {runs: {Load: 1, Near: 1}, output: eu}
  - name: set, perhaps to nothing
    env: {REGION: us, DEPLOYED: ""}
    expect: {runs: {Load: 1, Far: 1, Send: 1}, args: {Send: {token: of the file}}, output: us}
  - name: a sub-flow sees the same
    seeds: 2
    env: {REGION: us-east, DEPLOYED: "1", TOKEN: of the case}
    expect:
      runs: {Load: 1, Far: 1, Send: 1, inner: 1, inner/Far: 2}
      args: {Send: {token: of the case}}
  - name: by parameters, in $region
    parameters: [{region: eu, runs: {Load: 1, Near: 1}}, {region: asia, runs: {Load: 1, Far: 1}}]
    env: {REGION: $region, DEPLOYED: null}
    expect: {runs: $runs, output: $region}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    Path("flows.yaml").write_text(PROJECT, encoding="utf-8")
    monkeypatch.setenv("REGION", "of the process")
    monkeypatch.setenv("DEPLOYED", "1")
    return Shop()


@pytest.mark.parametrize("driver", ["local", "production"])
def test_both_drivers_see_the_variables_of_the_case(project: Shop, driver: str) -> None:
    found = project.run_file(CASES, RunOptions(driver=driver))
    assert [(case.status, case.findings) for case in found.cases] == [("passed", ())] * 5


def test_what_a_case_does_not_give_is_that_of_the_process(project: Shop) -> None:
    expect = "{runs: {Load: 1, Far: 1, Send: 1, inner: 1, inner/Far: 1}, output: of the process}"
    text = f"flow: main\ntests: [{{name: here, env: {{TOKEN: t}}, expect: {expect}}}]\n"
    assert project.run(text).is_fine


def test_a_case_that_expects_otherwise_fails(project: Shop) -> None:
    text = (
        "flow: main\ntests: [{name: wrong, env: {REGION: us, DEPLOYED: null}, expect: {runs: {Load: 1, Near: 1}}}]"
    )
    assert project.run(text).status == "failed"
