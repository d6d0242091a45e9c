"""The host at one moment: what is seen of this machine, and what nobody can see of another."""

from bench.record.schema import HostState
from bench.run.host_snapshot import ELSEWHERE, NOT_ASKED, existing, host_class, take_snapshot, unseen


def test_this_machine_is_seen_by_its_probes(probes, stand_in, tmp_path):
    seen = take_snapshot(probes, stand_in, tmp_path / "not" / "there", calibration=True)
    assert (seen.state.load, seen.state_unavailable) == (0.1, {"governor": "a VM"})
    assert (seen.calibration, seen.calibration_unavailable) == ({"one_core_s": 0.1}, {"pressure": "no such file"})
    assert (seen.system_load, seen.disk_usage) == ("lscpu\n", f"disk of {tmp_path}\n")


def test_without_being_asked_nobody_calibrates(probes, stand_in, tmp_path):
    seen = take_snapshot(probes, stand_in, tmp_path, calibration=False)
    assert (seen.calibration, seen.calibration_unavailable) == ({}, {"": NOT_ASKED})
    assert probes.calibrate()[0] == {"one_core_s": 0.1}


def test_another_machine_is_not_described_by_this_one(probes, stand_in, tmp_path):
    stand_in.remote = True
    assert take_snapshot(probes, stand_in, tmp_path, calibration=True) == unseen(ELSEWHERE)
    known, missing = host_class(probes, stand_in)
    assert (known.threads, known.memory_bytes, known.cpu_model) == (2, 16 * 1024**3, None)
    assert missing["cpu_model"] == ELSEWHERE
    assert "threads" not in missing


def test_what_nobody_saw_is_null_with_its_reason():
    seen = unseen("no engine answers")
    assert seen.state == HostState()
    assert set(seen.state_unavailable) == set(HostState.__struct_fields__)
    assert seen.system_load == "# not looked at: no engine answers\n"


def test_the_nearest_folder_that_exists(tmp_path):
    assert existing(tmp_path) == tmp_path
    assert existing(tmp_path / "a" / "b") == tmp_path
