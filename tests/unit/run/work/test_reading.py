"""What the counters wrote, typed and bounded: a test may have written it."""

import json
import os
from hashlib import sha256

import pytest

from bench.run.work import reading
from bench.run.work.reading import Uncounted, read_work

TORCH = {
    "calls": {"aten::mm": 3},
    "elements": 10,
    "bytes": 40,
    "flops": 7,
    "digest": "a" * 64,
    "outputs": {"float32 cpu": {"elements": 10, "bytes": 40}},
    "callers": {"aten::mm": {"simulator.run": 3}},
}
PART = {
    "tests": [{"node": "t.py::b", "operator_calls": 3, "digest": "b" * 64, "python_calls": 5}],
    "unavailable": {"cuda": "the run is not one for a CUDA device", "kernel.system_calls": "no tracing"},
    "torch": TORCH,
    "python": {"calls": 5, "modules": {"t": 5}},
    "kernel": {"minor_faults": 2, "read_bytes": 1, "write_bytes": 0, "read_calls": 1, "write_calls": 0},
    "processes": 1,
}


def write(folder, name="main", **changes):
    (folder / f"work.{name}.json").write_text(json.dumps(PART | changes))


def test_one_process_s_file(tmp_path):
    write(tmp_path)
    work, missing = read_work(tmp_path)
    assert (work.counted, work.varies) == (1, ())
    assert work.torch.calls == {"aten::mm": 3}
    assert (work.torch.flops, work.torch.digest) == (7, "a" * 64)
    assert work.torch.outputs["float32 cpu"].bytes == 40
    assert (work.python.calls, work.kernel["minor_faults"], work.kernel["processes"]) == (5, 2, 1)
    assert work.tests[0].python_calls == 5
    nothing = "the counters did not tell it"
    assert missing == PART["unavailable"] | {"instructions": nothing, "branches": nothing}


def test_the_files_of_several_processes_are_one_work(tmp_path):
    write(tmp_path, "gw0")
    write(tmp_path, "gw1", tests=[{"node": "t.py::a", "digest": "c" * 64}])
    work, _ = read_work(tmp_path)
    assert [test.node for test in work.tests] == ["t.py::a", "t.py::b"]
    assert (work.torch.calls, work.torch.flops) == ({"aten::mm": 6}, 14)
    assert work.torch.callers == {"aten::mm": {"simulator.run": 6}}
    assert work.torch.outputs["float32 cpu"].elements == 20
    assert work.torch.digest == sha256(("b" * 64 + "\n" + "c" * 64).encode()).hexdigest()
    assert (work.python.calls, work.kernel["processes"]) == (10, 2)


def test_a_process_that_knows_less_leaves_the_sum_unknown(tmp_path):
    write(tmp_path, "gw0")
    write(tmp_path, "gw1", torch=TORCH | {"flops": None}, tests_left_out=1, unavailable={"torch.flops": "a fault"})
    work, missing = read_work(tmp_path)
    assert work.torch.flops is work.torch.digest is None
    assert missing["torch.flops"] == "a fault"


@pytest.mark.parametrize(
    "changes",
    [
        {"torch": TORCH | {"flops": -1}},
        {"torch": TORCH | {"flops": 2**63}},
        {"torch": TORCH | {"flops": 1.5}},
        {"torch": TORCH | {"digest": "</script>"}},
        {"torch": TORCH | {"calls": {"x" * 1001: 1}}},
        {"torch": TORCH | {"calls": {f"op{at}": 1 for at in range(1001)}}},
        {"python": {"calls": "many", "modules": {}}},
        {"tests": {"node": "t"}},
        {"tests": [{"node": "t", "python_calls": True}]},
    ],
)
def test_what_does_not_fit_is_no_count(tmp_path, changes):
    write(tmp_path, **changes)
    with pytest.raises(Uncounted, match="does not fit"):
        read_work(tmp_path)


def test_what_is_no_file_or_too_large_is_no_count(tmp_path, monkeypatch):
    with pytest.raises(Uncounted, match="wrote nothing"):
        read_work(tmp_path)
    os.mkfifo(tmp_path / "work.main.json")
    with pytest.raises(Uncounted, match="no file"):
        read_work(tmp_path)
    (tmp_path / "work.main.json").unlink()
    (tmp_path / "work.main.json").symlink_to("/etc/passwd")
    with pytest.raises(Uncounted, match="cannot be read"):
        read_work(tmp_path)
    (tmp_path / "work.main.json").unlink()
    write(tmp_path)
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    with pytest.raises(Uncounted, match="larger than 10 bytes"):
        read_work(tmp_path)


def test_nested_without_end_is_no_count(tmp_path):
    (tmp_path / "work.main.json").write_text("[" * 100_000)
    with pytest.raises(Uncounted):
        read_work(tmp_path)
