import json
import signal
import subprocess
import sys
import threading

import pytest

from bench.errors import UsageError
from bench.fleet.legs import Leg, plan_legs
from bench.fleet.run import parse_bundle, run_legs


def test_each_host_gets_its_command(tmp_path):
    one, two = plan_legs("grad_cpu", ["ssh://a", "tcp://b:2376"], ["--profile", "smoke"], tmp_path)
    assert one.argv[-2:] == ("--host", "ssh://a")
    assert two.argv[-2:] == ("--host", "tcp://b:2376")
    assert one.argv[1:5] == ("-m", "bench", "run", "grad_cpu")
    assert "--json" in one.argv
    assert "smoke" in one.argv


@pytest.mark.parametrize(
    ("hosts", "options"),
    [([], []), (["ssh://a", "ssh://a"], []), (["ssh://a"], ["--results=x"]), (["ssh://a"], ["--json"])],
)
def test_what_makes_no_fleet_is_refused(tmp_path, hosts, options):
    with pytest.raises(UsageError):
        plan_legs("grad_cpu", hosts, options, tmp_path)


def leg(host, code):
    return Leg(host, (sys.executable, "-c", code))


def test_legs_run_at_the_same_time(monkeypatch, tmp_path):
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
    ends = run_legs([leg("a", a), leg("b", b), leg("c", "raise SystemExit(6)")], said.append)
    assert [(end.host, end.exit_code, str(end.bundle)) for end in ends] == [
        ("a", 0, "/r/a"),
        ("b", 0, "/r/b"),
        ("c", 6, "None"),
    ]
    assert sorted(said) == ["a: /locks", "b: /locks"]  # whoever measures on those machines from here waits for them
    assert ends[0].said in said[0] + said[1]


def test_ctrl_c_reaches_each_leg_once_and_its_end_is_awaited(tmp_path):
    code = (
        "import json,sys,time\nprint('up', file=sys.stderr, flush=True)\n"
        "try: time.sleep(30)\nexcept KeyboardInterrupt: print(json.dumps({'path': '/kept'})); sys.exit(130)"
    )
    script = (
        "import sys; from bench.fleet.legs import Leg; from bench.fleet.run import run_legs\n"
        f"legs=[Leg(h,(sys.executable,'-c',{code!r})) for h in 'ab']\n"
        "say = lambda line: print(line + chr(10), end=str(), flush=True)\n"  # one write a line, as two legs say theirs
        "print([(e.exit_code, str(e.bundle)) for e in run_legs(legs, say)])"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(25, process.kill)
        watchdog.start()
        assert {process.stdout.readline().strip() for _ in "ab"} == {"a: up", "b: up"}
        process.send_signal(signal.SIGINT)
        last = process.stdout.read().splitlines()[-1]
        watchdog.cancel()
    assert last == "[(130, '/kept'), (130, '/kept')]"


@pytest.mark.parametrize("output", [b"", b"{", b"[]", b'{"path": 3}', b"\xff"])
def test_output_that_names_no_bundle(output):
    assert parse_bundle(output) is None
    assert str(parse_bundle(json.dumps({"path": "/a"}).encode())) == "/a"
