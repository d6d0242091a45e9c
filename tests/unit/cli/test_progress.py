import shutil
import time

import pytest

from bench.catalog.load import builtin, find
from bench.cli import output
from bench.cli.output import Console, Held
from bench.cli.progress import Now, Progress, busy
from bench.lines import Passing
from bench.record.schema import Run, Source
from bench.run.plan import Options, make_plan
from bench.run.result.reading import Reading


def test_the_line_says_where_a_run_stands():
    now = Now("grad_cpu", of=25, index=5, began=0.0, cpu_ratio=1.93, memory_bytes=512 * 1024**2)
    assert now.line(60.0) == "grad_cpu · test 6 of 25 · 1:00 · CPU 193 % · 512.00 MiB · about 4:00 to go"


@pytest.mark.parametrize(("index", "of"), [(0, 25), (25, 25), (0, 0)])
def test_no_estimate_before_the_first_test_or_after_the_last(index, of):
    assert "to go" not in Now("grad_cpu", of=of, index=index, began=0.0).line(60.0)


def test_a_long_rendering_says_on_a_pipe_that_it_lives(capsys, monkeypatch):
    monkeypatch.setattr(Console, "quiet", False)
    monkeypatch.setattr("bench.cli.progress.PLAIN_EVERY_S", 0.0)
    with busy("making page.html"):
        time.sleep(0.3)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("making page.html: 0 s so far\n")
    time.sleep(0.2)
    assert capsys.readouterr().err == "", "it goes on after the end"
    monkeypatch.setattr(Console, "quiet", True)
    with busy("making page.html"):
        time.sleep(0.2)
    assert capsys.readouterr().err == ""


def test_held_lines_come_before_the_first_that_is_said(capsys, monkeypatch):
    monkeypatch.setattr(Console, "quiet", False)
    held = Held()
    held.hold("engine")
    assert capsys.readouterr().err == ""
    held.notify("building")
    held.release()
    assert capsys.readouterr().err == "engine\nbuilding\n"


def test_a_signature_is_said_without_its_secrets(capsys, monkeypatch):
    monkeypatch.setattr(Console, "quiet", False)
    monkeypatch.setenv("MY_API_KEY", "swordfish-nine")
    diagnostic = find(builtin(), "grad_cpu")
    plan = make_plan(diagnostic, Options(env={"DB_PASSWORD": "sesame-eleven"}), Source("catalog"))
    run = Run(
        0, "failed", signature="test_x.py::test_y: AssertionError: swordfish-nine, sesame-eleven, token=abc9def7zq1"
    )
    progress = Progress()
    progress.run_begins(plan, 0)
    progress.run_ended(Reading(run, {}))
    said = capsys.readouterr().err
    assert "test_x.py::test_y: AssertionError: [redacted" in said
    assert not any(secret in said for secret in ("swordfish", "sesame", "abc9def7"))


def followed(monkeypatch, quiet=False):
    """A progress that follows a run, and what is on its line after each thing that happens."""
    monkeypatch.setattr(Console, "quiet", quiet)
    progress = Progress()
    progress.run_begins(make_plan(find(builtin(), "grad_cpu"), Options(), Source("catalog")), 0)
    return progress, lambda: progress._text().plain


def test_after_the_last_test_the_line_says_what_is_being_done(monkeypatch):
    progress, line = followed(monkeypatch)
    progress.event({"event": "collected", "tests": 1})
    assert line() == "grad_cpu · test 1 of 1 · 0:00"
    said = []
    for event in ("ended", "describing"):
        progress.event({"event": event})
        said.append(line())
    assert said == ["grad_cpu · copying out · 0:00", "grad_cpu · describing the environment · 0:00"]
    progress.run_ended(Reading(Run(0, "passed", wall_s=1.0), {}))
    with progress.doing("calibrating"):
        assert line() == "grad_cpu · calibrating · 0:00"
    progress.run_begins(make_plan(find(builtin(), "grad_cpu"), Options(), Source("catalog")), 0)
    assert line() == "grad_cpu · 0:00", "a new run begins anew"


@pytest.mark.parametrize("quiet", [False, True])
def test_a_pipe_hears_of_the_calibration_alone(capsys, monkeypatch, quiet):
    monkeypatch.setattr(Console, "quiet", quiet)
    progress, begun = Progress(lambda: begun.append(1)), []
    with progress.doing("calibrating"):
        pass
    with progress.doing("looking at the host"):
        pass
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "" if quiet else "calibrating\n")
    assert begun, "what was held back comes before it"


def test_a_fault_while_the_host_is_looked_at_leaves_the_line_as_it_was(monkeypatch):
    progress, line = followed(monkeypatch)
    with pytest.raises(ZeroDivisionError), progress.doing("calibrating"):
        raise ZeroDivisionError
    assert line() == "grad_cpu · 0:00"


def test_many_steps_are_one_line_on_a_terminal_and_few_on_a_pipe(monkeypatch, capsys):
    clock = iter(range(0, 100, 2))
    monkeypatch.setattr(output.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(output, "_passing", output._Passing())
    for step in range(1, 21):
        output.notify(Passing(f"Step {step}/20 : RUN x"))
    output.notify("done")
    assert capsys.readouterr().err.splitlines() == [
        "Step 1/20 : RUN x",
        "Step 9/20 : RUN x",
        "Step 17/20 : RUN x",
        "done",
    ]
    monkeypatch.setattr(output.sys.stderr, "isatty", lambda: True)
    for step in (1, 2):
        output.notify(Passing(f"Step {step}/2 : RUN \x1b[2J{'x' * 200}"))
    wide = shutil.get_terminal_size().columns - 1
    first, second = capsys.readouterr().err.split("\r")[1:]
    assert [first[:7], second[:7]] == ["Step 1/", "Step 2/"]
    assert all(len(line.removesuffix("\x1b[K")) == wide and "\x1b[2J" not in line for line in (first, second))
    output.complain("no disk")
    assert capsys.readouterr().err.startswith("\r\x1b[K")
    output.notify(Passing("Step 1/1 : RUN x"))
    output.Console.out()
    assert capsys.readouterr().err.endswith("\r\x1b[K"), "nothing is drawn behind a line that passes"
