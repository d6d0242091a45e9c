"""Docker's SDK is not there: in a process of its own, since this one has imported it."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bench.record.schema import Record

ROOT = Path(__file__).parents[3]
PREFACE = """
import sys
for name in ("docker", "requests", "urllib3"):
    sys.modules[name] = None
"""


@pytest.fixture
def without_sdk(tmp_path):
    """Run code in a Python in which Docker's SDK cannot be imported; what it prints."""

    def run(code: str, **environ: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "BENCH_"))}
        folders = {"XDG_STATE_HOME": str(tmp_path / "state"), "BENCH_LOCK_FOLDER": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", PREFACE + code],
            cwd=ROOT,
            env={**kept, **folders, **environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    return run


def test_the_local_engine_does_without_it(without_sdk):
    said = without_sdk("""
from bench.engine.choose import choose
print(type(choose("local", None, print)).__name__)
print(type(choose("auto", None, print)).__name__)
""")
    assert said.splitlines() == [
        "LocalEngine",
        "measuring on this host itself, without a container: Docker's SDK for Python is not installed",
        "LocalEngine",
    ]


@pytest.mark.parametrize("asked", ["'docker', None", "'auto', 'ssh://me@lab'"])
def test_whoever_asks_for_docker_is_told_what_to_install(without_sdk, asked):
    said = without_sdk(f"""
from bench.engine.choose import choose
from bench.errors import NotMeasured
try:
    choose({asked}, print)
except NotMeasured as error:
    print(error)
""")
    assert said == (
        "Docker's SDK for Python is not installed; install it with 'pip install docker', or use --engine local\n"
    )


def test_an_engine_that_cannot_be_asked_has_an_address_and_a_machine_all_the_same(without_sdk):
    said = without_sdk("""
import os
from bench.engine.absent import AbsentEngine
from bench.errors import NotMeasured
for host in (None, "tcp://me:secret@lab:2376"):
    absent = AbsentEngine(NotMeasured("no SDK"), host=host)
    print(absent.name, absent.address, absent.remote, repr(absent.machine))
os.environ["DOCKER_HOST"] = "tcp://127.0.0.1:2375"
absent = AbsentEngine(NotMeasured("no SDK"))
print(absent.address, absent.remote, repr(absent.machine))
""")
    assert said.splitlines() == [
        "docker unix:///var/run/docker.sock False ''",
        "docker tcp://me:[redacted]@lab:2376 True 'lab'",
        "tcp://127.0.0.1:2375 True ''",
    ]


def test_an_error_inside_of_ours_is_not_taken_for_a_missing_sdk(without_sdk):
    said = without_sdk("""
from bench.engine.docker.sdk import load_client
sys.modules["bench.engine.docker.client"] = None
try:
    load_client()
except ModuleNotFoundError as error:
    print(error.name)
""")
    assert said == "bench.engine.docker.client\n"


def test_doctor_and_a_run_in_docker_say_it_plainly(without_sdk, tmp_path):
    command = "from bench.cli import main\nprint('exit', main(%r), file=sys.stderr, flush=True)"
    doctor = without_sdk(command % (["doctor", "--json", "--results", str(tmp_path / "results")],))
    assert "Docker's SDK for Python is not installed; the local engine serves" in doctor or (
        "Docker's SDK for Python is not installed, and the local engine finds neither" in doctor
    )
    assert "\"install it with 'pip install docker', or use --engine local\"" in doctor
    run = without_sdk(
        command % (["run", "bandwidth_cpu", "--profile", "smoke", "--engine", "docker", "--results", str(tmp_path)],)
    )
    assert "Docker's SDK for Python is not installed" in run
    assert "exit 6" in run.splitlines()


def test_a_whole_run_needs_none(without_sdk, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_one.py").write_text("def test_passes():\n    pass\n")
    said = without_sdk(f"""
import bench.engine.local.engine as module
from bench.cli import main
from bench.engine.assets import agent_folder, diagnostics_folder
from bench.engine.protocol import Place
from bench.record.schema import Environment

environment = Environment(sys.version, None, "0" * 64, "1" * 64)
place = Place(sys.executable, str(agent_folder()), str(diagnostics_folder()), "here", environment=environment)
module.prepare_environment = lambda need, notify: place  # this very Python: nothing is installed for a test
words = ["run", "--project", {str(project)!r}, "--node", "test_one.py::test_passes", "--engine", "local"]
print("exit", main([*words, "--no-calibration", "--results", {str(tmp_path / "results")!r}]))
""")
    assert "exit 0" in said.splitlines()
    (file,) = (tmp_path / "results").glob("*/*/*/record.json")
    record = msgspec.json.decode(file.read_bytes(), type=Record)
    assert (record.engine.name, record.outcome, [test.outcome for test in record.runs[0].tests]) == (
        "local",
        "passed",
        ["passed"],
    )
