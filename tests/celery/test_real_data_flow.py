"""The complete example of data flow on real workers: arguments, references, retries, outputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from selinon_core.errors import ArgumentError, FlowError
from selinon_core.runtime.templates import INLINE
from tests.celery.data_flow_project import SCHEMA, TASKS, project
from tests.celery.workers import site

pytestmark = [pytest.mark.service("redis"), pytest.mark.xdist_group("workers"), pytest.mark.timeout(180)]
BROKERS = ["redis", pytest.param("amqp", marks=pytest.mark.service("amqp"))]


@pytest.mark.parametrize("broker", BROKERS)
def test_an_order_from_its_arguments_to_its_output(tmp_path: Path, broker: str) -> None:
    with site(tmp_path, broker) as made:
        where = f"{{path: {tmp_path / 'results'}}}"
        storage = f"import: selinon_core.storages.filesystem, classname: Filesystem, configuration: {where}"
        made.write(project(f"tasks_{made.name}", storage), TASKS)
        (tmp_path / "order.json").write_text(SCHEMA)
        made.start("-c", "2")
        parcel = "with shelf of the lamp, shelf of the rug, shelf of the vase"
        run = made.selinon.run_flow("order", {"number": 2, "padding": INLINE})
        assert run.result(60)["output"] == {"parcel": f"2 {parcel}"}
        assert made.selinon.status(run.id)["output"] == {"parcel": f"2 {parcel}"}
        assert made.selinon.run_flow("order").result(60)["output"] == {"parcel": f"7 {parcel}"}
        with pytest.raises(FlowError):
            made.selinon.run_flow("order", {"number": 13, "padding": INLINE}).result(60)
        with pytest.raises(ArgumentError):
            made.selinon.run_flow("order", {"number": "x"})
        ran = [json.loads(line) for line in made.ran()]
        tries = [(attempt, args) for name, attempt, args in ran if name == "Charge" and args["number"] == 2]
        assert [attempt for attempt, _ in tries] == [1, 2, 3]
        assert all(args == tries[0][1] for _, args in tries)
        ((_, _, released),) = [line for line in ran if line[0] == "ReleaseItems"]
        assert released["because"] == "the card is refused"
        assert [len(line["padding"]) for line in released["lines"]] == [INLINE] * 3
