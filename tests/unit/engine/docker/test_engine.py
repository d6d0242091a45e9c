import errno
import itertools
import os
import re
import signal
import subprocess
import tarfile
import time
from dataclasses import replace

import pytest
from docker.errors import APIError

from bench.engine.docker import container as container_module
from bench.engine.docker import engine as module
from bench.engine.docker import orphans
from bench.engine.docker.client import Endpoint
from bench.engine.docker.engine import DockerEngine, overhead
from bench.engine.gpu import GpuSigns
from bench.engine.images.facts import ImageFacts
from bench.engine.labels import current_owner, owner_labels
from bench.engine.protocol import Capacity, Need, Orphan, State, Tree
from bench.errors import NotMeasured
from bench.record.schema import Limits

HERE = Endpoint("unix:///var/run/docker.sock", "default")
THERE = Endpoint("ssh://me@lab", "--host")


@pytest.fixture
def engine(client):
    return DockerEngine(client, HERE)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "RETURN_PATIENCE_S", 1.0)
    monkeypatch.setattr("bench.engine.supervise.POLL_S", 0.01)
    monkeypatch.setattr("bench.engine.docker.container.REMOVE_PATIENCE_S", 0.3)


def script(container):
    container.say('{"event": "started"}')
    container.files |= {"result.json": b"{}", "deep/log": b"x"}
    container.end(0)


def test_a_run_from_start_to_end(engine, api, place, task, tmp_path):
    api.script = script
    told, configs = [], []
    create = api.create_container_from_config
    api.create_container_from_config = lambda config, name: (configs.append(config), create(config, name))[1]
    ending = engine.execute(place, task, tmp_path, told.append)
    assert (ending.exit_code, ending.oom_killed, ending.interrupted, ending.error) == (0, False, False, None)
    assert [event["event"] for event in told] == ["started"]
    assert api.calls.count("get_archive") == 2, "the result, and the rest"
    assert (tmp_path / "result.json").read_bytes() == b"{}"
    assert (tmp_path / "deep" / "log").read_bytes() == b"x"
    assert ending.commands[0].startswith("docker create --network none")
    assert ending.commands[1] == ("/opt/venv/bin/python -m pytest --junitxml=/out/j.xml /opt/diagnostics/test_x.py")
    assert ending.overhead_s is None  # this engine's clock says that the container alone took longer
    assert "clock was set" in ending.no_overhead
    labels = configs[0]["Labels"]
    assert labels["bench.tool"] == "bench"
    assert labels["bench.name"] == "grad_cpu"
    assert labels["bench.owner.pid"] == str(os.getpid())
    assert (api.containers_, api.volumes_) == ({}, {})
    assert api.calls.index("attach") < api.calls.index("start")  # no line is missed


def test_a_project_travels_too(engine, api, place, task, tmp_path):
    (tmp_path / "a.py").write_text("x")
    (tmp_path / "out").mkdir()
    api.script = script
    engine.execute(place, replace(task, tree=Tree(tmp_path, ("a.py",), "")), tmp_path / "out", print)
    assert api.calls.count("create_volume") == 2
    assert api.volumes_ == {}


@pytest.mark.parametrize("trouble", ["large", "slow", "damaged"])
def test_what_a_bundle_is_made_of_comes_out_of_a_folder_that_is_too_much_for_one_call(
    engine, api, place, task, tmp_path, monkeypatch, trouble
):
    monkeypatch.setattr(container_module, "LITTLE_BYTES", 20_000)
    monkeypatch.setattr(container_module, "LITTLE_S", 0.3 if trouble == "slow" else 60.0)
    dearest = {"facts.json": b"{}", "pytest.log": b"log", "result.json": b"{}"}

    def leaves(container):
        container.files.update({"a": bytes(30_000), **dearest} if trouble == "large" else dearest)
        container.end(0)

    whole, calls = api.get_archive, []

    def get(handle, path):
        pieces, facts = whole(handle, path)
        calls.append(path)
        if calls.count("/out/.") == 1 and path == "/out/." and trouble != "large":
            endless = (time.sleep(0.02) or b"" for _ in itertools.count())
            return (iter([b"no tar" * 200]) if trouble == "damaged" else endless), facts
        return pieces, facts

    api.script, api.get_archive = leaves, get
    ending = engine.execute(place, task, tmp_path, print)
    assert (ending.error, ending.notes) == (None, ())
    assert {name: (tmp_path / name).read_bytes() for name in dearest} == dearest
    assert (tmp_path / "a").exists() == (trouble == "large")
    assert calls[:2] == ["/out/result.json", "/out/."]
    assert calls[2:].count("/out/.") == 1
    assert not list(tmp_path.glob(".*.part"))


