"""What the counting plugin counts of Python, the kernel, processes and a device, and what it costs when it is off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from bench.agent.plugin.bench_pytest_plugin.work import cuda_work, hardware, kernel, one_round, python_calls
from bench.agent.plugin.bench_pytest_plugin.work.cuda_work import CudaWork, parse_trace
from bench.agent.plugin.bench_pytest_plugin.work.hardware import Hardware
from bench.agent.plugin.bench_pytest_plugin.work.importing import after_import
from bench.agent.plugin.bench_pytest_plugin.work.kernel import Kernel, parse_io
from bench.agent.plugin.bench_pytest_plugin.work.processes import Processes
from bench.agent.plugin.bench_pytest_plugin.work.python_calls import PythonCalls

IO = b"rchar: 10\nwchar: 20\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 6\ncancelled_write_bytes: 7\n"


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


class Monitoring:
    """As much of sys.monitoring as is used, by sys.setprofile: the real one is there from Python 3.12 on."""

    DISABLE = object()
    events = SimpleNamespace(PY_START=1, PY_RETURN=2, PY_UNWIND=4)

    def __init__(self, taken: int = 0) -> None:
        self.taken = taken
        self.names: dict[int, str] = {}
        self.callbacks: dict[int, Any] = {}
        self.returning: list[Any] = []

    def get_tool(self, tool: int) -> str | None:
        return self.names.get(tool, "other" if tool >= 5 - self.taken else None)

    def use_tool_id(self, tool: int, name: str) -> None:
        assert self.get_tool(tool) is None
        self.names[tool] = name

    def register_callback(self, _tool: int, event: int, callback: Any) -> None:
        self.callbacks[event] = callback

    def set_local_events(self, tool: int, code: Any, events: int) -> None:
        self.require(tool)
        assert events == self.events.PY_RETURN
        self.returning.append(code)

    def require(self, tool: int) -> None:
        if self.get_tool(tool) is None:
            raise ValueError(f"tool {tool} is not in use")

    def set_events(self, tool: int, events: int) -> None:
        self.require(tool)

        def seen(frame: Any, event: str, _argument: object) -> None:
            if event == "call" and frame.f_code not in OWN:
                self.callbacks[self.events.PY_START](frame.f_code, 0)
            elif event == "return" and frame.f_code in self.returning:
                self.callbacks[self.events.PY_RETURN](frame.f_code, 0, None)

        sys.setprofile(seen if events else None)

    def free_tool_id(self, tool: int) -> None:
        self.callbacks = {}
        self.names.pop(tool)


OWN = {getattr(Monitoring, name).__code__ for name in ("get_tool", "require", "set_local_events", "set_events")}


@pytest.fixture
def monitoring(monkeypatch: pytest.MonkeyPatch) -> Monitoring:
    made = Monitoring()
    monkeypatch.setattr(sys, "monitoring", made, raising=False)
    return made


def counted(counter: Any, action: Any) -> dict[str, Any]:
    counter.begin_test()
    counter.resume()
    action()
    counter.pause()
    share = counter.end_test()
    counter.close()
    return share | counter.totals()


def test_a_recursion_s_calls_are_those_counted_by_hand(monitoring: Monitoring) -> None:
    share = counted(PythonCalls(), lambda: fib(12))
    # calls(n) = 2 * F(n + 1) - 1, and the lambda itself
    assert share["python"]["modules"][__name__] == 2 * 233 - 1 + 1
    assert share["python_calls"] == share["python"]["calls"] == sum(share["python"]["modules"].values())


@pytest.mark.parametrize("anew", [None, "somebody's"])
def test_a_test_that_takes_the_place_of_the_counter_costs_its_counts_alone(
    monitoring: Monitoring, monkeypatch: pytest.MonkeyPatch, anew: str | None
) -> None:
    counter = PythonCalls()
    counter.begin_test()
    counter.resume()
    sys.setprofile(None)
    (tool,) = monitoring.names
    started = monitoring.callbacks[monitoring.events.PY_START]
    monitoring.free_tool_id(tool)
    monkeypatch.setattr(python_calls, "_is_import", lambda _: True)
    started(compile("pass", "later.py", "exec"), 0)  # it runs in the test, which must not see an error of ours
    if anew is not None:
        monitoring.use_tool_id(tool, anew)
    counter.pause()
    assert counter.end_test() == {}
    counter.begin_test()
    counter.resume()
    counter.close()
    assert counter.totals() == {}
    assert "a test took the place" in counter.unavailable["python"]
    assert monitoring.names == ({} if anew is None else {tool: anew})  # what is another's stays


def test_each_test_s_calls_add_up_and_what_is_between_is_not_counted(monitoring: Monitoring) -> None:
    counter = PythonCalls()
    shares = []
    for times in (1, 3):
        counter.begin_test()
        fib(9)
        counter.resume()
        for _ in range(times):
            fib(5)
        counter.pause()
        shares.append(counter.end_test()["python_calls"])
    assert shares == [15, 45]
    assert counter.totals()["python"] == {"calls": 60, "modules": {__name__: 60}}


def test_code_that_is_made_for_ever_is_bounded(monitoring: Monitoring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_calls, "MAX_CODES", 4)

    def made() -> None:
        for at in range(50):
            scope: dict[str, Any] = {}
            exec(compile(f"def one(): return {at}", f"made{at}.py", "exec"), scope)
            scope["one"]()

    share = counted(PythonCalls(), made)
    assert share["python_calls"] == 51
    assert share["python"]["modules"][python_calls.OTHERS] >= 47


def test_module_and_class_bodies_are_no_calls(monitoring: Monitoring) -> None:
    source = compile("class A:\n    x = 1\n", "body.py", "exec")
    share = counted(PythonCalls(), lambda: exec(source, {}))
    assert "body" not in share["python"]["modules"]


IMPORTED = """
def table(n): return n if n < 2 else table(n - 1) + table(n - 2)
TABLE = table(8)
try:
    import imported_broken
