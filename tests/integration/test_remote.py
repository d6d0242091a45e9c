"""One machine by several ways: over SSH, TCP and TLS it is the same host as over its socket, and is looked at there."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench.engine.docker.client import Endpoint, find_endpoint, open_client
from bench.engine.docker.engine import DockerEngine
from bench.engine.docker.place import image_place
from bench.engine.images.facts import ImageFacts
from bench.engine.reach.ssh import socket_of
from bench.engine.there import look as looking
from bench.engine.there.helper import HelperThere
from bench.engine.there.look import calibrate_there, look
from bench.engine.there.monitor import MonitorThere
from bench.errors import NotMeasured
from bench.host.identity import read_class
from bench.host.monitor.figures import during
from bench.record.host_id import host_id
from bench.record.schema import Cpu, Run
from bench.run.host_snapshot import THIS_MACHINE, host_class
from tests.integration.command import Command, Done
from tests.integration.runs import make_project
from tests.integration.ways import PrivateSshd, make_certificates, relay, sshd

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def engine_socket(small_image: ImageFacts) -> str:
    """Where the engine of these tests listens; it has the image without torch."""
    assert small_image.name
    url = find_endpoint(None).url
    if not url.startswith("unix://"):
        pytest.skip(f"the engine is not at a socket: {url}")
    return url.removeprefix("unix://")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateSshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as one:
        yield one


@pytest.fixture
def command(tmp_path: Path) -> Command:
    make_project(tmp_path / "project")
    return Command(tmp_path)


def ran(command: Command, host: str, **environ: str) -> Done:
    """A run at an address, which is of the machine that this test is on."""
    words = ("run", "passes_cpu", "--project", "project", "--no-calibration", "--json")
    named = {"DOCKER_HOST": host, **environ, "XDG_STATE_HOME": str(command.folder / "state")}
    done = command(*words, "--results", "results", **named)
    assert done.code == 0, done.err
    record = done.record()
    assert (record["outcome"], record["host"]["id"]) == ("passed", host_id(read_class()[0]))
    assert record["host"]["before"]["load"] is not None
    assert record["host"]["after"]["load"] is not None
    assert record["runs"][0]["host_during"]
    return done


def test_ssh_takes_jump_host_and_port_of_its_own_configuration_and_logs_in_once(
    server: PrivateSshd, engine_socket: str, command: Command
) -> None:
    before = server.log_ins()
    done = ran(command, f"ssh://lab{engine_socket}", PATH=server.path)
    assert server.log_ins() - before == 2  # the jump host and the host behind it
    assert done.record()["engine"]["facts"]["remote"] is True
    assert f"ssh://lab{engine_socket}" in done.err


def test_a_kept_connection_serves_commands_and_failures_are_told_as_ssh_tells_them(
    server: PrivateSshd, engine_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", server.path)
    before = server.log_ins()
    for number in range(2):
        socket_of.cache_clear()
        with closing(open_client(Endpoint(f"ssh://shared{engine_socket}", f"way {number}"), 20)) as client:
            assert client.ping()
    assert server.log_ins() - before == 1
    for host, why in (("dead", "Connection refused"), ("stranger", "Permission denied")):
        with pytest.raises(NotMeasured, match=f"ssh: .*{why}"):
            socket_of(f"ssh://{host}")


def test_over_tcp_and_tls_it_is_the_same_machine(
    engine_socket: str, command: Command, small_image: ImageFacts, tmp_path: Path
) -> None:
    with relay(engine_socket) as port:
        endpoint = Endpoint(f"tcp://127.0.0.1:{port}", "test")
        with closing(open_client(endpoint, 60)) as client:
            engine = DockerEngine(client, endpoint)
            assert engine.remote
            with closing(HelperThere(engine)) as helper:
                seen = look(helper, image_place(small_image))
            assert host_class(THIS_MACHINE, engine, seen) == read_class()
    (tmp_path / "certificates").mkdir()
    make_certificates(tmp_path / "certificates")
    shutil.copy(tmp_path / "certificates/server-cert.pem", tmp_path / "others.pem")  # which would not do
    with relay(engine_socket, tmp_path / "certificates") as port:
        tls = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path / "certificates")}
        ran(command, f"tcp://127.0.0.1:{port}", **tls, REQUESTS_CA_BUNDLE=str(tmp_path / "others.pem"))


def test_what_else_a_machine_does_during_a_run_is_read_there(
    engine_socket: str, small_image: ImageFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the kernel's id of another boot, as if it were another machine; so its own figures can be held against."""
    monkeypatch.setattr(looking, "read_boot", lambda: "another")
    place = image_place(small_image)
    endpoint = Endpoint(f"unix://{engine_socket}", "test")
    with closing(open_client(endpoint, 60)) as client:
        engine = DockerEngine(client, endpoint)
        there = HelperThere(engine)
        watch = MonitorThere(there, os.cpu_count() or 1)
        try:
            seen = look(there, place)
            assert not seen.is_here
            figures, missing = calibrate_there(there, place)
            assert (missing, None in figures.values()) == ({}, False)
            with watch.during(seen, place, 60) as monitor:
                [helper] = client.containers.list(filters={"label": [f"bench.owner.pid={os.getpid()}"]})
                assert helper.labels["bench.role"] == "helper"
                until = time.process_time() + 1.0
                while time.process_time() < until:  # a neighbour of the run
                    pass
            summary = monitor.summary()
        finally:
            there.close()
        assert client.containers.list(all=True, filters={"label": [f"bench.owner.pid={os.getpid()}"]}) == []
    measured = during(summary, Run(index=0, outcome="passed", cpu=Cpu(total_s=0.0)))
    assert summary.problem == ""
    assert measured.others_cpus is not None
    assert measured.others_cpus * measured.window_s > 0.8
    assert measured.load_max is not None
    assert abs(summary.started_at - time.time()) < 120
    assert summary.cost_s < 0.5