def test_ctrl_c_stops_the_run_in_order(engine, api, place, task, tmp_path):
    def running(container):
        container.say('{"event": "started"}')
        container.on_signal = lambda stopped, name: (stopped.files.update({"result.json": b"{}"}), stopped.end(0))

    api.script = running
    ending = engine.execute(place, task, tmp_path, lambda event: os.kill(os.getpid(), signal.SIGINT))
    assert (ending.interrupted, ending.exit_code, ending.error) == (True, 0, None)
    assert (tmp_path / "result.json").exists()
    assert api.containers_ == {}


def test_ctrl_c_before_the_start_starts_nothing(engine, api, place, task, tmp_path):
    put = api.put_archive
    api.put_archive = lambda *arguments: (os.kill(os.getpid(), signal.SIGINT), put(*arguments))[1]
    ending = engine.execute(place, task, tmp_path, print)
    assert (ending.interrupted, ending.exit_code) == (True, None)
    assert "start" not in api.calls
    assert (api.containers_, api.volumes_) == ({}, {})


def test_what_a_failed_supervisor_said_is_the_error(engine, api, place, task, tmp_path):
    def failing(container):
        container.say("Traceback:", error=True)
        container.say("FileNotFoundError: spec", error=True)
        container.end(70)

    api.script = failing
    ending = engine.execute(place, task, tmp_path, print)
    assert (ending.exit_code, ending.error) == (70, "the supervisor failed: FileNotFoundError: spec")


def test_a_stream_that_cannot_be_had_is_not_measured(engine, api, place, task, tmp_path):
    api.broken["attach"] = [APIError("no")]
    with pytest.raises(NotMeasured, match="cannot be followed"):
        engine.execute(place, task, tmp_path, print)
    assert api.containers_ == {}


def test_a_limit_that_the_engine_would_drop_is_refused_before_anything_is_made(client, api, place, task, tmp_path):
    engine = DockerEngine(client, HERE)
    engine._info["MemoryLimit"] = False
    with pytest.raises(NotMeasured, match="cannot apply --memory"):
        engine.execute(place, replace(task, limits=Limits(memory_bytes=1 << 30)), tmp_path, print)
    assert api.calls == []


def test_evidence_is_copied_from_an_engine_that_comes_back(engine, api, place, task, tmp_path):
    api.script = script
    api.broken["get_archive"] = [OSError("Connection refused")]
    ending = engine.execute(place, task, tmp_path, print)
    assert ending.error is None
    assert (tmp_path / "result.json").exists()


