import json

from bench.host.kernel_files import CLASS_FILES, STATE_FILES, read_texts


def test_paths_are_those_of_the_machine_and_not_of_the_root(plant):
    root = plant({"/proc/loadavg": "0.50 0.40 0.30 1/100 4242", "/sys/hypervisor/type": "xen"})
    found = read_texts(("/proc/loadavg", "/sys/hypervisor/*", "/proc/absent"), root)
    assert found == {"/proc/loadavg": "0.50 0.40 0.30 1/100 4242", "/sys/hypervisor/type": "xen"}


def test_a_root_with_characters_of_a_pattern_is_taken_literally(tmp_path):
    root = tmp_path / "odd[1]*"
    (root / "proc").mkdir(parents=True)
    (root / "proc/loadavg").write_text("1.00 1.00 1.00 1/1 1\n")
    assert read_texts(("/proc/loadavg",), str(root)) == {"/proc/loadavg": "1.00 1.00 1.00 1/1 1"}


def test_empty_files_and_folders_have_no_entry(plant):
    root = plant({"/proc/pressure/cpu/inner": "x", "/proc/loadavg": ""})
    assert read_texts(("/proc/pressure/*", "/proc/loadavg"), root) == {}


def test_nothing_that_names_one_single_machine_is_kept(plant):
    root = plant(
        {
            "/proc/cpuinfo": "processor\t: 0\nmodel name\t: X\nflags\t\t: fpu sse2 hypervisor\n\n"
            "Hardware\t: BCM2835\nSerial\t\t: 10000000abcdef01",
            "/proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA L4\nIRQ:   \t\t 16\n"
            "GPU UUID: \t GPU-1f0c1c5f-0000-1111-2222-333344445555",
            "/proc/meminfo": "MemTotal: 1000 kB\nBuffers: 7 kB",
            "/proc/stat": "cpu  1 2 3 4 5 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\nbtime 1700000000",
        }
    )
    found = read_texts((*CLASS_FILES, *STATE_FILES), root)
    everything = json.dumps(found)
    assert "abcdef01" not in everything
    assert "UUID" not in everything
    assert "btime" not in everything
    assert found["/proc/cpuinfo"].splitlines() == ["processor\t: 0", "model name\t: X", "flags: hypervisor"]
    assert found["/proc/meminfo"] == "MemTotal: 1000 kB"
    assert found["/proc/driver/nvidia/gpus/0000:01:00.0/information"] == "Model: \t\t NVIDIA L4"
