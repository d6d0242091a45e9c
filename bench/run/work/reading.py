"""What the counters wrote in a run's ``out`` folder, to the work of a record: typed and bounded, whoever wrote it."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec

from bench.record.work import CudaWork, OutputSize, PythonWork, TestWork, TorchWork, Work

MAX_BYTES = 8 * 1024**2
"""Of one process's file."""
MAX_FILES = 64
MAX_NAMES = 1000
"""Operators, modules and tests that are kept one by one."""
NAME_CHARACTERS = 1000
KERNEL = ("minor_faults", "read_bytes", "write_bytes", "read_calls", "write_calls", "system_calls", "processes")
MOST = 2**63 - 1
NOTHING = "the counters wrote nothing: pytest ran without its plugin, or ran no test"

Count = Annotated[int, msgspec.Meta(ge=0, le=MOST)]
Name = Annotated[str, msgspec.Meta(max_length=NAME_CHARACTERS)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Calls = Annotated[dict[Name, Count], msgspec.Meta(max_length=MAX_NAMES)]


class Uncounted(Exception):
    """Nothing was counted; the message gives the reason."""


class _Size(msgspec.Struct):
    elements: Count
    bytes: Count


class _Torch(msgspec.Struct):
    calls: Calls
    elements: Count | None
    bytes: Count | None
    flops: Count | None
    digest: Digest | None
    outputs: Annotated[dict[Name, _Size], msgspec.Meta(max_length=MAX_NAMES)]
    callers: Annotated[dict[Name, Calls], msgspec.Meta(max_length=MAX_NAMES)]


class _Python(msgspec.Struct):
    calls: Count
    modules: Calls


class _Cuda(msgspec.Struct):
    kernels: Count
    copied_bytes: Count


class _Test(msgspec.Struct):
    node: Name
    operator_calls: Count | None = None
    elements: Count | None = None
    bytes: Count | None = None
    flops: Count | None = None
    digest: Digest | None = None
    python_calls: Count | None = None
    processes: Count | None = None
    minor_faults: Count | None = None
    read_bytes: Count | None = None
    write_bytes: Count | None = None


class _Counted(msgspec.Struct):
    """One process's file, as ``bench.agent.plugin`` writes it."""

    tests: Annotated[list[_Test], msgspec.Meta(max_length=4 * MAX_NAMES)]
    unavailable: Annotated[dict[Name, Name], msgspec.Meta(max_length=100)]
    tests_left_out: Count = 0
    torch: _Torch | None = None
    python: _Python | None = None
    cuda: _Cuda | None = None
    kernel: Annotated[dict[Name, Count], msgspec.Meta(max_length=20)] = {}
    processes: Count | None = None
    instructions: Count | None = None
    branches: Count | None = None
    system_calls: Count | None = None


def read_work(out: Path) -> tuple[Work, dict[str, str]]:
    """Return the work that was counted in a run, and by path why parts of it are missing.

    Raises:
        Uncounted: nothing was written, or not what the counters write.
    """
    paths = sorted(out.glob("work.*.json"))
    if not paths:
        raise Uncounted(NOTHING)
    if len(paths) > MAX_FILES:
        raise Uncounted(f"more than {MAX_FILES} processes counted")
    return together([_read(path) for path in paths])


def _read(path: Path) -> _Counted:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Uncounted("what the counters wrote is no file")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Uncounted(f"what the counters wrote cannot be read ({error.strerror})") from None
    if len(data) > MAX_BYTES:
        raise Uncounted(f"what the counters wrote is larger than {MAX_BYTES} bytes")
    try:
        return msgspec.json.decode(data, type=_Counted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Uncounted(f"what the counters wrote does not fit ({error})"[:300]) from None


def together(parts: Sequence[_Counted]) -> tuple[Work, dict[str, str]]:
    """Return the work of all processes that ran tests (pytest-xdist's workers), and why parts are missing (pure)."""
    missing = {path: why for part in parts for path, why in part.unavailable.items()}
    kernel: dict[str, int | None] = {}
    for name in KERNEL:
        of_kernel = [part.kernel.get(name, getattr(part, name, None)) for part in parts]
        kernel[name] = _sum(of_kernel)
    tests = sorted((test for part in parts for test in part.tests), key=lambda test: test.node)[:MAX_NAMES]
    work = Work(
        counted=1,
        torch=_torch([part.torch for part in parts if part.torch is not None], _digest(parts)),
        python=_python([part.python for part in parts if part.python is not None]),
        cuda=_cuda([part.cuda for part in parts if part.cuda is not None]),
        kernel=kernel,
        instructions=_sum([part.instructions for part in parts]),
        branches=_sum([part.branches for part in parts]),
        tests=tuple(msgspec.convert(msgspec.to_builtins(test), TestWork) for test in tests),
    )
    return work, _of_nulls(work, missing)


def _digest(parts: Sequence[_Counted]) -> str | None:
    """The digest of all tests together, as ``bench.agent.plugin`` makes that of one process's."""
    if len(parts) == 1:
        return parts[0].torch.digest if parts[0].torch is not None else None
    digests = [test.digest for part in parts for test in part.tests]
    if any(part.tests_left_out for part in parts) or any(digest is None for digest in digests):
        return None
    return sha256("\n".join(sorted(filter(None, digests))).encode()).hexdigest()


def _torch(parts: Sequence[_Torch], digest: str | None) -> TorchWork | None:
    if not parts:
        return None
    outputs: dict[str, OutputSize] = {}
    callers: dict[str, dict[str, int]] = {}
    for part in parts:
        for name, size in part.outputs.items():
            before = outputs.get(name, OutputSize(0, 0))
            outputs[name] = OutputSize(_most(before.elements + size.elements), _most(before.bytes + size.bytes))
        for name, calls in part.callers.items():
            callers[name] = _added([callers.get(name, {}), calls])
    return TorchWork(
        calls=_added([part.calls for part in parts]),
        elements=_sum([part.elements for part in parts]),
        bytes=_sum([part.bytes for part in parts]),
        flops=_sum([part.flops for part in parts]),
        digest=digest,
        outputs=outputs,
        callers=callers,
    )


def _python(parts: Sequence[_Python]) -> PythonWork | None:
    if not parts:
        return None
    return PythonWork(_most(sum(part.calls for part in parts)), _added([part.modules for part in parts]))


def _cuda(parts: Sequence[_Cuda]) -> CudaWork | None:
    if not parts:
        return None
    return CudaWork(
        _most(sum(part.kernels for part in parts)),
        _most(sum(part.copied_bytes for part in parts)),
    )


def _added(parts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for part in parts:
        sums.update(part)
    return {name: _most(count) for name, count in sums.items()}


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return _most(sum(known)) if known and len(known) == len(values) else None


def _most(value: int) -> int:
    return min(value, MOST)


def _of_nulls(work: Work, missing: Mapping[str, str]) -> dict[str, str]:
    """The reasons of what is null; others are not needed (of several processes one may have had it)."""
    document = msgspec.to_builtins(work)
    found = {name: missing.get(name) for name, value in document.items() if value is None}
    for part in ("torch", "kernel"):
        inner = document[part] or {}
        found |= {f"{part}.{name}": missing.get(f"{part}.{name}") for name, value in inner.items() if value is None}
    return {path: why or "the counters did not tell it" for path, why in found.items()}
