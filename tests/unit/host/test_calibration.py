import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.host import calibration, loads
from bench.host.calibration import METRICS, SCRIPT, calibrate, drift, parse_calibration


@pytest.mark.timed
def test_this_machine_is_calibrated_within_the_promised_time():
    started = time.monotonic()
    figures, unavailable = calibrate(quick=True)
    took_s = time.monotonic() - started
    assert unavailable == {}
    assert set(figures) == set(METRICS)
    assert took_s < 8  # a second on a quiet machine; tests run on others
    assert 1e-3 < figures["one_core_s"] < 5
    assert figures["all_cores_s"] > 0.3 * figures["one_core_s"]
    assert 1e8 < figures["memory_bandwidth_bytes_per_s"] < 1e13
    assert 1e-8 < figures["page_fault_s"] < 1e-3
    assert 1e-4 < figures["process_start_s"] < 5


def test_the_work_is_the_same_every_time():
    assert loads.compute() == loads.compute()


def test_the_script_needs_nothing_but_python(tmp_path):
    copy = tmp_path / "loads.py"
    copy.write_bytes(SCRIPT.read_bytes())
    answer = subprocess.run(
        [sys.executable, "-I", "-S", str(copy), "--quick"], capture_output=True, check=True, env={}, cwd=tmp_path
    )
    figures, unavailable = parse_calibration(answer.stdout.decode())
    assert unavailable == {}
    assert None not in figures.values()


def test_one_load_that_fails_leaves_the_others(monkeypatch):
    monkeypatch.setattr(loads, "COPY_BYTES", 1 << 62)
    monkeypatch.setattr(loads, "POWERS", 1)
    monkeypatch.setattr(loads, "SORTED", 10)
    monkeypatch.setattr(loads, "all_cores_s", lambda _: 0.5)
    found = loads.measure(quick=True)
    assert found["figures"]["memory_bandwidth_bytes_per_s"] is None
    assert found["unavailable"] == {"memory_bandwidth_bytes_per_s": "MemoryError"}
    assert found["figures"]["one_core_s"] > 0
    json.dumps(found)


def test_repetitions_stop_when_the_time_is_up(monkeypatch):
    ran = []
    monkeypatch.setattr(loads, "BUDGET_S", -1.0)
    monkeypatch.setattr(loads, "one_core_s", lambda: ran.append("one_core_s") or 0.1)
    monkeypatch.setattr(loads, "page_fault_s", lambda: ran.append("page_fault_s") or 1e-6)
    monkeypatch.setattr(loads, "process_start_s", lambda: ran.append("process_start_s") or 0.01)
    monkeypatch.setattr(loads, "all_cores_s", lambda _: 0.1)
    monkeypatch.setattr(loads, "memory_bandwidth_bytes_per_s", lambda _: 1e10)
    loads.measure(quick=False)
    assert ran == ["one_core_s", "page_fault_s", "process_start_s"]


def test_pages_that_are_there_already_are_no_page_faults(monkeypatch):
    class Used:
        ru_minflt = 0

    monkeypatch.setattr(loads.resource, "getrusage", lambda _: Used())
    with pytest.raises(OSError, match="only 0 faults"):
        loads.page_fault_s()


def test_workers_leave_nobody_behind_when_one_dies(monkeypatch):
    started = []
    real = subprocess.Popen

    def dying(command, **options):
        process = real([command[0], "-c", ""], **options)
        started.append(process)
        return process

    monkeypatch.setattr(loads.subprocess, "Popen", dying)
    with pytest.raises(OSError, match="ended early"):
        loads.all_cores_s(1)
    assert started
    assert all(process.poll() is not None for process in started)


def test_the_worker_answers_each_line(monkeypatch, capsys):
    monkeypatch.setattr(loads.sys, "stdin", iter(["\n", "\n"]))
    monkeypatch.setattr(loads, "compute", lambda: 1)
    loads.work()
    assert capsys.readouterr().out.split() == ["ready", "done", "done"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "not readable"), ("[1]", "not readable"), ('{"figures": {"one_core_s": "fast"}}', "not readable")],
)
def test_output_that_is_not_ours(text, reason):
    figures, unavailable = parse_calibration(text)
    assert set(figures.values()) == {None}
    assert all(reason in unavailable[name] for name in METRICS)


def test_figures_that_are_missing_have_a_reason():
    text = '{"figures": {"one_core_s": 0.1, "page_fault_s": null}, "unavailable": {"page_fault_s": "no memory"}}'
    figures, unavailable = parse_calibration(text)
    assert figures["one_core_s"] == 0.1
    assert unavailable["page_fault_s"] == "no memory"
    assert "did not give" in unavailable["all_cores_s"]
    assert "one_core_s" not in unavailable


def test_a_calibration_that_cannot_run_gives_reasons(tmp_path, monkeypatch):
    assert "could not be started" in calibrate(str(tmp_path / "absent"))[1]["one_core_s"]
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no room' >&2\nexit 3\n")
    broken.chmod(0o755)
    assert "ended with 3: no room" in calibrate(str(broken))[1]["page_fault_s"]
    broken.write_text("#!/bin/sh\nexec sleep 30\n")
    monkeypatch.setattr(calibration, "LONGEST_S", 0.1)
    assert "longer than" in calibrate(str(broken))[1]["page_fault_s"]


def test_drift_is_a_change_in_speed_whichever_way_the_metric_counts():
    before = {"one_core_s": 1.0, "memory_bandwidth_bytes_per_s": 10e9, "page_fault_s": 1e-6, "all_cores_s": None}
    after = {"one_core_s": 1.25, "memory_bandwidth_bytes_per_s": 8e9, "page_fault_s": 1.05e-6, "all_cores_s": 1.0}
    found = drift(before, after)
    assert [(w.code, w.value) for w in found] == [
        ("calibration_drifted", pytest.approx(-0.2)),
        ("calibration_drifted", pytest.approx(-0.2)),
    ]
    assert found[0].message == "machine speed changed while measuring: one core 20.0 % slower at the end"
    (faster,) = drift({"one_core_s": 2.6}, {"one_core_s": 1.0})
    assert faster.message == "machine speed changed while measuring: one core 2.6x faster at the end"
    assert drift({}, after) == ()


def test_the_script_is_the_one_of_this_package():
    assert Path(loads.__file__) == SCRIPT
