"""The local engine with the real supervisor, without a control group: every host can run these."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.engine.assets import agent_folder
from bench.engine.labels import current_owner, owner_labels, read_start
from bench.engine.local import engine as module
from bench.engine.local import grouping, orphans
from bench.engine.local import process as local_process
from bench.engine.local.cgroup import Group, GroupError
from bench.engine.local.engine import LocalEngine
from bench.engine.local.grouping import Mode, find_mode, refuse_unheld
from bench.engine.local.info import local_record, parse_status, read_security
from bench.engine.local.ledger import Entry, Ledger, default_folder, read_entry
from bench.engine.local.process import LocalProcess, kill_strays, strays
from bench.engine.protocol import Need, Place, Task, Tree
from bench.errors import NotMeasured, UsageError
from bench.record.schema import Limits


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def engine(ledger):
    return LocalEngine(ledger, Mode("none", "nobody may make one"))


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def here():
    return Place(sys.executable, str(agent_folder()), "/nowhere", "")


def task_of(code, **changes):
    words = {"argv": ("{python}", "-c", code), "env": {}, "cwd": "{out}", "timeout_s": 20.0, "torch": False}
    return Task(**{**words, "limits": Limits(), **changes})


def result(out):
    return json.loads((out / "result.json").read_text())


def test_a_run_leaves_its_evidence_and_nothing_else(engine, here, out, ledger, tmp_path):
    told = []
    ending = engine.execute(here, task_of("import os; print(os.environ['HOME'])", env={"A": "1"}), out, told.append)
    assert (ending.exit_code, ending.error, ending.interrupted, ending.oom_killed) == (0, None, False, None)
    assert result(out)["outcome"] == "passed"
    assert [event["event"] for event in told if event["event"] != "sample"] == ["started", "ended"]
    assert not Path((out / "pytest.log").read_text().strip()).exists()
    assert ending.commands[0].endswith("SPEC")
    assert 0 <= ending.overhead_s < 20
    assert list((tmp_path / "ledger").iterdir()) == []


def test_no_other_user_can_read_a_run_s_variables(engine, here, out, ledger):
    code = (
        "import os, stat, glob\n"
        "print(open(f'/proc/{os.getppid()}/cmdline').read().replace(chr(0), ' '))\n"
        f"print([oct(stat.S_IMODE(os.stat(one).st_mode)) for one in glob.glob({str(ledger._folder)!r} + '/*')])\n"
    )
    ending = engine.execute(here, task_of(code, env={"DB_PASSWORD": "hunter2-of-mine"}), out, print)
    assert (ending.exit_code, ending.error) == (0, None)
    said = (out / "pytest.log").read_text()
    assert "__main__.py @" in said
    assert "hunter2-of-mine" not in said
    assert "['0o600']" in said


def test_a_project_is_copied_and_not_written_to(engine, here, out, tmp_path):
    root = tmp_path / "checkout"
    (root / "pkg").mkdir(parents=True)
    (root / "pkg" / "a").write_text("1")
    (root / "link").symlink_to("pkg/a")
    task = task_of("open('new', 'w'); print(open('link').read())", cwd="{src}", tree=Tree(root, ("pkg/a", "link"), ""))
    engine.execute(here, task, out, print)
    assert (out / "pytest.log").read_text() == "1\n"
    assert sorted(path.name for path in root.iterdir()) == ["link", "pkg"]
    with pytest.raises(UsageError, match="cannot be copied"):
        engine.execute(here, replace(task, tree=Tree(root, ("gone",), "")), out, print)


def test_ctrl_c_stops_in_order(engine, here, out):
    sent = []

    def interrupt(event):
        if event["event"] == "started" and not sent:
            sent.append(event)
            os.kill(os.getpid(), signal.SIGINT)

    ending = engine.execute(here, task_of("import time; time.sleep(60)"), out, interrupt)
    assert (ending.interrupted, ending.exit_code) == (True, 0)
    assert result(out)["outcome"] == "interrupted"


def test_ctrl_c_before_the_start_starts_nothing(engine, here, out, monkeypatch):
    make = module.make_folders
    monkeypatch.setattr(module, "make_folders", lambda *a: (os.kill(os.getpid(), signal.SIGINT), make(*a))[1])
    ending = engine.execute(here, task_of("pass"), out, print)
    assert (ending.interrupted, ending.exit_code) == (True, None)
    assert list(out.iterdir()) == []


def test_a_supervisor_that_fails_says_why(engine, here, out):
    ending = engine.execute(replace(here, agent="/nowhere"), task_of("pass"), out, print)
    assert ending.exit_code not in (0, None)
    assert "/nowhere/__main__.py" in ending.error


def test_a_python_that_is_not_there_is_not_measured(engine, here, out):
    with pytest.raises(NotMeasured, match="/nowhere/python could not be started"):
        engine.execute(replace(here, python="/nowhere/python"), task_of("pass"), out, print)


def test_limits_that_cannot_hold_are_refused(engine, here, out):
    limits = Limits(cpus=1.0, memory_bytes=1 << 30)
    with pytest.raises(NotMeasured, match="cannot apply --cpus and --memory: nobody may make one; run as root"):
        engine.execute(here, task_of("pass", limits=limits), out, print)
    refuse_unheld(Limits(pids=5), frozenset(), "x")  # this one may go without
    with pytest.raises(NotMeasured, match="cannot apply --cpuset: the user's systemd was not delegated it"):
        refuse_unheld(Limits(cpuset="0"), frozenset(), "the user's systemd was not delegated it")


def test_cpus_are_bound_by_affinity(engine, here, out):
    before = os.sched_getaffinity(0)
    engine.execute(here, task_of("import os; print(os.sched_getaffinity(0))", limits=Limits(cpuset="0")), out, print)
    assert (out / "pytest.log").read_text() == "{0}\n"
    assert os.sched_getaffinity(0) == before
    with pytest.raises(UsageError, match="--cpuset 4000"):
        engine.execute(here, task_of("pass", limits=Limits(cpuset="4000")), out, print)


def test_a_ledger_that_cannot_be_written_is_named(here, out, tmp_path):
    (tmp_path / "file").touch()
    engine = LocalEngine(Ledger(tmp_path / "file" / "x"), Mode("none"))
    with pytest.raises(NotMeasured, match="cannot be put on record"):
        engine.execute(here, task_of("pass"), out, print)


def test_strays_are_found_by_their_mark_and_killed(engine, here, out):
    code = (
        "import os, subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        "print(os.environ['BENCH_RUN_ID'])"
    )
    engine.execute(here, task_of(code), out, print)
    assert strays((out / "pytest.log").read_text().strip()) == []
    env = {**os.environ, local_process.MARK: "stray-1"}
    child = subprocess.Popen([sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"], env=env,
                             stdout=subprocess.PIPE)  # fmt: skip
    child.stdout.readline()
    child.stdout.close()
    assert [process.pid for process in strays("stray-1")] == [child.pid]
    assert kill_strays("stray-1") is True
    child.wait(5)
    assert strays("stray-1") == []


class FakeGroup(Group):
    removed = 0

    def remove(self):
        type(self).removed += 1
        return True

    def spec(self):
        return None

    def kill(self):
        return True


@pytest.fixture
def grouped(monkeypatch, ledger):
    """An engine that may make groups, without a kernel that could: the supervisor then measures processes."""
    FakeGroup.removed = 0
    held = {"set": frozenset({"cpus", "memory", "pids", "cpuset"})}
    monkeypatch.setattr(module, "make_group", lambda name, limits: FakeGroup(2, {"": Path("/nowhere")}, held["set"]))
    monkeypatch.setattr(module, "planned_folders", lambda hierarchy, name: {})
    engine = LocalEngine(ledger, Mode("group"))
    return engine, held


def test_a_group_is_removed_whatever_happens(grouped, here, out):
    engine, held = grouped
    engine.execute(here, task_of("pass", limits=Limits(cpus=1.0, cpuset="0")), out, print)
    assert FakeGroup.removed == 1
    held["set"] = frozenset({"cpus"})
    with pytest.raises(NotMeasured, match="cannot apply --memory"):
        engine.execute(here, task_of("pass", limits=Limits(cpus=1.0, memory_bytes=1)), out, print)
    assert FakeGroup.removed == 2


def test_a_group_that_cannot_be_made_after_all_is_not_measured(grouped, here, out, monkeypatch):
    def refuse(name, limits):
        raise GroupError("the kernel refused cpu.max")

    monkeypatch.setattr(module, "make_group", refuse)
    with pytest.raises(NotMeasured, match="the kernel refused"):
        grouped[0].execute(here, task_of("pass"), out, print)


@pytest.mark.parametrize("held", [True, False])
def test_a_scope_is_checked_at_the_first_event(ledger, here, out, monkeypatch, held):
    monkeypatch.setattr(module, "scope_argv", lambda unit, limits, argv: argv)
    group = FakeGroup(2, {}, frozenset({"memory"} if held else ()))
    monkeypatch.setattr(module, "read_scope", lambda pid, limits: group)
    engine = LocalEngine(ledger, Mode("scope", "not root"))
    task = task_of("pass", limits=Limits(memory_bytes=1 << 30))
    if held:
        assert engine.execute(here, task, out, print).exit_code == 0
    else:
        with pytest.raises(NotMeasured, match="was not delegated"):
            engine.execute(here, task, out, print)
    assert engine.orphans() == []


def test_the_best_way_is_found_out_by_trying(monkeypatch):
    monkeypatch.setattr(
        grouping, "make_group", lambda name, limits: FakeGroup(2, {}, notes=["io cannot be handed down"])
    )
    assert find_mode() == Mode("group", "io cannot be handed down")

    def refuse(name, limits):
        raise GroupError("permission denied")

    monkeypatch.setattr(grouping, "make_group", refuse)
    for works, name in ((True, "scope"), (False, "none")):
        monkeypatch.setattr(grouping, "scopes_work", lambda works=works: works)
        assert find_mode() == Mode(name, "permission denied")
    assert LocalEngine().mode == Mode("none", "permission denied")


def test_what_the_engine_is(engine, monkeypatch):
    assert engine.name == "local"
    assert engine.capacity().cpus == os.cpu_count()
    assert engine.capacity().memory_bytes > 1 << 20
    record = engine.describe(Limits(pids=5))
    assert (record.name, record.limits.pids) == ("local", 5)
    assert record.facts["group_reason"] == "nobody may make one"
    assert record.facts["cpuset_by"] == "affinity"
    assert record.facts["limits_in_part"] == ["the number of processes is not limited"]
    assert record.security["network"] == "host"
    monkeypatch.setattr(
        "bench.engine.local.info.platform.freedesktop_os_release", lambda: (_ for _ in ()).throw(OSError)
    )
    grouped = local_record("group", None, 1, Limits())
    assert grouped.facts["os"] is None
    assert "group_reason" not in grouped.facts


def test_security_is_read_from_the_kernel(tmp_path):
    (tmp_path / "status").write_text("CapEff:\t00ff\nNoNewPrivs:\t1\nSeccomp:\t2\nodd line\n")
    found = read_security(tmp_path / "status")
    assert (found["capabilities"], found["no_new_privileges"], found["seccomp"]) == ("00ff", True, "filter")
    nothing = read_security(tmp_path / "none")
    assert (nothing["capabilities"], nothing["no_new_privileges"], nothing["seccomp"]) == (None, None, None)
    assert parse_status("a:\tb\nc") == {"a": "b"}


def test_cuda_needs_a_gpu_here(engine, monkeypatch):
    monkeypatch.setattr("bench.engine.gpu.read_names", lambda: None)
    monkeypatch.setattr(module, "prepare_environment", lambda need, notify: "place")
    monkeypatch.setattr("bench.engine.gpu.Path.glob", lambda self, pattern: iter(()))
    with pytest.raises(NotMeasured, match="no NVIDIA GPU"):
        engine.prepare(Need("cuda"), print)
    assert engine.prepare(Need("cpu"), print) == "place"


def test_the_process_is_killed_where_it_is_left_behind():
    with LocalProcess([sys.executable, "-c", "import time; time.sleep(60)"], {}) as process:
        pid = process.pid
        assert process.state().running
    assert read_start(pid) in {None, "ended"}


def test_a_stray_that_holds_the_pipe_does_not_hold_us():
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(2)']); print('{\"event\": 1}')"
    with LocalProcess([sys.executable, "-c", code], dict(os.environ)) as process:
        reader = process.events()
        seen = []
        while (item := reader.next(5)) is not None:
            seen.append(item)
            if not isinstance(item, dict):
                break
    assert seen[0] == {"event": 1}
    assert len(seen) == 2


@pytest.fixture
def dead(ledger, tmp_path, monkeypatch):
    """The entry of a killed command whose supervisor runs on."""
    child = subprocess.Popen(["true"])
    child.wait()
    gone = replace(current_owner(), pid=child.pid, start="1")
    monkeypatch.setattr("bench.engine.local.ledger.owner_labels", lambda owner, run_id: owner_labels(gone, run_id))
    asked = tmp_path / "asked"
    code = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(asked)!r}).touch(), sys.exit()))\n"
        "print(flush=True); time.sleep(60)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    supervisor.stdout.readline()
    supervisor.stdout.close()
    out, work = tmp_path / "theirs", tmp_path / "bench-work-r10123abcd"
    for folder in (out, work):
        folder.mkdir()
    (out / "result.json").write_text("{}")
    (out / "deep").mkdir()
    (out / "deep" / "x").write_text("x")
    (out / "link").symlink_to("/etc/passwd")
    entry = Entry("r1", {}, str(out), str(work), supervisor.pid, read_start(supervisor.pid))
    ledger.write(entry, {"bench.name": "grad_cpu"})
    yield supervisor
    supervisor.kill()
    supervisor.wait()


def test_an_orphan_is_finished_and_removed(engine, dead, out, tmp_path):
    (orphan,) = engine.orphans()
    assert (orphan.run_id, orphan.running, orphan.evidence) == ("r1", True, True)
    assert orphan.labels["bench.name"] == "grad_cpu"
    ending = engine.recover(orphan, out)
    assert (ending.interrupted, ending.error) == (True, "the command that started this run was killed")
    assert ending.notes == ("'link' was not copied: no plain file",)
    assert (out / "deep" / "x").read_text() == "x"
    assert ending.killed
    assert (tmp_path / "bench-work-r10123abcd").exists()  # until its bundle is written
    assert engine.discard(orphan)
    assert engine.discard(orphan)
    assert not (tmp_path / "bench-work-r10123abcd").exists()
    assert (tmp_path / "theirs").exists()  # not a folder of ours by its place
    dead.wait(5)
    assert (tmp_path / "asked").exists()  # TERM, which a supervisor answers with its last readings
    assert engine.orphans() == []
    again = engine.recover(orphan, out)
    assert "nothing of it is left" in again.error


def test_an_orphan_that_ignores_term_is_killed(engine, dead, out, monkeypatch):
    monkeypatch.setattr(orphans, "STOP_S", 0.1)
    dead.send_signal(signal.SIGSTOP)  # TERM waits for ever
    engine.recover(engine.orphans()[0], out)
    dead.wait(5)


def test_evidence_that_cannot_be_copied_stays(engine, dead, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotMeasured, match="could not be copied"):
        engine.recover(engine.orphans()[0], tmp_path / "file")
    said = []
    engine.sweep(said.append, {"r1"})
    assert (said, len(engine.orphans())) == ([], 1)


def test_a_sweep_removes_the_dead_and_says_so(engine, ledger, dead, tmp_path, monkeypatch):
    monkeypatch.setattr(orphans.tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / "bench-session").mkdir()
    (tmp_path / "bench-session" / "run-0000").mkdir()
    entry = ledger.left_behind()[0]
    ledger.write(replace(entry, out=str(tmp_path / "bench-session" / "run-0000")), {})
    said = []
    engine.sweep(said.append)
    assert said == ["removed what a killed command had left on this host (run r1)"]
    assert not (tmp_path / "bench-session").exists()
    dead.wait(5)
    assert not (tmp_path / "asked").exists()


def test_a_sweep_removes_nothing_that_bears_no_name_of_a_run(engine, ledger, dead, tmp_path, monkeypatch):
    monkeypatch.setattr(orphans.tempfile, "gettempdir", lambda: str(tmp_path))
    mine = [tmp_path / name for name in ("bench-mine/data", "work-mine", "group/bench-other")]
    for folder in mine:
        folder.mkdir(parents=True)
        (folder / "file").write_text("mine")
    removed = []
    monkeypatch.setattr(Group, "remove", lambda self: removed.append(self) or True)
    entry = replace(ledger.left_behind()[0], out=str(mine[0]), work=str(mine[1]), version=2, folders={"": str(mine[2])})
    ledger.write(entry, {})
    engine.sweep(lambda _: None)
    assert [(folder / "file").read_text() for folder in mine] == ["mine"] * 3
    assert (removed, ledger.left_behind()) == ([], [])


def test_a_sweep_says_what_it_could_not_remove(engine, ledger, dead, monkeypatch):
    monkeypatch.setattr(orphans, "kill_strays", lambda run_id: False)
    said = []
    engine.sweep(said.append)
    assert "could not be removed (run r1)" in said[0]
    assert len(ledger.left_behind()) == 1


def test_a_living_commands_run_is_no_orphan_and_damaged_entries_are_passed_over(ledger, tmp_path):
    ledger.write(Entry("r2", {}, "/o", "/w", version=2, folders={"": "/g"}), {})
    (tmp_path / "ledger" / "bad.json").write_text("{")
    (tmp_path / "ledger" / "other.json").write_text((tmp_path / "ledger" / "r2.json").read_text())
    assert ledger.left_behind() == []
    assert read_entry(tmp_path / "ledger" / "bad.json") is None
    assert read_entry(tmp_path / "ledger" / "other.json") is None
    entry = read_entry(tmp_path / "ledger" / "r2.json")
    assert entry.group == Group(2, {"": Path("/g")})
    assert Entry("r3", {}, "/o", "/w").group is None


@pytest.mark.parametrize(
    "text",
    [
        "[" * 9000 + "]" * 9000,
        '{"run_id": "x", "labels": 1, "out": "/o", "work": "/w"}',
        '{"run_id": "x", "labels": {"bench.tool": 1}, "out": "/o", "work": "/w"}',
        '{"run_id": 1, "labels": {}, "out": 2, "work": 3}',
        "[]",
        None,
    ],
)
def test_an_entry_that_cannot_be_read_stops_nothing(tmp_path, text):
    ledger, path = Ledger(tmp_path), tmp_path / "x.json"
    if text is None:
        os.mkfifo(path)
    else:
        path.write_text(text)
    assert ledger.left_behind() == []
    assert path.exists()


@pytest.mark.parametrize("pid", ["9" * 30, "\N{SUPERSCRIPT TWO}"])
def test_an_owner_that_is_no_process_stops_nothing(tmp_path, monkeypatch, pid):
    ledger = Ledger(tmp_path)
    labels = owner_labels(current_owner(), "x") | {"bench.owner.pid": pid}
    monkeypatch.setattr("bench.engine.local.ledger.owner_labels", lambda *_: labels)
    ledger.write(Entry("x", {}, "/o", "/w"), {})
    assert ledger.left_behind() == []


@pytest.mark.parametrize("name", ["mine", "bench-work-notes", "bench-work-y0123abcd"])
def test_a_folder_that_no_run_made_is_not_removed(tmp_path, name):
    mine = tmp_path / name
    mine.mkdir()
    ledger = Ledger(tmp_path / "ledger")
    ledger.write(Entry("x", {}, str(mine), str(mine)), {})
    assert orphans.remove(ledger, Entry("x", {}, str(mine), str(mine)))
    assert mine.is_dir()


def test_the_ledger_lies_with_the_users_state(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_folder() == Path("/state/bench/local-runs")
