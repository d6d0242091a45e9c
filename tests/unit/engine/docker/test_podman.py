import io
import tarfile

import pytest

from bench.engine.docker.client import connect
from bench.engine.docker.config import as_command, container_config, helper_config, run_names
from bench.engine.docker.container import Container, parse_state
from bench.engine.docker.engine import DockerEngine
from bench.engine.docker.info import check_limits_hold, engine_name, engine_record, profile_name
from bench.engine.docker.machine import machine_of
from bench.engine.protocol import Tree
from bench.engine.transfer.unpacking import unpack
from bench.errors import NotMeasured
from bench.record.schema import Limits

VERSION = {
    "Components": [
        {"Name": "Podman Engine", "Version": "4.3.1"},
        {"Name": "Conmon", "Version": "conmon version 2.1.6, commit: unknown"},
        {"Name": "OCI Runtime (crun)", "Version": "crun version 1.8.1\ncommit: f8a096be"},
    ]
}
INFO = {"ServerVersion": "4.3.1", "CgroupVersion": "1", "DefaultRuntime": "/usr/bin/crun", "CpuCfsQuota": False}


def test_it_is_called_by_its_name_with_its_version():
    record = engine_record(INFO, VERSION, Limits(), "default", remote=False)
    assert (record.name, record.version) == ("podman", "4.3.1")
    assert (record.facts["runtime"], record.facts["oci_runtime"]) == ("crun", "crun version 1.8.1")
    assert engine_name({"Components": [{"Name": "containerd"}]}) == "docker"
    assert engine_name({}) == "docker"


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ("default", "default"),
        ("builtin", "default"),
        ("/usr/share/containers/seccomp.json", "default"),
        ("/home/me/own.json", "custom"),
        ("unconfined", "unconfined"),
    ],
)
def test_a_seccomp_profile_is_named_alike_and_by_no_path(profile, name):
    assert profile_name(profile) == name


def test_what_podman_says_of_its_limits_is_not_believed():
    check_limits_hold(INFO, Limits(cpus=1.0), "podman")
    with pytest.raises(Exception, match="cannot apply --cpus"):
        check_limits_hold(INFO, Limits(cpus=1.0))


def test_no_timer_and_no_ulimit_is_asked_of_it(place, task):
    config = container_config(place, task, run_names("r1", with_tree=False), {}, engine="podman")
    assert "Healthcheck" not in config
    assert "Ulimits" not in config["HostConfig"]
    assert as_command(config, "podman").startswith("podman create ")


def test_each_volume_is_filled_by_itself_with_its_owner(api, place, task, tmp_path):
    (tmp_path / "a.py").write_text("x")
    names = run_names("r1", with_tree=True)
    config = container_config(place, task, names, {}, engine="podman")
    with Container(api, config, names, "podman") as container:
        container.fill(helper_config(place, names, {}), Tree(tmp_path, ("a.py",), ""))
        put = api.containers_["bench-r1"].put
    assert [path for path, _ in put] == ["/out", "/src"]
    with tarfile.open(fileobj=io.BytesIO(put[1][1])) as archive:
        members = [(one.name, one.uid) for one in archive]
    assert members == [(".", 10001), ("a.py", 10001)]


@pytest.mark.parametrize("status", ["stopped", "exited"])
def test_a_container_that_has_stopped_has_ended(status):
    state = parse_state({"State": {"Running": False, "Status": status, "ExitCode": 3, "OOMKilled": False}})
    assert (state.running, state.exit_code) == (False, 3)


def test_that_it_was_not_killed_for_memory_is_not_known():
    ended = {"Running": False, "Status": "exited", "ExitCode": 137}
    assert parse_state({"State": ended | {"OOMKilled": False}}, oom_told=False).oom_killed is None
    assert parse_state({"State": ended | {"OOMKilled": True}}, oom_told=False).oom_killed is True


@pytest.mark.parametrize("names", [(".", "./deep", "./deep/a"), ("deep", "deep/a")])
def test_a_folder_s_content_comes_by_either_s_names(names, tmp_path):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.type = tarfile.REGTYPE if name.endswith("a") else tarfile.DIRTYPE
            archive.addfile(info, io.BytesIO())
    copied = unpack(iter([data.getvalue()]), "", tmp_path)
    assert (copied.files, copied.notes) == (1, ())
    assert (tmp_path / "deep" / "a").is_file()


def test_the_machine_is_told_by_what_stays():
    """Podman's id is another at each call."""
    said = {"Name": "lab", "KernelVersion": "6.1", "MemTotal": 1 << 34}
    first = machine_of("ssh://me@lab", {**said, "ID": "one"}, "podman")
    assert first == machine_of("tcp://192.0.2.7:2375", {**said, "ID": "two"}, "podman")
    assert first != machine_of("ssh://me@lab", {**said, "Name": "other"}, "podman")


def test_the_engine_goes_by_what_answers(client, monkeypatch):
    from bench.engine.docker.client import Endpoint

    monkeypatch.setattr(client, "version", lambda: VERSION)
    assert DockerEngine(client, Endpoint("unix:///x", "test")).name == "podman"


def test_if_none_answers_it_is_podman_that_is_to_be_started(tmp_path):
    with pytest.raises(NotMeasured) as caught:
        connect(f"unix://{tmp_path}/none.sock", {}, podman=True)
    text = str(caught.value)
    assert text.startswith(f"no Podman answers at unix://{tmp_path}/none.sock (--host): there is no such socket")
    assert "podman.socket" in text
    assert "start docker" not in text