except ZeroDivisionError:
    TABLE += table(5)
"""


def test_what_a_module_does_while_it_is_imported_is_no_test_s_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the real sys.monitoring from Python 3.12 on."""
    (tmp_path / "imported.py").write_text(IMPORTED)
    (tmp_path / "imported_broken.py").write_text("def f(): return 1\nf() / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    if not hasattr(sys, "monitoring"):
        monkeypatch.setattr(sys, "monitoring", Monitoring(), raising=False)

    def imports() -> None:
        import imported  # type: ignore[import-not-found]

        imported.table(3)

    modules = counted(PythonCalls(), imports)["python"]["modules"]
    # table(3) alone; finders of modules may be Python too
    assert (modules["imported"], modules[__name__], "imported_broken" in modules) == (5, 1, False)


def test_python_without_a_counter_and_one_whose_places_are_taken_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys, "monitoring", raising=False)
    counter = PythonCalls()
    assert counted(counter, lambda: fib(3)) == {}
    assert counter.unavailable == {"python": "Python counts its calls from 3.12 on"}
    monkeypatch.setattr(sys, "monitoring", Monitoring(taken=5), raising=False)
    assert PythonCalls().unavailable == {"python": "other tools use all places of sys.monitoring"}


def test_io_of_the_kernel_is_read_and_its_own_reading_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert parse_io(IO) == {"read_bytes": 10, "write_bytes": 20, "read_calls": 3, "write_calls": 4}
    with pytest.raises(KeyError):
        parse_io(b"rchar: 1\n")
    path = tmp_path / "file"
    monkeypatch.setattr(kernel, "IO", "/proc/thread-self/io")  # pytest-xdist reads in a thread of its own meanwhile

    def work() -> None:
        fd = os.open(path, os.O_RDWR | os.O_CREAT)
        os.write(fd, b"x" * 1000)
        os.pread(fd, 400, 0)
        os.close(fd)

    assert {name: value for name, value in counted(Kernel(), work)["kernel"].items() if name != "minor_faults"} == {
        "read_bytes": 400,
        "write_bytes": 1000,
        "read_calls": 1,
        "write_calls": 1,
    }


def test_faults_of_memory_that_is_touched_are_counted() -> None:
    kernel = counted(Kernel(), lambda: bytearray(os.urandom(1)) * (64 << 20))
    assert kernel["minor_faults"] >= 32  # at least one a huge page of 2 MiB