def test_evidence_that_cannot_be_copied_is_said_so(engine, api, place, task, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RETURN_PATIENCE_S", 0.0)
    api.script = script
    api.broken["get_archive"] = [tarfile.ReadError("truncated")] * 3
    ending = engine.execute(place, task, tmp_path, print)
    assert ending.error == "the evidence could not be copied whole: truncated"
    assert ending.exit_code == 0


def test_a_half_copied_folder_is_copied_anew(engine, api, place, task, tmp_path):
    api.script = script
    whole = api.get_archive
    tries = []

    def half(handle, path):
        tries.append(path)
        pieces, facts = whole(handle, path)
        return (iter(list(pieces)[:2]) if path == "/out/." and tries.count(path) == 1 else pieces), facts

    api.get_archive = half
    ending = engine.execute(place, task, tmp_path, print)
    assert tries.count("/out/.") == 2
    assert ending.error is None
    assert (tmp_path / "deep" / "log").read_bytes() == b"x"


def test_our_own_full_disk_is_not_the_engines_fault(engine, api, place, task, tmp_path):
    api.script = script
    api.broken["get_archive"] = [OSError(errno.ENOSPC, "No space left on device")]
    with pytest.raises(NotMeasured, match="the evidence cannot be written"):
        engine.execute(place, task, tmp_path, print)
    assert api.containers_ == {}


def test_the_engine_s_own_time_is_what_the_container_did_not_last():
    state = State(False, 0, False, "2026-01-01T00:00:00Z", "2026-01-01T00:00:02.5Z")
    assert overhead(4.0, state) == (1.5, None)
    assert overhead(2.5, state) == (0.0, None)


def test_an_engine_that_is_gone_for_good_is_said_so(engine, api, place, task, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.engine.supervise.RETURN_PATIENCE_S", 0.05)

    def dying(container):
        api.broken["inspect_container"] = [OSError("Connection refused")] * 1000
        api.broken["remove_container"] = [OSError("Connection refused")] * 1000
        container.hang_up(OSError("reset"))

    api.script = dying
    ending = engine.execute(place, task, tmp_path, print)
    assert (ending.exit_code, ending.oom_killed, ending.overhead_s) == (None, None, None)
    assert "did not say when" in ending.no_overhead
    assert "went away during the run" in ending.error


def test_a_gpu_is_asked_for_as_the_engine_takes_it(engine, api, place, task, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "read_signs", lambda: GpuSigns(None, (), None, ()))
    configs = []
    create = api.create_container_from_config
    api.create_container_from_config = lambda config, name: (configs.append(config), create(config, name))[1]
    engine.execute(place, replace(task, gpu=True), tmp_path, print)
    assert configs[0]["HostConfig"]["DeviceRequests"][0]["Capabilities"] == [["gpu"]]
    assert "DeviceRequests" not in configs[1]["HostConfig"]


FACTS = ImageFacts("bench-small:1", "sha256:abc", "base@sha256:b", "l", "f", "3.13.5", None)


def test_an_image_is_a_place(engine, monkeypatch, tmp_path):
    monkeypatch.setattr("bench.engine.docker.place.ensure_image", lambda client, kind, options, notify, hint: FACTS)
    derived = replace(FACTS, name="bench-project:2", digest="sha256:def")
    monkeypatch.setattr(
        "bench.engine.docker.place.derived_image",
        lambda client, base, need, options, notify: (derived, ("six==1",), "locked" in need.requirements.name),
    )
    place = engine.prepare(Need("small"), print)
    assert (place.handle, place.image.name, place.image.fingerprint) == ("sha256:abc", "bench-small:1", "f")
    assert place.warnings == ()
    assert set(place.preloads) == {"jemalloc", "tcmalloc"}
    assert engine.prepare(Need("small", tmp_path / "locked.txt"), print).warnings == ()
    loose = engine.prepare(Need("small", tmp_path / "loose.txt"), print)
    assert loose.handle == "sha256:def"
    assert loose.warnings == ("loose.txt is not hash-locked; installed was: six==1",)


def test_cuda_needs_a_gpu_before_any_image_is_built(client, monkeypatch):
    monkeypatch.setattr(module, "read_signs", lambda: GpuSigns(None, (), None, ()))
    monkeypatch.setattr("bench.engine.gpu.shutil.which", lambda name: None)
    with pytest.raises(NotMeasured, match="no NVIDIA GPU was found"):
        DockerEngine(client, HERE).prepare(Need("cuda"), print)
    with pytest.raises(NotMeasured, match="the remote engine offers no GPU"):
        DockerEngine(client, THERE).prepare(Need("cuda"), print)


def test_what_the_engine_is(engine, client):
    assert engine.name == "docker"
    assert engine.version == "27.3.1"
    assert engine.capacity() == Capacity(8, 16 << 30)
    assert engine.describe(Limits()).facts["remote"] is False
    assert DockerEngine(client, THERE).describe(Limits()).facts["remote"] is True


@pytest.fixture
def dead():
    child = subprocess.Popen(["true"])
    child.wait()
    return replace(current_owner(), pid=child.pid, start="1")


def leave(api, owner, run_id, status="running"):
    """What a run of ``owner`` has in the engine."""
    labels = {**owner_labels(owner, run_id), "bench.name": "grad_cpu"}
    for part in ("out", "src"):
        api.create_volume(f"{run_id}-{part}", labels=labels)
    api.create_container_from_config({"Labels": labels}, run_id)
    api.containers_[run_id].status = status
    api.containers_[run_id].files["result.json"] = b"{}"
    api.create_container_from_config({"Labels": {**labels, "bench.role": "helper"}}, f"{run_id}-fill")
    return api.containers_[run_id]


def test_orphans_are_the_dead_commands_alone(engine, api, dead):
    leave(api, dead, "dead")
    leave(api, current_owner(), "alive")
    leave(api, replace(dead, host="another"), "elsewhere")
    (orphan,) = engine.orphans()
    assert orphan == Orphan(
        run_id="dead",
        labels=orphan.labels,
        running=True,
        evidence=True,
        handle="id-dead",
        volumes=("dead-out", "dead-src"),
    )
    assert orphan.labels["bench.name"] == "grad_cpu"
    assert "bench.role" not in orphan.labels


def test_a_neighbour_is_a_run_that_goes_on_and_was_started_elsewhere(engine, api, dead):
    leave(api, current_owner(), "mine")
    leave(api, replace(dead, host="another"), "ended", status="exited")
    assert engine.neighbour() is None
    leave(api, replace(dead, host="another"), "elsewhere")
    assert re.fullmatch(rf"process {dead.pid} of machine another, since \d{{4}}-\d\d-\d\dT[\d:]+Z", engine.neighbour())
    created = {"Labels": api.containers_["elsewhere"].config["Labels"], "State": "running", "Created": 1e30}
    api.containers = lambda all, filters: [created]  # noqa: A006, the SDK's name
    assert engine.neighbour() is None  # no engine of this world says that
    del api.containers
    api.broken["containers"] = [OSError("gone")]
    assert engine.neighbour() is None


def test_a_running_orphan_is_stopped_and_its_evidence_kept(engine, api, dead, tmp_path):
    container = leave(api, dead, "dead")
    container.on_signal = lambda stopped, name: stopped.end(0)
    ending = engine.recover(engine.orphans()[0], tmp_path)
    assert container.signals == ["SIGTERM"]
    assert (ending.interrupted, ending.exit_code) == (True, 0)
    assert ending.error == "the command that started this run was killed"
    assert ending.killed
    assert (tmp_path / "result.json").exists()
    assert "dead" in api.containers_  # until its bundle is written
    assert engine.discard(engine.orphans()[0])
    assert (api.containers_, api.volumes_) == ({}, {})


def test_an_orphan_that_ends_before_it_is_stopped_keeps_its_evidence(engine, api, dead, tmp_path):
    container = leave(api, dead, "dead")
    (orphan,) = engine.orphans()
    assert orphan.running
    container.end(0)  # from now on a signal is refused
    ending = engine.recover(orphan, tmp_path)
    assert (ending.exit_code, ending.error) == (0, "the command that started this run was killed")
    assert (tmp_path / "result.json").exists()


def test_an_orphan_that_outlives_its_kill_is_waited_for_no_longer(engine, api, dead, tmp_path, monkeypatch):
    monkeypatch.setattr(orphans, "STOP_S", 0.1)
    monkeypatch.setattr(orphans, "KILL_S", 0.1)
    container = leave(api, dead, "dead")
    container.on_signal = lambda stopped, name: None
    with pytest.raises(NotMeasured, match="does not end"):
        engine.recover(engine.orphans()[0], tmp_path)
    assert container.signals == ["SIGTERM", "SIGKILL"]
    assert "dead" in api.containers_


def test_an_orphan_that_does_not_stop_is_killed(engine, api, dead, tmp_path, monkeypatch):
    monkeypatch.setattr(orphans, "STOP_S", 0.1)
    container = leave(api, dead, "dead")
    container.on_signal = lambda stopped, name: stopped.end(137) if name == "SIGKILL" else None
    assert engine.recover(engine.orphans()[0], tmp_path).exit_code == 137


def test_an_orphan_that_had_ended_is_not_interrupted(engine, api, dead, tmp_path):
    leave(api, dead, "dead", status="exited")
    ending = engine.recover(engine.orphans()[0], tmp_path)
    assert (ending.interrupted, ending.exit_code) == (False, 0)


def test_an_orphan_that_never_started_has_no_evidence(engine, api, dead, tmp_path):
    leave(api, dead, "dead", status="created")
    (orphan,) = engine.orphans()
    assert not orphan.evidence
    assert engine.recover(orphan, tmp_path).exit_code is None
    assert list(tmp_path.iterdir()) == []
    assert engine.discard(orphan)
    api.create_volume("alone", labels=owner_labels(dead, "volume"))
    (orphan,) = engine.orphans()
    assert (orphan.handle, orphan.evidence, orphan.volumes) == (None, False, ("alone",))
    engine.recover(orphan, tmp_path)
    assert engine.discard(orphan)
    assert api.volumes_ == {}


@pytest.mark.parametrize(
    ("error", "words"),
    [(tarfile.ReadError("x"), "is damaged"), (APIError("no such path"), "could not be copied: no such")],
)
def test_an_orphan_s_evidence_that_is_lost_is_said_so(engine, api, dead, tmp_path, error, words):
    leave(api, dead, "dead", status="exited")
    api.broken["get_archive"] = [error]
    assert words in engine.recover(engine.orphans()[0], tmp_path).error


@pytest.mark.parametrize("error", [OSError("reset"), OSError(28, "No space left on device")])
def test_an_orphan_s_evidence_that_another_time_may_be_had_stays(engine, api, dead, tmp_path, error):
    leave(api, dead, "dead", status="exited")
    api.broken["get_archive"] = [error]
    with pytest.raises(NotMeasured, match="could not be copied"):
        engine.recover(engine.orphans()[0], tmp_path)
    said = []
    engine.sweep(said.append, {"dead"})
    assert (said, "dead" in api.containers_) == ([], True)


def test_a_sweep_says_what_it_removed_and_what_it_could_not(engine, api, dead, monkeypatch):
    leave(api, dead, "one", status="exited")
    said = []
    engine.sweep(said.append)
    assert said == ["removed what a killed command had left in the Docker engine (run one)"]
    assert (api.containers_, api.volumes_) == ({}, {})
    leave(api, dead, "two", status="exited")
    api.broken["remove_volume"] = [APIError("in use")]
    engine.sweep(said.append)
    assert "could not be removed (run two)" in said[-1]
    monkeypatch.setattr(DockerEngine, "name", "podman")
    engine.sweep(said.append)
    assert said[-1] == "removed what a killed command had left in the Podman engine (run two)"
    api.broken["containers"] = [OSError("gone")]
    assert engine.orphans() == []
    api.broken["containers"] = [OSError("gone")]
    assert orphans.remove(api, Orphan("x", {}, running=False, evidence=False)) is False


def test_ctrl_c_while_copying_gives_up_the_rest_and_keeps_the_result(engine, api, place, task, tmp_path):
    """The engine never ends its answer; the first interrupt, of those that are only counted, ends the copying."""
    api.script = script
    whole = api.get_archive

    def stalls(handle, path):
        pieces, facts = whole(handle, path)
        if path != "/out/.":
            return pieces, facts
        os.kill(os.getpid(), signal.SIGINT)
        return (time.sleep(0.02) or b"" for _ in itertools.count()), facts

    api.get_archive = stalls
    ending = engine.execute(place, task, tmp_path, print)
    assert ending.notes == ("the rest was not copied: it was interrupted",)
    assert (tmp_path / "result.json").is_file()
    assert ending.error is None
    assert api.containers_ == {}


def test_on_our_full_disk_the_result_or_the_last_event_is_kept(engine, api, place, task, tmp_path):
    def ends(container):
        container.say('{"event": "ended", "outcome": "passed", "wall_s": 2.5}')
        script(container)

    api.script = ends
    api.broken["get_archive"] = [OSError(errno.ENOSPC, "No space left on device")]
    ending = engine.execute(place, task, tmp_path, print)
    assert ending.ended["wall_s"] == 2.5
    assert "No space left" in ending.notes[0]
    assert api.containers_ == {}
    assert api.volumes_ == {}
