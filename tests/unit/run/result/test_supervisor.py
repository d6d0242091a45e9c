"""What a supervisor says of a run: read within bounds, and believed only if it can be."""

import json
import os
from pathlib import Path

import msgspec
import pytest

from bench.record.schema import Cpu, Io, Memory, Run, Session
from bench.run.result.supervisor import (
    MAX_NESTING,
    MAX_RESULT_BYTES,
    MEASURED,
    Result,
    Said,
    Unusable,
    figure_at,
    impossible,
    load_result,
    shallow,
)

WHOLE = {"state": "ended", "outcome": "passed", "wall_s": 1.5, "cgroup_version": 2}


@pytest.fixture
def load(tmp_path):
    path = tmp_path / "result.json"

    def read(**said):
        path.write_text(json.dumps(WHOLE | said))
        return load_result(path)

    return read


def test_a_result_is_a_run_and_what_the_supervisor_adds(load):
    result = load(unavailable={"pids_peak": "no such file"}, cpu={"user_s": 1.0}, new="key", index=4)
    assert (result.state, result.outcome, result.wall_s, result.index) == ("ended", "passed", 1.5, 4)
    assert (result.cgroup_version, result.unavailable) == (2, {"pids_peak": "no such file"})
    assert (result.cpu.user_s, result.cpu.system_s) == (1.0, None)


def test_a_run_that_only_began_has_no_outcome(tmp_path):
    (tmp_path / "result.json").write_text('{"state": "running"}')
    result = load_result(tmp_path / "result.json")
    assert (result.state, result.outcome, result.wall_s, result.unavailable) == ("running", "not_measured", None, {})


def test_no_result_is_none(tmp_path):
    assert load_result(tmp_path / "result.json") is None
    assert load_result(tmp_path / "missing" / "result.json") is None
    (tmp_path / "file").touch()
    assert load_result(tmp_path / "file" / "result.json") is None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkfifo, "is no file"),
        (os.mkdir, "is no file"),
        (lambda path: path.symlink_to("/dev/null"), "cannot be opened"),
        (lambda path: path.symlink_to("nowhere"), "cannot be opened"),
    ],
)
def test_what_is_no_file_of_its_own_is_not_waited_for(tmp_path, make, said):
    make(tmp_path / "result.json")
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(Unusable, match=said):
        load_result(tmp_path / "result.json")
    assert set(Path("/proc/self/fd").iterdir()) <= before  # what was opened is closed


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"outcome": "passed"}',  # no state
        b'{"state": "ended", "outcome": "fine"}',
        b'{"state": "ended", "wall_s": "1"}',
        b'{"state": "ended", "tests": [{}]}',
        b'{"state": "ended", "facts": {"a": ' + b"[" * 100_000,
    ],
)
def test_what_no_supervisor_writes_does_not_fit(tmp_path, text):
    (tmp_path / "result.json").write_bytes(text)
    with pytest.raises(Unusable, match=r"^result\.json of the run does not fit \(.+\)$"):
        load_result(tmp_path / "result.json")


def test_a_result_beyond_the_bound_is_not_read(tmp_path):
    path = tmp_path / "result.json"
    path.write_text(json.dumps(WHOLE))
    os.truncate(path, MAX_RESULT_BYTES + 1)  # sparse: it takes no room
    with pytest.raises(Unusable, match=rf"larger than any result \({MAX_RESULT_BYTES + 1} bytes\)"):
        load_result(path)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"wall_s": -0.5}, "wall_s: -0.5"),
        ({"wall_s": 0}, "wall_s: 0"),
        ({"pids_peak": -1}, "pids_peak: -1"),
        ({"cpu": {"total_s": -3.0}}, "cpu.total_s: -3"),
        ({"memory": {"peak_bytes": 2**63}}, r"memory.peak_bytes: 9.22337e\+18"),
    ],
)
def test_a_figure_that_cannot_be_is_not_believed(load, said, problem):
    with pytest.raises(Unusable, match=rf"does not fit \({problem}\)"):
        load(**said)


def test_the_least_and_the_most_that_can_be_are_believed():
    said = Said(index=0, outcome="passed", wall_s=1e-9, pids_peak=0, memory=Memory(peak_bytes=2**63 - 1))
    assert impossible(said) is None
    assert impossible(Said(index=0, outcome="not_measured")) is None  # nothing told is nothing wrong


@pytest.mark.parametrize("path", [path for path in MEASURED if path != "session"])
@pytest.mark.parametrize("value", [-1, 2**63, float("nan")])
def test_every_figure_is_looked_at(path, value):
    part, _, name = path.rpartition(".")
    said = Said(index=0, outcome="passed", wall_s=1.0)
    inner = msgspec.structs.replace(getattr(said, part), **{name: value}) if part else value
    problem = impossible(msgspec.structs.replace(said, **{part or name: inner}))
    assert problem == f"{path}: {value:g}"


def test_what_is_measured_is_a_path_of_a_run():
    assert len(set(MEASURED)) == len(MEASURED)
    for path in ("wall_s", "pytest_s", "session", "pids_peak", "cpu.total_s", "memory.peak_bytes", "io.write_bytes"):
        assert path in MEASURED
    for path in MEASURED:
        assert figure_at(Run(0, "passed"), path) is None


def test_a_value_is_found_by_its_path():
    run = Run(0, "passed", wall_s=2.0, cpu=Cpu(user_s=1.0), io=Io(read_bytes=5), session=Session(3))
    paths = ("wall_s", "cpu.user_s", "io.read_bytes", "session.collected")
    assert [figure_at(run, path) for path in paths] == [2.0, 1.0, 5, 3]
    with pytest.raises(AttributeError):
        figure_at(run, "cpu.unheard_s")


def nested(levels, inner=1):
    for level in range(levels):
        inner = [inner] if level % 2 else {"a": inner}
    return inner


def test_what_is_nested_too_deep_is_left_out_by_name():
    fits, deep = nested(MAX_NESTING), nested(MAX_NESTING + 1)
    values = {"plain": "text", "none": None, "fits": fits, "deep": deep, "wide": [1, deep], "flat": [[]] * 1000}
    kept, left = shallow(values)
    assert (list(kept), left) == (["plain", "none", "fits", "flat"], ["deep", "wide"])
    assert kept["fits"] is fits
    assert shallow({}) == ({}, [])


def test_a_result_is_a_run_and_may_be_told_as_one():
    """The supervisor's last event has the same keys but the state."""
    told = msgspec.json.decode(b'{"index": 2, "outcome": "failed", "cgroup_version": 1, "event": "ended"}', type=Said)
    assert (told.index, told.outcome, told.cgroup_version) == (2, "failed", 1)
    assert isinstance(Result(state="ended"), Said)
