import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench.engine.absent import AbsentEngine
from bench.engine.waiting import lock as module
from bench.engine.waiting.lock import LOCK_NAME, measuring, read_holder
from bench.errors import NotMeasured, UsageError

HERE = AbsentEngine(NotMeasured("not needed"), host="unix:///engine")
THERE = "tcp://there:2375"
HOLD = """
import sys, time
from pathlib import Path
from bench.engine.absent import AbsentEngine
from bench.engine.waiting.lock import measuring
from bench.errors import NotMeasured
HERE = AbsentEngine(NotMeasured("not needed"), host=sys.argv[2])
with measuring(HERE, "refuse", print, Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["unix:///another-engine"])
def holder(tmp_path, request):
    """Another command that measures."""
    root = Path(__file__).parents[4]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), request.param], stdout=subprocess.PIPE, env=env, cwd=root
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_second_refuses_and_says_who(tmp_path, holder):
    with (
        pytest.raises(NotMeasured, match=rf"process {holder.pid}, since 20"),
        measuring(HERE, "refuse", print, tmp_path),
    ):
        raise AssertionError("not reached")


def test_the_second_waits_for_the_first_even_where_that_is_killed(tmp_path, holder, monkeypatch):
    monkeypatch.setattr(module, "_POLL_S", 0.02)
    said = []
    timer = threading.Timer(0.2, holder.kill)
    began = time.monotonic()
    timer.start()
    with measuring(HERE, "wait", said.append, tmp_path):
        assert time.monotonic() - began > 0.15
    timer.join()
    assert len(said) == 1
    assert f"process {holder.pid}" in said[0]


@pytest.mark.parametrize("holder", [THERE], indirect=True)
def test_an_engine_on_another_machine_is_another_place(tmp_path, holder):
    with measuring(HERE, "refuse", print, tmp_path):
        pass
    again = AbsentEngine(NotMeasured("not needed"), host="ssh://me@THERE:9999")
    with (
        pytest.raises(NotMeasured, match=f"process {holder.pid}"),
        measuring(again, "refuse", print, tmp_path),
    ):
        raise AssertionError("not reached")


def test_a_run_of_another_machine_in_the_engine_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_ASK_S", 0.01)
    answers = ["process 7 of machine abc", "process 7 of machine abc", None]
    monkeypatch.setattr(AbsentEngine, "neighbour", lambda _: answers.pop(0))
    said = []
    with measuring(HERE, "wait", said.append, tmp_path):
        assert answers == []
    assert said == ["waiting for another measurement on this host to end (process 7 of machine abc)"]


def test_it_is_free_again_afterwards(tmp_path):
    for _ in range(2):
        with measuring(HERE, "refuse", print, tmp_path):
            pass
    assert oct((tmp_path / LOCK_NAME).stat().st_mode & 0o777) == "0o666"  # other users have to lock it too


def test_its_folder_can_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_LOCK_FOLDER", str(tmp_path))
    with measuring(HERE, "refuse", print):
        assert (tmp_path / LOCK_NAME).exists()


def test_a_link_in_its_place_is_not_followed(tmp_path):
    (tmp_path / "victim").write_text("precious")
    (tmp_path / LOCK_NAME).symlink_to(tmp_path / "victim")
    with pytest.raises(NotMeasured, match="cannot be locked"), measuring(HERE, "wait", print, tmp_path):
        raise AssertionError("not reached")
    assert (tmp_path / "victim").read_text() == "precious"


def test_what_is_no_file_is_not_locked(tmp_path):
    os.mkfifo(tmp_path / LOCK_NAME)
    with pytest.raises(NotMeasured, match="it is no file"), measuring(HERE, "wait", print, tmp_path):
        raise AssertionError("not reached")


def test_reading_is_enough_to_lock(tmp_path, monkeypatch):
    """Another user's file that we may not write."""
    (tmp_path / LOCK_NAME).write_text("")
    real = os.open

    def only_reading(path, flags, *arguments):
        if flags & os.O_RDWR and not flags & os.O_EXCL:
            raise PermissionError
        return real(path, flags, *arguments)

    monkeypatch.setattr(module.os, "open", only_reading)
    with measuring(HERE, "refuse", print, tmp_path):
        assert (tmp_path / LOCK_NAME).read_text() == ""


def test_a_holder_without_a_name_is_somebody(tmp_path):
    (tmp_path / "x").write_text("{}")
    file = os.open(tmp_path / "x", os.O_RDONLY)
    assert "did not leave its name" in read_holder(file)
    os.close(file)


def test_only_two_answers_are_known(tmp_path):
    with pytest.raises(UsageError, match="wait or refuse"), measuring(HERE, "ignore", print, tmp_path):
        raise AssertionError("not reached")


def test_a_folder_that_is_not_there_is_made(tmp_path):
    with measuring(HERE, "refuse", print, tmp_path / "run/lock"):
        assert [path.name for path in (tmp_path / "run/lock").iterdir()] == [LOCK_NAME]
