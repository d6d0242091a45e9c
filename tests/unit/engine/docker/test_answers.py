"""Engines that are slow, without end or odd, and addresses that are none."""

import contextlib
import gc
import socket
import threading
import time
import weakref

import pytest
from docker.errors import DockerException
from requests.exceptions import ReadTimeout, RequestException

from bench.engine.choose import choose
from bench.engine.docker import answers as docker_answers
from bench.engine.docker import client as docker_client
from bench.engine.docker.address import checked, shown
from bench.engine.docker.answers import BoundedApi, facts, in_time, understood
from bench.engine.docker.client import Endpoint, find_endpoint
from bench.engine.docker.engine import DockerEngine
from bench.errors import NotMeasured, UsageError

SECRET = "hunter2-password"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nowhere",
        "ftp://host",
        "tcp://",
        "tcp://:2375",
        "tcp://host:port",
        "tcp://host:99999999",
        "tcp://host:-1",
        "tcp://[::1",
        "tcp://ho st",
        "tcp://host\n",
        "tcp://host\x1b[31m",
        f"tcp://{'a' * 64}.example",
        "tcp://host:2375?x=1",
        "tcp://-oProxyCommand",
        "ssh://-oProxyCommand",
        "unix://",
        "unix:///",
        "unix:///" + "x" * 200,
        "unix:///a\0b",
    ],
)
@pytest.mark.parametrize("way", ["--host", "DOCKER_HOST"])
def test_what_is_no_address_is_a_wrong_command_line(url, way):
    if not url:
        with pytest.raises(UsageError):
            checked(url)
        return
    with pytest.raises(UsageError, match="is not an engine's address") as said:
        find_endpoint(url, {}) if way == "--host" else find_endpoint(None, {"DOCKER_HOST": url})
    assert len(str(said.value)) < 500


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"tcp://me:{SECRET}@host:2375", "tcp://me:[redacted]@host:2375"),
        (f"tcp://me:{SECRET}/@/x@host", "tcp://me:[redacted]@host"),
        (f"ssh://me:{SECRET}@host", "ssh://me:[redacted]@host"),
        (f"me:{SECRET}@host", "me:[redacted]@host"),
        (f"ftp://me:{SECRET}@host", "ftp://me:[redacted]@host"),
        (f"https://:{SECRET}@host/", "https://:[redacted]@host/"),
        ("ssh://me@host", "ssh://me@host"),
        ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
    ],
)
def test_a_password_is_never_shown(url, said):
    assert shown(url) == said
    if not url.startswith(("ssh", "unix")):
        with pytest.raises(UsageError) as refused:
            checked(url)
        assert SECRET not in str(refused.value)


def test_a_password_where_docker_takes_none_is_refused_without_saying_it():
    with pytest.raises(UsageError, match="names no user") as said:
        docker_client.connect(f"tcp://me:{SECRET}@127.0.0.1:1", {})
    assert SECRET not in str(said.value)
    assert "me:[redacted]@" in str(said.value)


