"""The work that a result's tests asked for, as a counting run of its own counted it: no times, and no statistics."""

from __future__ import annotations

import msgspec


class OutputSize(msgspec.Struct, frozen=True):
    """What operators made of one data type on one device; views make nothing."""

    elements: int
    bytes: int


class TorchWork(msgspec.Struct, frozen=True):
    """Torch's operators, forward and backward.

    ``flops`` are those of torch's own formulas, which know products, convolutions and attention. ``digest`` is that of
    the sorted list of (operator, shapes, dtypes). ``callers`` names the functions that call an operator most.
    """

    calls: dict[str, int]
    elements: int | None = None
    bytes: int | None = None
    flops: int | None = None
    digest: str | None = None
    outputs: dict[str, OutputSize] = {}
    callers: dict[str, dict[str, int]] = {}


class PythonWork(msgspec.Struct, frozen=True):
    """Starts of Python functions, those of pytest apart; ``modules`` has them by module."""

    calls: int
    modules: dict[str, int] = {}


class CudaWork(msgspec.Struct, frozen=True):
    """What torch's profiler saw on the device."""

    kernels: int
    copied_bytes: int


class TestWork(msgspec.Struct, frozen=True, omit_defaults=True):
    """One test's share. What was not counted has no key: the run's own part has the reason."""

    node: str
    operator_calls: int | None = None
    elements: int | None = None
    bytes: int | None = None
    flops: int | None = None
    digest: str | None = None
    python_calls: int | None = None
    processes: int | None = None
    minor_faults: int | None = None
    read_bytes: int | None = None
    write_bytes: int | None = None


class Work(msgspec.Struct, frozen=True):
    """All tests' work. ``counted`` is in how many counting runs; ``varies`` names what was not equal in all of them."""

    counted: int
    varies: tuple[str, ...] = ()
    torch: TorchWork | None = None
    python: PythonWork | None = None
    cuda: CudaWork | None = None
    kernel: dict[str, int | None] = {}
    instructions: int | None = None
    branches: int | None = None
    tests: tuple[TestWork, ...] = ()
