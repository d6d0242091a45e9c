import signal
import subprocess
import sys
import threading
from pathlib import Path

from bench.fleet.cells import Cell
from bench.fleet.engines import run_on_engines
from bench.fleet.legs import UNBEGUN, Leg

PYTHON = (sys.executable, "-c")
"""Runs a program in place of bench: the first word of a leg."""
LEASHED = "from bench.cli.start.leashed import leash; leash(); from bench.cli.start.startup import ready; ready()\n"


def lane(host, *codes):
    return tuple(Leg(host, Cell(str(at)), (code,)) for at, code in enumerate(codes))


def test_hosts_run_at_the_same_time(monkeypatch, tmp_path):
    """Each of two ends only once the other has begun."""
    monkeypatch.setenv("BENCH_LOCK_FOLDER", "/locks")
    said = []
    code = (
        "import json,os,pathlib,sys,time; here = pathlib.Path({!r}); (here / '{}').touch(); end = time.monotonic() + 60\n"
        "while not (here / '{}').exists() and time.monotonic() < end: time.sleep(0.01)\n"
        "sys.exit('was alone') if time.monotonic() >= end else None\n"
        "print(os.environ['BENCH_LOCK_FOLDER'], file=sys.stderr); print(json.dumps({{'path': '/r/{}'}}))"
    )
    a, b = (code.format(str(tmp_path), own, other, own) for own, other in ("ab", "ba"))
    ends = [*run_on_engines([lane("a", a), lane("b", b), lane("c", "raise SystemExit(6)")], said.append, PYTHON)]
    assert sorted((end.host, end.exit_code, str(end.bundle)) for end in ends) == [
        ("a", 0, "/r/a"),
        ("b", 0, "/r/b"),
        ("c", 6, "None"),
    ]
    assert sorted(said) == ["a: /locks", "b: /locks"]  # whoever measures on those machines from here waits for them
    assert {end.said for end in ends} == {"/locks", ""}


def test_the_legs_of_a_host_run_one_after_the_other(tmp_path):
    alone = f"import pathlib; p = pathlib.Path({str(tmp_path)!r}, 'busy'); p.mkdir(); p.rmdir()"
    ends = [*run_on_engines([lane("a", alone, alone, alone)], print, PYTHON)]
    assert [(end.cell.key, end.exit_code) for end in ends] == [("0", 0), ("1", 0), ("2", 0)]


def test_a_leg_that_cannot_be_started_is_named(tmp_path):
    (end,) = run_on_engines([lane("a", "")], print, (str(tmp_path / "nothing"),))
    assert (end.exit_code, end.bundle) == (6, None)
    assert "could not be started: No such file" in end.said


SCRIPT = """
import sys
from bench.fleet.cells import Cell
from bench.fleet.engines import run_on_engines
from bench.fleet.legs import UNBEGUN, Leg
lanes = [[Leg(host, Cell("x"), (sys.argv[1],)), Leg(host, Cell("y"), (sys.argv[1],))] for host in "ab"]
say = lambda line: print(line + chr(10), end="", flush=True)  # one write a line, as two legs say theirs
print(sorted((e.host, e.cell.key, e.exit_code, str(e.bundle), e.said) for e in run_on_engines(lanes, say, sys.argv[2:])))
"""


def fleet(code):
    command = [sys.executable, "-c", SCRIPT, code, *PYTHON]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


# A signal that comes just before a system call is seen after it: these legs sleep in small pieces.


def test_ctrl_c_reaches_each_leg_and_what_has_not_begun_never_does():
    code = LEASHED + (
        "import json,sys,time\ntry:\n print('up', file=sys.stderr, flush=True)\n"
        " for _ in range(9000): time.sleep(0.01)\nexcept KeyboardInterrupt: print(json.dumps({'path': '/kept'})); sys.exit(130)"
    )
    with fleet(code) as process:
        watchdog = threading.Timer(80, process.kill)
        watchdog.start()
        assert {process.stdout.readline().strip() for _ in "ab"} == {"a: up", "b: up"}
        process.send_signal(signal.SIGINT)
        last = process.stdout.read().splitlines()[-1]
        watchdog.cancel()
    kept = [(host, "x", 130, "/kept", "up") for host in "ab"]
    assert last == str(sorted([*kept, *[(host, "y", 130, "None", UNBEGUN) for host in "ab"]]))


def test_a_killed_fleet_leaves_no_leg_and_each_keeps_its_evidence(tmp_path):
    code = (
        f"{LEASHED}import os,pathlib,sys,time\ntry:\n print('up', file=sys.stderr, flush=True)\n"
        f" for _ in range(9000): time.sleep(0.01)\nexcept KeyboardInterrupt: pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()"
    )
    with fleet(code) as process:
        watchdog = threading.Timer(80, process.kill)
        watchdog.start()
        assert {process.stdout.readline().strip() for _ in "ab"} == {"a: up", "b: up"}
        process.kill()
        assert process.stdout.read() == ""
        watchdog.cancel()
    wait_for(lambda: len([*tmp_path.iterdir()]) == 2)
    wait_for(lambda: not any(runs(kept.name) for kept in tmp_path.iterdir()))


def runs(pid):
    """Whether a process has not ended; it may still be there for whoever adopted it, and is in no hurry to see its end."""
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(true, tries=8000):
    pause = threading.Event()
    assert any(true() or pause.wait(0.01) for _ in range(tries))
