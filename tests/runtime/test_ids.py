"""Ids of node runs."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from selinon_core.runtime.ids import id_maker, random_flow_id, seeded_flow_id, seeded_id_maker


@given(st.uuids(), st.integers(1, 10**9))
def test_an_id_is_the_uuid5_of_its_number(flow: uuid.UUID, number: int) -> None:
    assert id_maker(str(flow))(number) == str(uuid.uuid5(flow, str(number)))


def test_ids_that_are_kept_for_further_runs_are_the_same_ids() -> None:
    numbers = [*range(1, 200), 7, 199]
    made = [id_maker("seeded")(number) for number in numbers]
    assert [[seeded_id_maker("seeded")(number) for number in numbers] for _ in range(2)] == [made, made]


def test_any_text_can_be_the_id_of_a_flow_run() -> None:
    make = id_maker("my own id")
    assert uuid.UUID(make(1)).version == 5
    assert make(1) == id_maker("my own id")(1) != id_maker("another")(1)


def test_seeds_and_names_give_different_ids() -> None:
    ids = {seeded_flow_id(seed, name) for seed in range(5) for name in ("f", "g")}
    assert len(ids) == 10
    assert random_flow_id() != random_flow_id()
