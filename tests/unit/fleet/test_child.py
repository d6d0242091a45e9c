"""A leg's process: no interrupt is lost before its command is there, whatever its parent ignores."""

import os
import signal
import sys

import pytest

from bench.fleet.child import LEASHED, Child


@pytest.mark.parametrize("ignored", [False, True], ids=["", "the fleet's own is ignored, as in a shell's background"])
def test_an_interrupt_before_its_command_is_there_ends_a_leg(tmp_path, monkeypatch, ignored):
    """It comes before Python has read its first own module, which waits for it."""
    os.mkfifo(tmp_path / "go")
    (tmp_path / "sitecustomize.py").write_text(f"open({str(tmp_path / 'go')!r}).readline()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    go = os.open(tmp_path / "go", os.O_RDWR)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if ignored else signal.getsignal(signal.SIGINT)
    try:
        with Child((*LEASHED, "schema"), tmp_path / "out", print) as child:
            child.interrupt()
            os.write(go, b"go\n")
            end = child.end()
    finally:
        signal.signal(signal.SIGINT, before)
        os.close(go)
    assert (end.exit_code, end.said) == (130, "bench: interrupted")
    assert (tmp_path / "out").read_bytes() == b""


def test_one_that_comes_while_python_itself_starts_waits_for_the_command(tmp_path, monkeypatch):
    """Held back as any, in code that takes every exception for something else."""
    struck = "import os, signal\ntry: os.kill(os.getpid(), signal.SIGINT)\nexcept BaseException: pass\n"
    (tmp_path / "usercustomize.py").write_text(struck)
    (tmp_path / "sitecustomize.py").write_text(struck)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Child((*LEASHED, "schema"), tmp_path / "out", print) as child:
        assert child.end().exit_code == 130


def test_nothing_stays_held_back_there_or_here(tmp_path):
    code = (
        "from bench.cli.start.leashed import leash; leash(); import signal, sys\n"
        "print(*signal.pthread_sigmask(signal.SIG_BLOCK, ()), 'held', file=sys.stderr)"
    )
    with Child((sys.executable, "-c", code), tmp_path / "out", print) as child:
        assert child.end().said == "held"
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
