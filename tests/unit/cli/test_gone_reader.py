"""A reader who goes away ends no command: the run goes on, its bundle is written, and its exit code is its own."""

import io
import os
import pty
import sys

import pytest

from bench.cli import output
from bench.cli.output import notify, print_json
from bench.record.storage.find import find_bundles


def only(results):
    (bundle,) = find_bundles(str(results))
    return bundle


def closed_pipe():
    """A stream of a process whose reader has gone: every write that gets through is EPIPE."""
    read, write = os.pipe()
    os.close(read)
    return open(write, "w", encoding="utf-8", buffering=1)  # noqa: PTH123


def closed_terminal():
    """A stream to a terminal that was closed: every write is EIO."""
    master, slave = pty.openpty()
    os.close(master)
    return open(slave, "w", encoding="utf-8", buffering=1)  # noqa: PTH123


@pytest.fixture(params=[closed_pipe, closed_terminal])
def gone(request):
    with request.param() as made:
        yield made


@pytest.mark.parametrize(("outcome", "code"), [("failed", 3), ("passed", 0)])
def test_a_run_that_nobody_listens_to_keeps_its_evidence_and_code(
    engine, handed, monkeypatch, capsys, tmp_path, gone, outcome, code
):
    engine.outcomes = [outcome]
    monkeypatch.setattr(sys, "stderr", gone)
    monkeypatch.setattr("bench.cli.progress.PLAIN_EVERY_S", 0.0)  # events are said too
    assert handed.main(["run", "grad_cpu", "--results", str(tmp_path / "r")]) == code
    assert only(tmp_path / "r").record.outcome == outcome
    assert "grad_cpu" in capsys.readouterr().out  # rich would have silenced standard output instead


@pytest.mark.parametrize("words", [[], ["--json"]])
@pytest.mark.parametrize(("outcome", "code"), [("failed", 3), ("passed", 0)])
def test_a_result_that_nobody_reads_keeps_its_code(engine, handed, monkeypatch, tmp_path, gone, words, outcome, code):
    engine.outcomes = [outcome]
    monkeypatch.setattr(sys, "stdout", gone)
    assert handed.main(["run", "grad_cpu", "--results", str(tmp_path / "r"), *words]) == code
    assert only(tmp_path / "r").record.outcome == outcome


def test_a_live_line_on_a_terminal_that_closes_costs_nothing(engine, handed, monkeypatch, tmp_path):
    master, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8", buffering=1) as terminal:  # noqa: PTH123
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        execute = engine.execute
        monkeypatch.setattr(engine, "execute", lambda *words: (os.close(master), execute(*words))[1])
        assert handed.main(["run", "grad_cpu", "--results", str(tmp_path / "r")]) == 0
    assert only(tmp_path / "r").record.outcome == "passed"


def test_a_command_without_streams_runs(engine, handed, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert handed.main(["run", "grad_cpu", "--results", str(tmp_path / "r")]) == 0
    for one in (sys.stdout, sys.stderr):
        one.close()
    assert only(tmp_path / "r").record.outcome == "passed"


class Full(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")

    def fileno(self):
        return self.where


def test_progress_may_be_lost_on_a_full_disk_and_a_result_may_not(monkeypatch, tmp_path):
    with (tmp_path / "log").open("w") as log:
        full = Full()
        full.where = log.fileno()
        monkeypatch.setattr(sys, "stderr", full)
        notify("a line")
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(OSError, match="No space"):
            print_json({})


def test_a_connection_that_breaks_is_not_taken_for_a_reader_that_went(engine, handed, capsys, tmp_path):
    engine.outcomes = [BrokenPipeError(32, "Broken pipe")]
    assert handed.main(["run", "grad_cpu", "--results", str(tmp_path / "r")]) == 6
    assert "connection broke" in capsys.readouterr().err


def test_a_pipe_tells_whether_it_has_a_reader():
    read, write = os.pipe()
    with open(write, "w", encoding="utf-8") as made:  # noqa: PTH123
        assert output.has_reader(made)
        os.close(read)
        assert not output.has_reader(made)
