"""`bench.run` is the command `bench run` in a process of its own."""

import io
import signal

import msgspec
import pytest
import typer.main

import bench
from bench.api import running
from bench.api.running import Options, arguments
from bench.cli.app import load_verbs
from bench.errors import NotMeasured, UsageError
from bench.record.storage.bundle import write_bundle
from tests.support.records import make_record


def test_options_are_those_of_the_command():
    command = typer.main.get_command(load_verbs()).commands["run"]
    there = {word.removeprefix("--").replace("-", "_") for one in command.params for word in one.opts}
    assert there - Options.__annotations__.keys() == {"results", "json", "quiet", "_q", "fail_on"}
    assert Options.__annotations__.keys() <= there


@pytest.mark.parametrize(
    ("what", "options", "words"),
    [
        (
            "grad_cpu",
            {"repeat": 3, "timeout": 0.5, "host": None},
            ["grad_cpu", "--repeat", "3", "--timeout", "0.500000000"],
        ),
        (["a", "--b"], {"name": "a_cpu", "shell": False}, ["--name", "a_cpu", "--", "a", "--b"]),
        (
            None,
            {"node": "t.py::t", "calibration": False, "profiler": True},
            ["--node", "t.py::t", "--no-calibration", "--profiler"],
        ),
        ("x", {"env": {"A": "1", "B": "x y"}, "work": True}, ["x", "--env", "A=1", "--env", "B=x y", "--work"]),
    ],
)
def test_words_of_the_command_line(what, options, words):
    made = arguments(what, "there", options)
    assert made[0] == "run"
    assert [word for word in made[1:] if word not in ("--json", "--results", "there")] == words


def test_an_option_that_there_is_not_is_refused_before_anything_runs():
    with pytest.raises(UsageError, match="'repeats' is no option of a run"):
        bench.run("grad_cpu", repeats=3)


def test_what_no_process_can_be_given_is_refused_before_one_is_made():
    for what, options in ((["a\0"], {}), ("grad_cpu", {"env": {"A": "\0"}})):
        with pytest.raises(UsageError, match="NUL"):
            bench.run(what, **options)


def told(monkeypatch, out, code):
    class Process:
        returncode = code

        def __init__(self, command, **_):
            self.command = command

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def communicate(self):
            return io.BytesIO(out).read(), None

    monkeypatch.setattr(running.subprocess, "Popen", Process)


def test_the_result_is_the_bundle_that_was_written_however_it_ended(monkeypatch, tmp_path):
    path = write_bundle(tmp_path, make_record(outcome="failed"), {})
    told(monkeypatch, msgspec.json.encode({"path": str(path), "record": {}}), 3)
    result = bench.run("grad_cpu", results=tmp_path)
    assert (result.path, result.outcome) == (path, "failed")


def test_ctrl_c_goes_to_the_command_and_then_on(monkeypatch, tmp_path):
    path = write_bundle(tmp_path, make_record(outcome="interrupted"), {})
    told(monkeypatch, msgspec.json.encode({"path": str(path)}), 130)
    answer, seen = running.subprocess.Popen.communicate, []

    def struck(process):
        if not seen:
            raise KeyboardInterrupt
        return answer(process)

    monkeypatch.setattr(running.subprocess.Popen, "communicate", struck)
    monkeypatch.setattr(running.subprocess.Popen, "send_signal", lambda _, number: seen.append(number), raising=False)
    with pytest.raises(KeyboardInterrupt):
        bench.run("grad_cpu")
    assert seen == [signal.SIGINT]


@pytest.mark.parametrize(
    ("out", "code", "kind", "says"),
    [
        (b'{"error": {"what": "no", "cause": "why", "fix": "do"}, "exit_code": 2}', 2, UsageError, "no: why; do"),
        (b'{"error": {"what": "no", "cause": null, "fix": null}, "exit_code": 6}', 6, NotMeasured, "no"),
        (b"", -9, NotMeasured, "bench ended with -9 and named no bundle"),
    ],
)
def test_what_kept_it_from_a_bundle_is_raised(monkeypatch, out, code, kind, says):
    told(monkeypatch, out, code)
    with pytest.raises(kind) as raised:
        bench.run("grad_cpu")
    assert str(raised.value) == says