@contextlib.contextmanager
def server(*answers):
    """An engine that gives these answers in turn, each a function of its connection; the last again and again."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        left, over = list(answers), threading.Event()

        def serve():
            while not over.is_set():
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                with line, contextlib.suppress(OSError):
                    if line.recv(65536):  # a probe sends nothing
                        (left.pop(0) if len(left) > 1 else left[0])(line, over)

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()


def says(text):
    body = text.encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return lambda line, _: line.sendall(head.encode() + body)


def drips(line, over):
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while not over.wait(0.1):
        line.sendall(b" ")


def drips_headers(line, over):
    line.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.wait(0.1):
        line.sendall(b"X: y\r\n"[:1])


def floods(line, over):
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
    while not over.is_set():
        line.sendall(b"1," * 50000)


def hangs(_line, over):
    over.wait()


@pytest.mark.parametrize("answer", [drips, drips_headers, hangs], ids=["drips", "drips_headers", "hangs"])
def test_an_engine_that_does_not_come_to_an_end_is_given_up_on(answer):
    began = time.monotonic()
    with server(answer) as url, pytest.raises((ReadTimeout, RequestException)):
        BoundedApi(base_url=url, version="1.41", timeout=0.3).info()
    assert time.monotonic() - began < 30


def test_an_engine_that_left_a_question_without_an_answer_is_not_waited_for_as_long_again(monkeypatch):
    monkeypatch.setattr(docker_answers, "ANSWER_S", 0.6)
    monkeypatch.setattr(docker_answers, "MUTE_S", 0.1)
    with server(hangs) as url:
        api = BoundedApi(base_url=url, version="1.41", timeout=30)
        taken = []
        for ask in (api.info, api.info, lambda: api.start("x"), lambda: api.create_volume("x")):
            began = time.monotonic()
            with pytest.raises(ReadTimeout):
                ask()
            taken.append(time.monotonic() - began)
    assert taken[0] >= 0.6 > max(taken[1:])


def test_an_engine_that_answers_again_has_its_time_again(monkeypatch):
    monkeypatch.setattr(docker_answers, "MUTE_S", 0.2)
    api = BoundedApi(base_url="tcp://127.0.0.1:1", version="1.41", timeout=30)
    api._mute = True
    with server(says("{}")) as url:
        api.base_url = url.replace("tcp", "http")
        assert api.info() == {}
    assert not api._mute


def test_an_answer_without_end_is_not_kept(monkeypatch):
    monkeypatch.setattr(docker_answers, "MAX_ANSWER_BYTES", 1 << 20)
    with server(floods) as url, pytest.raises(DockerException, match="larger than any"):
        BoundedApi(base_url=url, version="1.41", timeout=30).info()


VERSION = '{"ApiVersion": "1.41", "Version": "20.10"}'


@pytest.mark.parametrize("text", ["null", "3", '"x"', "[]", "{", "", "[" * 100000, '{"ApiVersion": null}'])
def test_an_engine_that_answers_oddly_is_none(text):
    with server(says(text)) as url, pytest.raises(NotMeasured):
        choose("docker", url, print)


@pytest.mark.parametrize("text", ["null", "[]", "17", "{"])
def test_an_engine_that_does_not_say_what_it_is_is_none(text):
    with server(says(VERSION), says(VERSION), says(text)) as url, pytest.raises(NotMeasured):
        choose("docker", url, print)


def test_whole_answers_come_through():
    with server(says('{"NCPU": 3, "Name": "lab"}')) as url:
        assert BoundedApi(base_url=url, version="1.41", timeout=10).info() == {"NCPU": 3, "Name": "lab"}


def test_what_is_not_of_its_type_is_left_out():
    odd = {
        "NCPU": "many",
        "MemTotal": -1,
        "SecurityOptions": [None],
        "Runtimes": [],
        "MemoryLimit": "yes",
        "Components": [{"Name": "runc"}],
        "Else": object,
    }
    assert facts(odd) == {"Components": [{"Name": "runc"}], "Else": object}
    for nothing in (None, [], "x"):
        with pytest.raises(DockerException):
            facts(nothing)


def test_an_odd_answer_in_the_middle_of_a_run_is_the_engine_s_failure(api, client, place, task, tmp_path):
    engine = DockerEngine(client, Endpoint("unix:///var/run/docker.sock", "default"))
    api.create_container_from_config = lambda config, name: None
    with pytest.raises(NotMeasured, match="cannot be understood"):
        engine.execute(place, task, tmp_path, print)
    api.containers = lambda **_: [None, 3]
    assert engine.orphans() == []
    assert engine.neighbour() is None


def test_a_call_brings_its_own_failure_back():
    def fails():
        raise KeyError("x")

    with pytest.raises(KeyError):
        in_time(fails, 5)
    assert in_time(lambda: 3, 5) == 3
    with pytest.raises(DockerException), understood():
        fails()


def test_a_failure_and_what_its_trace_holds_is_not_left_to_the_collector():
    class Failure(Exception):
        pass

    def fails():
        raise Failure

    gc.disable()
    try:
        in_time(fails, 5)
    except Failure as error:
        held = weakref.ref(error)
    finally:
        gc.enable()
    assert held() is None
