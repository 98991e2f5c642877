"""Fixtures for all tests: real servers and private names on them."""

from __future__ import annotations

import faulthandler
import functools
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import services
from tests.example_counts import examples
from tests.forked_cli import ForkedCli

# A machine under load is no reason to fail; what has to be fast is measured by the benchmarks.
hypothesis.settings.register_profile("selinon", deadline=None, max_examples=examples(40, 100))
hypothesis.settings.load_profile("selinon")

# Who starts the tests in the background makes them, and all programs they start, deaf to these signals.
for _number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)

#: Seconds: more than the time-out of a test that names none of its own.
HOPELESS = 1200.0

#: Where modules that belong to one test are, beside the directories that pytest makes.
_PROJECTS = str(Path(__file__).parent / "facade" / "projects")

_why_unreachable = functools.cache(services.why_unreachable)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look after ``@pytest.mark.service("redis")`` and ``@pytest.mark.slow``."""
    if item.get_closest_marker("slow") and os.environ.get("SELINON_TEST_SLOW", "") in ("", "0"):
        pytest.skip("takes long; set SELINON_TEST_SLOW=1")
    for mark in item.iter_markers("service"):
        for name in mark.args:
            need(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """End the process when not even the time-out ends a test: Hypothesis repeats what failed."""
    own = item.get_closest_marker("timeout")
    seconds = 0.0 if own is None else float(own.args[0])
    faulthandler.dump_traceback_later(max(HOPELESS, 1.2 * seconds), exit=True)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(autouse=True)
def forget_user_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leave the process as it was: projects of other tests have modules of the same names."""
    # Not all of the temporary directory: this clone and its libraries may be in it.
    of_one_test = (str(tmp_path_factory.getbasetemp()), _PROJECTS)
    path, before = list(sys.path), dict(sys.modules)
    yield
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        is_new = module is not before.get(name)
        if is_new and (getattr(module, "__file__", None) or "").startswith(of_one_test):
            del sys.modules[name]
            if name in before:  # it took the name of another one, which was set aside
                sys.modules[name] = before[name]


@pytest.fixture(autouse=True)
def no_worker_in_this_process() -> Iterator[None]:
    """Fail a test that makes a worker's pool here: Celery then refuses to wait for results, in all later tests."""
    yield
    state = sys.modules.get("celery._state")
    if state is not None and state.task_join_will_block():
        state._set_task_join_will_block(False)
        pytest.fail("a worker's pool was made in the process of the tests; make it in a process of its own")


def need(name: str) -> str:
    """Return the URL of a service; skip the test without it, or fail with ``SELINON_REQUIRE_SERVICES=1``."""
    service = services.SERVICES[name]
    why = _why_unreachable(service)
    if why is not None:
        reason = f"needs {name}: {why}"
        # What has no usual address was not promised by the setting that requires services.
        if services.required() and service.default_url is not None:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    assert service.url is not None
    return service.url


@pytest.fixture(scope="session")
def redis_url() -> str:
    """URL of a Redis server; use keys that begin with a ``private_name``."""
    return need("redis")


@pytest.fixture(scope="session")
def amqp_url() -> str:
    """URL of a RabbitMQ server; use queues that begin with a ``private_name``."""
    return need("amqp")


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """URL of a PostgreSQL database; use tables that begin with a ``private_name``."""
    return need("postgres")


@pytest.fixture(scope="session")
def forked_cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedCli]:
    """Runs ``selinon`` in processes of its own that need no time to start."""
    with ForkedCli(tmp_path_factory.mktemp("forked-cli")) as made:
        yield made


@pytest.fixture
def private_name() -> str:
    """A name that no other test uses."""
    return services.private_name()
