"""Names that stand for what is not called any more."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from selinon import ConfigurationError, Dispatcher, RequestError, Storage, SystemState
from selinon.task_envelope import SelinonTaskEnvelope
from selinon_core.legacy import names


@pytest.fixture(autouse=True)
def not_warned() -> Iterator[None]:
    names._NotCalled._warned.clear()
    yield
    names._NotCalled._warned.clear()
    for kind in (Dispatcher, SelinonTaskEnvelope):
        if "soft_time_limit" in vars(kind):
            del kind.soft_time_limit


@pytest.mark.parametrize("kind", [Dispatcher, SelinonTaskEnvelope])
def test_assigning_to_what_is_not_called_warns_once(kind: type) -> None:
    with pytest.warns(UserWarning, match=f"{kind.__name__}.soft_time_limit.*not called.*`timeout`"):
        kind.soft_time_limit = 60  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kind.soft_time_limit = 90  # type: ignore[attr-defined]
    assert kind.soft_time_limit == 90  # type: ignore[attr-defined]


def test_names_of_the_tasks() -> None:
    from selinon_core.celery.publish import DISPATCHER, ENVELOPE

    assert (Dispatcher.name, SelinonTaskEnvelope.name) == (DISPATCHER, ENVELOPE)


def test_the_dispatcher_starts_flows_only() -> None:
    with pytest.raises(RequestError, match="not state"):
        Dispatcher().apply_async(kwargs={"flow_name": "a", "state": {"waiting_edges": []}})
    with pytest.raises(RequestError, match="without flow_name"):
        Dispatcher().delay()


def test_a_state_cannot_be_built() -> None:
    with pytest.raises(RequestError, match="selinon status"):
        SystemState("id", "flow")


def test_a_storage_as_described() -> None:
    storage = Storage.from_dict({"name": "A", "import": "m", "configuration": {"x": 1}, "classname": "B"})
    assert (storage.name, storage.import_path, storage.class_name) == ("A", "m", "B")
    assert storage.configuration == {"x": 1}
    with pytest.raises(ConfigurationError):
        Storage.from_dict({"name": "A"})
    assert Storage("A", "m", None).class_name == "A"
