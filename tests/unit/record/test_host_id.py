import subprocess
import sys

import pytest

from bench.record.host_id import class_hash, host_id
from bench.record.schema import HostClass
from tests.support.records import RYZEN, XEON, replace


def test_a_person_can_read_it():
    assert host_id(RYZEN).startswith("amd-ryzen-9-5950x-32t-125g-")
    assert host_id(XEON).startswith("intel-xeon-2t-8g-")


@pytest.mark.parametrize("model", ["Φ-CPU ☃ ½", "", None, "a" * 300, "../../etc", "x y\tz\n", "-rf"])
def test_it_is_a_safe_folder_name(model):
    name = host_id(HostClass(cpu_model=model))
    assert len(name) < 80
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not name.startswith("-")


@pytest.mark.parametrize("change", [{"microcode": "0xa2"}, {"kernel": "6.15"}, {"gpu": "H100"}, {"threads": 16}])
def test_every_part_of_the_class_counts(change):
    assert host_id(replace(RYZEN, **change)) != host_id(RYZEN)


def test_it_is_the_same_in_another_process_with_other_hash_seeds():
    code = (
        "from bench.record.host_id import host_id; from bench.record.schema import HostClass; "
        "print(host_id(HostClass(cpu_model='X', threads=3, kernel='6')))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert told == {host_id(HostClass(cpu_model="X", threads=3, kernel="6")) + "\n"}


def test_what_is_not_known_does_not_enter_the_hash():
    assert class_hash(HostClass(threads=3)) == class_hash(HostClass(threads=3, gpu=None))
    assert len(class_hash(HostClass())) == 64