def test_processes_that_are_started_are_counted_once_each() -> None:
    counter = Processes()
    subprocess.run([sys.executable, "-S", "-c", ""], check=True)

    def starts() -> None:
        subprocess.run([sys.executable, "-S", "-c", ""], check=True)
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)

    assert counted(counter, starts) == {"processes": 2}


def event(category: str, name: str, **args: int) -> dict[str, Any]:
    """As the profiler writes one for Chrome's viewer."""
    return {"ph": "X", "cat": category, "name": name, "pid": 0, "tid": 7, "ts": 1.5, "dur": 2, "args": args}


TRACE = [
    {"ph": "M", "name": "process_name", "pid": 0, "args": {"name": "python"}},
    event("cpu_op", "aten::mm"),
    event("cuda_runtime", "cudaLaunchKernel", correlation=3),
    event("kernel", "ampere_sgemm_128x64_nn", device=0, stream=7),
    event("kernel", "void at::native::vectorized_elementwise_kernel", device=0, stream=7),
    event("gpu_memcpy", "Memcpy HtoD (Pageable -> Device)", device=0, bytes=4096),
    event("gpu_memset", "Memset (Device)", device=0, bytes=99),
    event("gpu_user_annotation", "a step", device=0),
]


def test_kernels_and_copies_of_a_device_are_told_from_what_else_a_trace_has() -> None:
    assert parse_trace({"traceEvents": TRACE}) == (2, 4096)
    with pytest.raises(KeyError):
        parse_trace({"traceEvents": [event("gpu_memcpy", "Memcpy DtoH")]})  # a size that is not told is not 0


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str | Exception]:
    """A torch whose profiler writes these traces in turn, or fails."""
    traces: list[str | Exception] = []

    class Profile:
        def __init__(self, activities: list[str]) -> None:
            assert activities == ["the device"]

        def start(self) -> None:
            pass

        def stop(self) -> None:
            pass

        def export_chrome_trace(self, path: str) -> None:
            found = traces.pop(0)
            if isinstance(found, Exception):
                raise found
            Path(path).write_text(found)

    profiler = ModuleType("torch.profiler")
    profiler.__dict__.update(profile=Profile, ProfilerActivity=SimpleNamespace(CUDA="the device"))
    torch = ModuleType("torch")
    torch.__dict__.update(cuda=SimpleNamespace(is_available=lambda: True), profiler=profiler)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch.profiler", profiler)
    monkeypatch.setenv("BENCH_DEVICE", "cuda")
    monkeypatch.setenv("BENCH_WORK_OUT", str(tmp_path))
    return traces


