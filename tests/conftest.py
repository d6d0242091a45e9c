"""For every test: its signals' handlers are given back, and no example of hypothesis has a deadline."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)

# What one example takes depends on who else works on the machine, and says nothing of the code.
# Half of the usual examples: they take a tenth of the unit tests, and each run draws others.
settings.register_profile("unhurried", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# What is collected stays until the end: to look through it for garbage, again and again, takes a tenth of all tests.
gc.disable()


def pytest_collection_finish() -> None:
    """From here on look for garbage among what tests make alone."""
    gc.enable()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def own_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the tests read of results is kept in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_INDEX", str(tmp_path_factory.mktemp("index")))
        yield


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """A test gives every signal's handler back: one that is left would swallow a later test's signal."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    after = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        signal.signal(number, handler)
    assert after == before
