import json
import socket
import threading

import pytest
from docker.errors import DockerException

from bench.engine.docker import client as docker_client
from bench.engine.docker.address import DEFAULT_SOCKET
from bench.engine.docker.client import (
    Endpoint,
    connect,
    find_endpoint,
    open_client,
    probe,
    reason,
)
from bench.errors import NotMeasured, UsageError


@pytest.fixture
def docker_config(tmp_path, monkeypatch):
    """A configuration folder of the docker command, without contexts."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


def add_context(folder, name, host):
    import hashlib

    meta = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    meta.mkdir(parents=True)
    endpoints = {"docker": {"Host": host, "SkipTLSVerify": False}}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": endpoints}))


def test_the_option_wins_over_the_environment_and_that_over_the_context(docker_config):
    add_context(docker_config, "lab", "ssh://me@lab")
    (docker_config / "config.json").write_text(json.dumps({"currentContext": "lab"}))
    environ = {"DOCKER_HOST": "tcp://elsewhere:2375"}
    assert find_endpoint("unix:///x.sock", environ).url == "unix:///x.sock"
    assert find_endpoint(None, environ) == Endpoint("tcp://elsewhere:2375", "DOCKER_HOST")
    assert find_endpoint(None, {}) == Endpoint("ssh://me@lab", "Docker context 'lab'")


def test_a_context_can_be_named_in_the_environment(docker_config):
    add_context(docker_config, "lab", "ssh://me@lab")
    assert find_endpoint(None, {"DOCKER_CONTEXT": "lab"}).url == "ssh://me@lab"
    with pytest.raises(UsageError, match="no Docker context 'none'"):
        find_endpoint(None, {"DOCKER_CONTEXT": "none"})


@pytest.mark.parametrize("there", [True, False])
def test_contexts_lie_in_the_configuration_s_folder_whether_or_not_it_has_a_file(docker_config, monkeypatch, there):
    add_context(docker_config, "lab", "ssh://me@lab")
    if not there:
        (docker_config / "config.json").unlink()
    other = docker_config.parent / "here"
    add_context(other, "here", "ssh://me@here")
    monkeypatch.chdir(other)  # contexts of the current folder are nobody's
    assert find_endpoint(None, {"DOCKER_CONTEXT": "lab"}).url == "ssh://me@lab"
    with pytest.raises(UsageError, match="no Docker context 'here'"):
        find_endpoint(None, {"DOCKER_CONTEXT": "here"})


def test_the_configuration_lies_at_home_without_another_word(tmp_path, monkeypatch):
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    add_context(tmp_path / ".docker", "lab", "ssh://me@lab")
    (tmp_path / ".dockercfg").write_text("{}")
    assert find_endpoint(None, {"DOCKER_CONTEXT": "lab"}).url == "ssh://me@lab"


def test_a_current_context_that_is_gone_is_named_with_where_it_is_named(docker_config):
    (docker_config / "config.json").write_text('{"currentContext": "gone"}')
    with pytest.raises(UsageError, match=r"no Docker context 'gone': .*config\.json names it"):
        find_endpoint(None, {})
    assert find_endpoint(None, {"DOCKER_CONTEXT": "default"}).origin != "Docker context 'gone'"
    assert find_endpoint(None, {"DOCKER_HOST": "tcp://a:1"}).url == "tcp://a:1"


@pytest.mark.parametrize("text", ["{", "[]", '{"currentContext": ""}', '{"currentContext": 7}'])
def test_a_damaged_configuration_names_no_context(docker_config, text):
    (docker_config / "config.json").write_text(text)
    assert not find_endpoint(None, {}).origin.startswith("Docker context")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"Endpoints": []}', '{"Endpoints": {"docker": {"Host": 7}}}'])
def test_a_context_of_another_form_is_refused(docker_config, text):
    add_context(docker_config, "lab", "ssh://me@lab")
    next(docker_config.rglob("meta.json")).write_text(text)
    with pytest.raises(UsageError, match="cannot be read"):
        find_endpoint(None, {"DOCKER_CONTEXT": "lab"})


def test_a_context_brings_its_certificates(docker_config):
    add_context(docker_config, "lab", "tcp://lab:2376")
    assert find_endpoint(None, {"DOCKER_CONTEXT": "lab"}).tls is None
    meta = next(docker_config.rglob("meta.json"))
    folder = docker_config / "contexts" / "tls" / meta.parent.name / "docker"
    folder.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).touch()
    found = find_endpoint(None, {"DOCKER_CONTEXT": "lab"}).tls
    assert found.cert == (str(folder / "cert.pem"), str(folder / "key.pem"))
    assert (found.ca_cert, found.verify) == (str(folder / "ca.pem"), True)


def test_a_damaged_context_is_named(docker_config):
    add_context(docker_config, "lab", "ssh://me@lab")
    next(docker_config.rglob("meta.json")).write_text("{")
    with pytest.raises(UsageError, match="cannot be read"):
        find_endpoint(None, {"DOCKER_CONTEXT": "lab"})


@pytest.mark.usefixtures("docker_config")
def test_without_any_of_them_it_is_the_default_socket(tmp_path, monkeypatch):
    monkeypatch.setattr(docker_client, "DEFAULT_SOCKET", f"unix://{tmp_path}/system.sock")
    (tmp_path / "docker.sock").touch()
    rootless = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert find_endpoint(None, {}).url == f"unix://{tmp_path}/system.sock"
    assert find_endpoint(None, rootless).url == f"unix://{tmp_path}/docker.sock"
    (tmp_path / "system.sock").touch()
    assert find_endpoint(None, rootless).url == f"unix://{tmp_path}/system.sock"
    assert DEFAULT_SOCKET == "unix:///var/run/docker.sock"


def test_an_address_needs_a_scheme():
    with pytest.raises(UsageError, match="'localhost' is not an engine's address"):
        find_endpoint("localhost")


def test_tls_is_taken_for_tcp_alone(tmp_path):
    for name in ("cert.pem", "key.pem", "ca.pem"):
        (tmp_path / name).touch()
    environ = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    assert find_endpoint("tcp://lab:2376", environ).tls is not None
    assert find_endpoint("unix:///x", environ).tls is None
    assert find_endpoint("tcp://lab:2375", {}).tls is None
    (tmp_path / "key.pem").unlink()
    with pytest.raises(UsageError, match="certificates cannot be read"):
        find_endpoint("tcp://lab:2376", environ)


def test_no_engine_is_not_measured_and_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(NotMeasured) as caught:
        connect(f"unix://{tmp_path}/none.sock")
    text = str(caught.value)
    assert f"no Docker engine answers at unix://{tmp_path}/none.sock (--host): there is no such socket" in text
    assert "systemctl start docker" in text
    assert "--engine local" in text


def test_a_port_that_nobody_listens_at_is_said_so():
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port = line.getsockname()[1]
    with pytest.raises(NotMeasured, match="nothing listens there"):
        connect(f"tcp://127.0.0.1:{port}")


def test_a_listener_that_says_nothing_does_not_hang_us(tmp_path, monkeypatch):
    monkeypatch.setattr(docker_client, "CONNECT_TIMEOUT_S", 0.3)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        probe(f"unix://{tmp_path}/s")
        with pytest.raises(NotMeasured, match="did not answer in time"):
            connect(f"unix://{tmp_path}/s")


def test_an_engine_that_answers_is_connected_to(tmp_path):
    """A server that knows two pages of the API."""
    body = json.dumps({"ApiVersion": "1.41"}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"

    def serve(server):
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            with line:
                if line.recv(4096):
                    line.sendall(answer % (len(body), body))

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        client, endpoint = connect(f"unix://{tmp_path}/s")
        assert client.api.api_version == "1.41"
        assert endpoint.origin == "--host"
        client.close()
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_ssh_is_the_users_own_and_no_library(monkeypatch):
    asked = {}
    monkeypatch.setattr(docker_client, "socket_of", lambda url: f"unix:///tunnel/{url.partition('@')[2]}")
    monkeypatch.setattr(docker_client, "BoundedClient", lambda **arguments: asked.update(arguments))
    open_client(Endpoint("ssh://me@lab", "x"), 5)
    assert asked == {"base_url": "unix:///tunnel/lab", "timeout": 5, "version": "auto"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied"), "group 'docker'"),
        (DockerException("Error: ('Connection aborted.', FileNotFoundError(2, 'x'))"), "no such socket"),
        (DockerException("first line\nsecond"), "first line"),
        (OSError(), "OSError"),
        (DockerException("x" * 1000), "x" * 300),
    ],
)
def test_reasons_are_short(error, words):
    assert words in reason(error)
    assert len(reason(error)) <= 300
