"""Small evidence folders made here: a run of one test on a machine that does not exist."""

from __future__ import annotations

NODE = "tests/test_a.py::TestWave::test_property_gradient_stability"

TIME = """\tCommand being timed: "timeout 300 env CUDA_VISIBLE_DEVICES=-1 OMP_NUM_THREADS=4 PYTEST_ADDOPTS=--maxfail=1 --timeout=250 pytest -vv {node}"
\tUser time (seconds): 100.25
\tSystem time (seconds): 20.50
\tPercent of CPU this job got: 190%
\tElapsed (wall clock) time (h:mm:ss or m:ss): 1:03.50
\tAverage shared text size (kbytes): 0
\tMaximum resident set size (kbytes): 2048
\tAverage resident set size (kbytes): 0
\tMajor (requiring I/O) page faults: 3
\tMinor (reclaiming a frame) page faults: 4000
\tVoluntary context switches: 50
\tInvoluntary context switches: 6
\tSwaps: 0
\tFile system inputs: 8
\tFile system outputs: 16
\tPage size (bytes): 4096
\tExit status: 0
""".replace("{node}", NODE)

LOG = f"""============================= test session starts ==============================
platform linux -- Python 3.12.4, pytest-8.0.0, pluggy-1.5.0 -- /opt/python
timeout: 250.0s
timeout method: signal
collecting ... collected 1 item

{NODE} PASSED [100%]

============================== slowest durations ===============================
61.50s call     {NODE}
0.20s setup    {NODE}
0.10s teardown {NODE}
======================== 1 passed in 62.10s (0:01:02) =========================
"""

JUNIT = (
    '<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" errors="0" failures="0" skipped="0" tests="1" '
    'time="62.104" timestamp="2024-03-01T10:00:05.5+02:00" hostname="h"><testcase classname="tests.test_a.TestWave" '
    'name="test_property_gradient_stability" time="61.804" /></testsuite></testsuites>'
)

LSCPU = """Architecture:                            x86_64
CPU(s):                                  8
Model name:                              Imaginary 9 Processor
Thread(s) per core:                      2
Core(s) per socket:                      2
Socket(s):                               2
Stepping:                                7
Frequency boost:                         enabled
NUMA node(s):                            2
"""

SYSTEM = (
    LSCPU
    + """
analyzing CPU 3:
  current policy: frequency should be within 1.75 GHz and 5.09 GHz.
                  The governor "powersave" may decide which speed to use
  current CPU frequency: 2.50 GHz (asserted by call to kernel)
    Active: yes
sensors command unavailable
"""
)

TORCH = f"""Collecting environment information...
PyTorch version: 2.7.1+cpu
OS: Imaginary Linux

Python version: 3.12.4 | packaged | (main)
Python platform: Linux-6.1.0-9-amd64-x86_64-with-glibc2.36
GPU models and configuration: GPU 0: Imaginary GPU
GPU 1: Imaginary GPU
Nvidia driver version: Could not collect

CPU:
{LSCPU}
Versions of relevant libraries:
[pip3] numpy==2.0.0
[pip3] torch==2.7.1
"""

COMMANDS = f'timeout 300 env CUDA_VISIBLE_DEVICES=-1 OMP_NUM_THREADS=4 PYTEST_ADDOPTS="--maxfail=1 --timeout=250" pytest -vv {NODE}\n'

FLAT = {
    "time.txt": TIME,
    "pytest.log": LOG,
    "exit_code.txt": "0\n",
    "commands.txt": COMMANDS,
    "torch_env.txt": TORCH,
}

TREE = {
    "artifacts/time.txt": TIME,
    "artifacts/exit_code.txt": "0\n",
    "artifacts/pytest.junit.xml": JUNIT,
    "env/system_load.txt": SYSTEM,
    "env/torch_env.txt": TORCH,
    "env/disk_usage.txt": "Filesystem Size\n",
    "logs/pytest.log": LOG,
}
