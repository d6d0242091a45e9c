from dataclasses import dataclass

import pytest

from bench.engine import choose as module
from bench.engine.choose import choose, prepare_or_stand_in
from bench.engine.docker.client import Endpoint
from bench.engine.docker.engine import DockerEngine
from bench.engine.local.engine import LocalEngine
from bench.engine.protocol import Need, Place
from bench.errors import NoBase, NotMeasured, UsageError


@pytest.fixture(autouse=True)
def no_default(monkeypatch):
    monkeypatch.delenv("BENCH_ENGINE", raising=False)


@pytest.fixture
def answering(client, monkeypatch):
    monkeypatch.setattr(module, "connect", lambda host: (client, Endpoint(host or "unix:///x", "test")))


@pytest.fixture
def silent(monkeypatch):
    def connect(host):
        raise NotMeasured("no Docker engine answers at unix:///x (default)", "there is no such socket", "start one")

    monkeypatch.setattr(module, "connect", connect)


@pytest.mark.usefixtures("answering")
def test_auto_takes_docker_where_it_answers_and_says_so():
    said = []
    assert isinstance(choose("auto", None, said.append), DockerEngine)
    assert isinstance(choose(None, "ssh://me@lab", said.append), DockerEngine)
    assert said == [
        "measuring in a container of the Docker engine 27.3.1",
        "measuring in a container of the Docker engine 27.3.1 at ssh://me@lab",
    ]


@pytest.mark.usefixtures("silent")
def test_auto_takes_the_host_itself_otherwise_and_says_so():
    said = []
    assert isinstance(choose("auto", None, said.append), LocalEngine)
    assert said == [
        "measuring on this host itself, without a container: no Docker engine answers at unix:///x (default)"
    ]


@pytest.mark.usefixtures("silent")
def test_whoever_asks_for_docker_gets_it_or_nothing():
    with pytest.raises(NotMeasured, match=r"no Docker engine answers.*start one"):
        choose("docker", None, print)
    with pytest.raises(NotMeasured, match="no Docker engine answers"):
        choose("auto", "tcp://lab:2375", print)


@pytest.mark.usefixtures("answering")
def test_what_was_asked_for_by_name_needs_no_word(monkeypatch):
    said = []
    assert isinstance(choose("docker", None, said.append), DockerEngine)
    assert isinstance(choose("local", None, said.append), LocalEngine)
    monkeypatch.setenv("BENCH_ENGINE", "local")
    assert isinstance(choose(None, None, said.append), LocalEngine)
    assert said == []


def test_contradictions_are_refused():
    with pytest.raises(UsageError, match="'containerd' is no engine"):
        choose("containerd", None, print)
    with pytest.raises(UsageError, match="--host goes with the Docker engine"):
        choose("local", "ssh://me@lab", print)


@pytest.mark.usefixtures("silent")
def test_an_address_that_somebody_named_is_not_replaced_by_this_host(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://lab:2375")
    with pytest.raises(NotMeasured, match="--engine auto"):
        choose(None, None, print)
    assert isinstance(choose("auto", None, lambda _: None), LocalEngine)
    monkeypatch.setenv("BENCH_ENGINE", "auto")
    assert isinstance(choose(None, None, lambda _: None), LocalEngine)


def test_whoever_asks_for_podman_gets_no_docker(client, monkeypatch):
    monkeypatch.setattr(module, "connect", lambda host, podman=False: (client, Endpoint("unix:///x", "test")))
    with pytest.raises(NotMeasured, match="is not Podman"):
        choose("podman", None, print)
    version = {"Components": [{"Name": "Podman Engine", "Version": "5.4.2"}]}
    monkeypatch.setattr(client, "version", lambda: version)
    assert choose("podman", None, print).name == "podman"
    assert choose("docker", None, print).name == "podman", "it serves as Docker, and is called what it is"


@dataclass
class Images:
    """An engine whose images can, or cannot, be had."""

    preferred: bool = True
    remote: bool = False
    has: bool = False

    def prepare(self, need, notify):
        if self.has:
            return Place("/py", "/agent", "/diag", "image")
        raise NoBase("the base image cannot be pulled", "no such host", "make one")


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(module.LocalEngine, "prepare", lambda self, need, say: Place("/py", "/a", "/d", "environment"))


@pytest.mark.usefixtures("here")
def test_this_host_stands_in_for_an_engine_that_can_have_no_image_and_each_run_s_record_tells_why():
    said = []
    engine, place = prepare_or_stand_in(Images(), Need("cpu"), said.append)
    assert (type(engine), place.handle) == (LocalEngine, "environment")
    assert said == ["measuring on this host itself, without a container: the base image cannot be pulled: no such host"]
    assert place.warnings == (said[0].replace("measuring", "measured"),)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("engine", [Images(preferred=False), Images(remote=True)])
def test_nothing_stands_in_for_an_engine_that_was_named_or_is_elsewhere(engine):
    assert prepare_or_stand_in(engine, Need("cpu"), print) == (engine, None)


def test_an_image_that_is_there_is_prepared_once():
    engine = Images(has=True)
    assert prepare_or_stand_in(engine, Need("cpu"), print) == (engine, Place("/py", "/agent", "/diag", "image"))


@pytest.mark.usefixtures("answering")
def test_only_an_engine_that_nobody_named_may_be_stood_in_for():
    assert choose("auto", None, print).preferred
    assert not choose("docker", None, print).preferred
    assert not choose("auto", "tcp://lab:2375", print).preferred
