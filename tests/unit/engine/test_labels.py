import os
import subprocess
import sys
from dataclasses import replace

import pytest

from bench.engine import labels
from bench.engine.labels import Owner, current_owner, is_alive, is_gone, owner_labels, parse_owner

HERE = Owner("host", "boot", "pid:[1]", 100, "5")


def test_labels_name_the_owner_and_can_be_read_back():
    text = owner_labels(HERE, "abc")
    assert text["bench.run"] == "abc"
    assert parse_owner(text) == HERE


@pytest.mark.parametrize(
    "broken",
    [{"bench.tool": "other"}, {"bench.owner.pid": "x"}, {"bench.owner.host": ""}, {"bench.owner.boot": ""}],
)
def test_labels_that_are_not_completely_ours_name_nobody(broken):
    assert parse_owner(owner_labels(HERE, "abc") | broken) is None
    assert parse_owner({}) is None


def test_this_process_is_alive_and_an_ended_one_is_not():
    me = current_owner()
    assert me.pid == os.getpid()
    assert is_alive(me.pid, me.start)
    assert not is_gone(me, me, running=True)
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert is_gone(replace(me, pid=child.pid, start="1"), me, running=True)


def test_a_process_id_that_is_used_again_is_another_process():
    me = current_owner()
    assert not is_alive(me.pid, "1" + me.start)
    assert is_gone(replace(me, start="1" + me.start), me, running=True)


def test_a_zombie_has_ended():
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdout.close()"], stdout=subprocess.PIPE)
    start = labels.read_start(child.pid)
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and not collected yet
    assert not is_alive(child.pid, start)
    child.stdout.close()
    child.wait()


def test_another_hosts_or_namespaces_process_is_never_judged():
    me = current_owner()
    dead = replace(me, pid=2**22 - 1, start="1")
    assert is_gone(dead, me, running=True)
    assert not is_gone(replace(dead, host="another"), me, running=False)
    assert not is_gone(replace(dead, pidns="pid:[2]"), me, running=False)


def test_an_earlier_boots_thing_is_an_orphan_unless_it_runs():
    """What runs now was not started before the reboot: it belongs to a clone of this machine."""
    me = current_owner()
    earlier = replace(me, boot="earlier", pid=2**22 - 1, start="1")
    assert not is_gone(replace(me, boot="earlier"), me, running=False)  # it lives: the boot's time was reckoned anew
    assert is_gone(earlier, me, running=False)
    assert not is_gone(earlier, me, running=True)


def test_another_users_process_is_alive(monkeypatch):
    def refuse(pid, number):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    monkeypatch.setattr(labels, "read_start", lambda pid: None)
    assert is_alive(1, "5")


def test_the_start_time_is_found_behind_a_command_with_brackets():
    fields = " ".join(str(number) for number in range(4, 53))
    assert labels.parse_stat_start(f"7 (a) (b c) S {fields}") == "22"
    assert labels.parse_stat_start(f"7 (x) Z {fields}") == "ended"
    assert labels.parse_stat_start("7 (x) S 1 2") is None


def test_where_there_is_no_proc_psutil_serves(monkeypatch):
    monkeypatch.setattr(labels.Path, "read_text", lambda *a, **k: (_ for _ in ()).throw(OSError))
    assert labels.read_start(os.getpid()) is not None
    assert labels.read_start(2**22 - 1) is None
    assert labels.read_boot().isdigit()
    assert len(labels.read_host()) == 16
    monkeypatch.setattr(labels.Path, "readlink", lambda *a: (_ for _ in ()).throw(OSError))
    assert labels.read_pid_namespace() == ""
