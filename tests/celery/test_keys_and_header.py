"""Outbox keys, timers and headers are the same after they were texts in a store."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.celery.stores import outbox_keys as keys
from selinon_core.celery.stores.outbox_keys import OutboxKey, TimerKey, read_outbox_key, read_timer_key
from selinon_core.celery.stores.run_header import Caller, RunHeader
from selinon_core.errors import FormatSkew

names = st.text(min_size=1, max_size=8)
headers = st.builds(
    RunHeader,
    names,
    names,
    st.sampled_from(["running", "cancelled"]),
    st.just(""),
    st.integers(1, 9),
    st.integers(1, 9),
    names,
    st.integers(0, 9),
    names,
    names,
    st.none() | st.builds(Caller, names, st.integers(1, 99), names),
    st.dictionaries(names, names, max_size=2),
    st.text(max_size=5),
    st.text(max_size=5),
    st.integers(0, 1000).map(float),
    st.just(0),
    st.just(0.0),
    st.just(0.0),
    retry=st.just({}) | st.fixed_dictionaries({"by": st.none() | names, "status": names}),
    rerun=st.just({}) | st.fixed_dictionaries({"of": names, "select": st.lists(names, max_size=2)}),
)


@pytest.mark.parametrize(
    ("key", "text", "is_start", "is_first"),
    [
        (OutboxKey(keys.START_TASK, 12), "t12", True, True),
        (OutboxKey(keys.START_FLOW, 7), "f7", True, True),
        (OutboxKey(keys.START_INLINED, 3), "o3", True, False),
        (OutboxKey(keys.CANCEL_FLOW, 4), "c4", False, False),
        (OutboxKey(keys.NOTIFY_PARENT), "p", False, False),
        (OutboxKey(keys.WRITE_RESULT), "r", False, False),
    ],
)
def test_a_key_of_the_outbox_as_text(key: OutboxKey, text: str, is_start: bool, is_first: bool) -> None:
    assert str(key) == text
    assert read_outbox_key(text) == key
    assert (key.is_start, key.is_first_start) == (is_start, is_first)


@pytest.mark.parametrize(
    ("timer", "text", "is_send", "outlives_run"),
    [
        (TimerKey(keys.SEND_TASK, 12), "n12", True, True),
        (TimerKey(keys.SEND_FLOW, 7), "s7", True, False),
        (TimerKey(keys.ASK_AGAIN, 3), "q3", False, False),
        (TimerKey(keys.RETRY_FLOW), "retry", False, False),
        (TimerKey(keys.DEADLINE), "deadline", False, False),
    ],
)
def test_a_timer_as_text(timer: TimerKey, text: str, is_send: bool, outlives_run: bool) -> None:
    assert str(timer) == text
    assert read_timer_key(text) == timer
    assert (timer.is_send, timer.outlives_run) == (is_send, outlives_run)


@pytest.mark.parametrize("text", ["", "Z3", "t", "tx", "t1x", "t-1", "t²", "p1", "pp", "resend"])
def test_a_key_that_is_not_known_is_one_of_a_newer_worker(text: str) -> None:
    with pytest.raises(FormatSkew, match=f'the outbox of this flow run holds "{text}", which is not known here'):
        read_outbox_key(text)


@pytest.mark.parametrize("text", ["", "z3", "n", "nap", "n1x", "n²", "retry1", "deadlines"])
def test_a_timer_that_is_not_known_is_one_of_a_newer_worker(text: str) -> None:
    with pytest.raises(FormatSkew, match=f'this flow run has the timer "{text}", which is not known here'):
        read_timer_key(text)
    assert [*keys.known_timers(["n1", text, "retry"])] == [TimerKey("n", 1), TimerKey("retry")]


@pytest.mark.parametrize(
    ("start", "timer"),
    [
        (OutboxKey(keys.START_TASK, 12), TimerKey(keys.SEND_TASK, 12)),
        (OutboxKey(keys.START_FLOW, 7), TimerKey(keys.SEND_FLOW, 7)),
    ],
)
def test_a_start_that_is_put_off_becomes_a_timer(start: OutboxKey, timer: TimerKey) -> None:
    assert keys.send_timer(start) == timer


@given(headers)
def test_a_header_as_fields(header: RunHeader) -> None:
    assert RunHeader.read(header.new_fields()) == header


def test_fields_that_a_newer_worker_added_are_ignored() -> None:
    assert RunHeader.read({"flow": "f", "queue": "q", "status": "running", "lane": "night"}).flow == "f"
