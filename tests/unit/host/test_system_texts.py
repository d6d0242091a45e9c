import re

import pytest

from bench.host import system_texts
from bench.host.system_texts import (
    frequency_policies,
    read_disk_usage,
    read_system_load,
    run_command,
    temperatures,
    without_servers,
)

POLICY = "/sys/devices/system/cpu/cpufreq/policy"


def policies(count, **different):
    texts = {}
    for cpu in range(count):
        texts |= {
            f"{POLICY}{cpu}/affected_cpus": f"{cpu}",
            f"{POLICY}{cpu}/scaling_driver": "amd-pstate-epp",
            f"{POLICY}{cpu}/scaling_governor": different.get(f"cpu{cpu}", "powersave"),
            f"{POLICY}{cpu}/energy_performance_preference": "balance_performance",
            f"{POLICY}{cpu}/cpuinfo_min_freq": "550000",
            f"{POLICY}{cpu}/cpuinfo_max_freq": "5086000",
            f"{POLICY}{cpu}/scaling_min_freq": "1750000",
            f"{POLICY}{cpu}/scaling_max_freq": "5086000",
            f"{POLICY}{cpu}/scaling_cur_freq": f"{3000000 + cpu * 100000}",
        }
    return texts


def test_cpus_with_the_same_policy_stand_under_one_heading():
    text = frequency_policies(policies(12) | {"/sys/devices/system/cpu/cpufreq/boost": "1"})
    assert text.splitlines() == [
        "frequency policy of CPUs 0-11:",
        "  driver: amd-pstate-epp",
        "  governor: powersave",
        "  hardware limits: 0.55 GHz to 5.09 GHz",
        "  policy: 1.75 GHz to 5.09 GHz",
        "  energy performance preference: balance_performance",
        "  now: 3.00 GHz to 4.10 GHz",
        "  boost: 1",
    ]


def test_a_cpu_with_another_policy_stands_apart():
    text = frequency_policies(policies(4, cpu2="performance"))
    assert "CPUs 0-1,3:" in text
    assert "CPUs 2:" in text


def test_a_policy_of_several_cpus_and_little_else():
    text = frequency_policies({f"{POLICY}0/affected_cpus": "0 1 2 3", f"{POLICY}0/scaling_governor": "ondemand"})
    assert "CPUs 0-3:" in text
    assert "hardware limits: not known to not known" in text
    assert "now:" not in text


def test_a_machine_without_frequency_control_says_so():
    assert "no frequency control" in frequency_policies({})


def test_temperatures_by_driver_and_label():
    hwmon = "/sys/class/hwmon/hwmon3"
    texts = {
        f"{hwmon}/name": "k10temp",
        f"{hwmon}/temp1_input": "48500",
        f"{hwmon}/temp1_label": "Tctl",
        f"{hwmon}/temp2_input": "broken",
        f"{hwmon}/temp3_input": "41250",
    }
    assert temperatures(texts).splitlines() == [
        "temperatures (hwmon):",
        "  k10temp Tctl: 48.5 °C",
        "  k10temp temp3: 41.2 °C",
    ]
    assert temperatures({}) == "temperatures: the kernel gives none"


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Puts a script on the path, alone with the shell."""

    def make(name, body):
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path))
    return make


def test_a_missing_command_leaves_a_line_and_stops_nothing(command):
    command("lscpu", "echo 'Model name: X'; echo \"locale $LC_ALL\"")
    text = read_system_load()
    assert "Model name: X" in text
    assert "locale C" in text
    assert "sensors: not installed on this machine" in text
    assert re.search(r"load average \(1, 5, 15 min\): \d+\.\d+ \d+\.\d+ \d+\.\d+", text)


def test_a_command_that_fails_hangs_or_is_no_program_says_why(command, monkeypatch):
    command("failing", "echo 'No sensors found!' >&2; exit 1")
    command("silent", "exit 0")
    command("hanging", "read line < /dev/zero")
    assert run_command(("failing",)) == "failing: ended with 1: No sensors found!"
    assert run_command(("silent",)) == "silent: ended with 0: no output"
    monkeypatch.setattr(system_texts, "LONGEST_S", 0.2)
    assert run_command(("hanging",)) == "hanging: no answer within 0 s"
    monkeypatch.setattr(system_texts.shutil, "which", lambda name: f"/nonexistent/{name}")
    assert run_command(("lost",)) == "lost: could not be started: No such file or directory"


def test_output_that_is_no_text_is_kept_as_far_as_it_goes(command):
    command("odd", "printf 'a\\377b\\n'")
    assert run_command(("odd",)) == "a\ufffdb\n"


def test_the_disk_of_a_folder_that_is_still_to_be_made(tmp_path):
    text = read_disk_usage(tmp_path / "not" / "yet")
    assert text.startswith("Filesystem")
    assert re.search(r"\d+%", text)


def test_a_file_server_is_not_named():
    table = (
        "Filesystem           Size  Used Avail Use% Mounted on\n"
        "nas.example.org:/home  1T  1G  1T  1% /home\n"
        "//server/share         1T  1G  1T  1% /mnt\n"
        "me@host:/data          1T  1G  1T  1% /data\n"
        "/dev/nvme0n1p2       457G  358G   76G  83% /\n"
    )
    text = without_servers(table)
    assert "nas" not in text
    assert "server" not in text
    assert "me@" not in text
    assert text.count("(network)") == 3
    assert "/dev/nvme0n1p2" in text