def test_the_phases_of_a_device_add_up_and_leave_no_trace(device: list[str | Exception], tmp_path: Path) -> None:
    device += [json.dumps({"traceEvents": TRACE}), json.dumps({"traceEvents": TRACE[:4]})]
    counter = CudaWork()
    for _ in range(2):
        counter.resume()
        counter.pause()
    assert counter.totals() == {"cuda": {"kernels": 3, "copied_bytes": 4096}}
    assert not counter.unavailable
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("second", "why"),
    [
        ("{", "cannot be read (JSONDecodeError)"),
        ("{}", "cannot be read (KeyError)"),
        (OSError("disk full"), "cannot be read (OSError)"),
        ("x" * 3000, "larger than 2000 bytes"),
    ],
    ids=["cut", "no events", "not written", "large"],
)
def test_a_phase_of_a_device_that_cannot_be_read_costs_the_sum(
    device: list[str | Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str | Exception, why: str
) -> None:
    monkeypatch.setattr(cuda_work, "MAX_BYTES", 2000)
    device += [json.dumps({"traceEvents": TRACE}), second, json.dumps({"traceEvents": TRACE})]
    counter = CudaWork()
    for _ in range(3):
        counter.resume()
        counter.pause()
    assert counter.totals() == {}
    assert why in counter.unavailable["cuda"]
    assert not list(tmp_path.iterdir())


def test_without_a_device_nobody_asks_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # whoever asks it fails
    counter = CudaWork()
    assert counted(counter, lambda: None) == {}
    assert counter.unavailable == {"cuda": "the run is not one for a CUDA device"}


def test_a_device_s_profiler_that_does_not_start_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_DEVICE", "cuda")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace())
    counter = CudaWork()
    assert counted(counter, lambda: None) == {}
    assert counter.unavailable == {"cuda": "torch's profiler did not start (AttributeError)"}


def test_instructions_have_a_count_or_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = Hardware()
    share = counted(counter, lambda: fib(15))
    for name in hardware.KINDS:
        assert (name in share) != (name in counter.unavailable)
        assert share.get(name, 1) > 0
    assert ("system_calls" in share) != ("kernel.system_calls" in counter.unavailable)
    monkeypatch.setattr(hardware, "CALLS", {})
    assert "not known how to ask" in Hardware().unavailable["instructions"]


@pytest.mark.parametrize(
    ("code", "why"),
    [(2, "no such counter"), (13, "perf_event_paranoid"), (1, "sandbox does not allow"), (38, "no perf_event_open")],
    ids=["virtual machine", "paranoid", "seccomp", "no call"],
)
def test_a_counter_that_the_kernel_refuses_is_null_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, code: int, why: str
) -> None:
    refuses = SimpleNamespace(syscall=lambda *_: -1)
    monkeypatch.setattr(hardware.ctypes, "CDLL", lambda *_args, **_options: refuses)
    monkeypatch.setattr(hardware.ctypes, "get_errno", lambda: code)
    monkeypatch.setattr(hardware, "CALLS", dict.fromkeys([os.uname().machine], 1))
    counter = Hardware()
    assert counted(counter, lambda: None) == {}
    assert why in counter.unavailable["instructions"]
    assert why in counter.unavailable["branches"]


def test_a_module_is_heard_of_once_it_has_been_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "heard_of.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    finders, heard = list(sys.meta_path), []
    after_import("heard_of", lambda: heard.append(sys.modules["heard_of"].value))
    with pytest.raises(ImportError):
        __import__("heard_of_not")
    assert heard == []
    __import__("heard_of")
    assert heard == [1]
    assert sys.meta_path == finders
    assert "exec_module" not in vars(sys.modules["heard_of"].__loader__)
    after_import("heard_of", lambda: heard.append(2))
    assert sys.meta_path == finders


RECURSION = "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\ndef test_a(): fib(5)\ndef test_b(): fib(6)\n"


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["here", "in workers"])
def test_pytest_counts_in_the_process_that_runs_the_tests(
    supervise: Any, tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "test_it.py").write_text(RECURSION)
    out = tmp_path / "out"
    env = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "BENCH_WORK_OUT": str(out)}
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "test_it.py", *options)
    done = supervise(*command, plugin=True, cwd=str(tmp_path), env=env)
    assert done.result["outcome"] == "passed"
    files = [json.loads(path.read_text()) for path in sorted(out.glob("work.*.json"))]
    assert sorted(test["node"] for file in files for test in file["tests"]) == [
        "test_it.py::test_a",
        "test_it.py::test_b",
    ]
    assert all(file["unavailable"]["torch"] == "the tests did not import torch" for file in files)
    assert not [one for one in done.result["warnings"] if one["code"] == "plugin_fault"]


def test_without_being_asked_for_nothing_is_counted_nor_loaded(supervise: Any, tmp_path: Path) -> None:
    code = "import sys\ndef test_a(): assert not [name for name in sys.modules if 'bench_pytest_plugin.work' in name]\n"
    (tmp_path / "test_it.py").write_text(code)
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "test_it.py")
    done = supervise(*command, plugin=True, cwd=str(tmp_path))
    assert done.result["outcome"] == "passed"
    assert not list((tmp_path / "out").glob("work.*"))


@pytest.mark.parametrize(
    ("options", "disabled"),
    [
        ({"benchmark_disable": False, "benchmark_only": False}, True),
        ({"benchmark_disable": False, "benchmark_only": True}, False),
        ({}, None),
    ],
)
def test_pytest_benchmark_calls_each_function_once_while_it_is_counted(
    options: dict[str, bool], disabled: bool | None
) -> None:
    config = SimpleNamespace(option=SimpleNamespace(**options))
    one_round(config)
    assert getattr(config.option, "benchmark_disable", None) is disabled
