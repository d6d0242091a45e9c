"""pytest's side of a run: environment, threads and device are settled here, before any test imports torch."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from .metrics import Metrics, Record
from .settings import Settings, SettingsError, missing_environment, parse_settings

if TYPE_CHECKING:
    import torch

SETTINGS = pytest.StashKey[Settings]()


def pytest_configure(config: pytest.Config) -> None:
    """Judge the environment, complete it, and only then import torch and set its threads."""
    try:
        settings = parse_settings(os.environ)
        os.environ.update(missing_environment(os.environ, settings.device, torch_imported="torch" in sys.modules))
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from None
    import torch

    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    config.stash[SETTINGS] = settings


def pytest_report_header(config: pytest.Config) -> str:
    """One line: what runs where."""
    import torch

    settings = config.stash[SETTINGS]
    threads = torch.get_num_threads()
    return (
        f"diagnostics: profile {settings.profile.name}, {settings.device}, torch {torch.__version__}, threads {threads}"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a cell, named so that a progress display can say which of how many."""
    if "cell" in metafunc.fixturenames:
        from .diffraction.cell import draw_cells
        from .test_grad import SEED

        cells = draw_cells(metafunc.config.stash[SETTINGS].profile.grad_cells, SEED)
        names = [f"cell-{number:02d}-of-{len(cells):02d}" for number in range(1, len(cells) + 1)]
        metafunc.parametrize("cell", cells, ids=names)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """With the last test on CUDA, record the most memory that torch's allocator has had in this process."""
    try:
        return (yield)
    finally:
        import torch

        last = item is item.session.items[-1]
        if last and item.config.stash[SETTINGS].device == "cuda" and torch.cuda.is_initialized():
            metrics = Metrics(lambda name, value: item.user_properties.append((name, value)))
            metrics.add("cuda_peak_allocated_bytes", torch.cuda.max_memory_allocated(), "B", "lower")
            metrics.add("cuda_peak_reserved_bytes", torch.cuda.max_memory_reserved(), "B", "lower")


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Settings:
    """What this run asked for."""
    return pytestconfig.stash[SETTINGS]


@pytest.fixture(scope="session")
def device(settings: Settings) -> torch.device:
    """The device asked for; fails in one line where CUDA was asked for and torch finds none."""
    import torch

    if settings.device == "cuda" and not torch.cuda.is_available():
        build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
        pytest.fail(
            f"BENCH_DEVICE=cuda, but torch {torch.__version__} ({build}) finds no CUDA device; "
            f"CUDA_VISIBLE_DEVICES is {visible}: check the driver and how the container was given the GPU",
            pytrace=False,
        )
    return torch.device(settings.device)


@pytest.fixture
def last_case(request: pytest.FixtureRequest) -> bool:
    """Whether no other case of the same test function comes after this one."""
    cases = [item for item in request.session.items if getattr(item, "function", None) is request.function]
    return cases[-1] is request.node


@pytest.fixture
def metrics(record_property: Record) -> Metrics:
    """Where a test leaves its own numbers."""
    return Metrics(record_property)
