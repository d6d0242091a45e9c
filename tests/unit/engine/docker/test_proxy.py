"""Through which proxy an engine is reached."""

import socket
import threading

import pytest

from bench.engine.docker.address import proxy_of
from bench.engine.docker.answers import BoundedApi
from bench.engine.docker.client import connect
from bench.errors import NotMeasured

PROXY = "http://proxy:3128"
BOTH = {"HTTP_PROXY": PROXY, "HTTPS_PROXY": "http://secure:3128"}


@pytest.mark.parametrize(
    ("url", "environ", "tls", "proxy"),
    [
        ("tcp://lab:2375", BOTH, False, PROXY),
        ("tcp://lab:2376", BOTH, True, "http://secure:3128"),
        ("https://lab:2376", BOTH, False, "http://secure:3128"),
        ("tcp://lab:2375", {"http_proxy": "proxy:3128"}, False, PROXY),
        ("tcp://lab:2375", {"HTTP_PROXY": PROXY, "http_proxy": "http://other:1"}, False, PROXY),
        ("tcp://lab:2375", {"ALL_PROXY": PROXY, "all_proxy": PROXY}, False, None),
        ("tcp://lab:2375", {"HTTPS_PROXY": PROXY}, False, None),
        ("tcp://lab:2375", BOTH | {"REQUEST_METHOD": "GET"}, False, None),
        ("tcp://127.0.0.1:2375", BOTH, False, None),
        ("tcp://127.8.9.1:2376", BOTH, True, None),
        ("tcp://localhost:2375", BOTH, False, None),
        ("tcp://[::1]:2375", BOTH, False, None),
        ("unix:///var/run/docker.sock", BOTH, False, None),
        ("ssh://me@lab", BOTH, False, None),
    ],
)
def test_it_is_the_docker_command_s_own(url, environ, tls, proxy):
    assert proxy_of(url, environ, tls=tls) == proxy


@pytest.mark.parametrize(
    ("host", "excepted", "direct"),
    [
        ("lab.example.org", "*", True),
        ("lab.example.org", "example.org", True),
        ("lab.example.org", ".example.org", True),
        ("lab.example.org", "*.example.org", True),
        ("example.org", ".example.org", False),
        ("example.org", "example.org", True),
        ("badexample.org", "example.org", False),
        ("lab", "other, lab", True),
        ("lab", "lab:2375", True),
        ("lab", "lab:2376", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:2375", True),
        ("11.1.2.3", "10.0.0.0/8,,", False),
        ("[fd00::1]", "fd00::/8", True),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_hosts_are_excepted_as_go_excepts_them(host, excepted, direct, name):
    found = proxy_of(f"tcp://{host}:2375", {"HTTP_PROXY": PROXY, name: excepted}, tls=False)
    assert (found is None) is direct


@pytest.fixture
def engine_or_proxy():
    """A peer that answers one request with nothing but remembers its first line."""
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                with line:
                    asked = line.recv(4096).decode()
                    if asked:
                        seen.append(asked.splitlines()[0])
                        line.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], seen
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_an_engine_on_this_machine_is_asked_itself(engine_or_proxy, monkeypatch, name):
    port, seen = engine_or_proxy
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(NotMeasured, match="503"):
        connect(f"tcp://127.0.0.1:{port}")
    assert seen[0].startswith("GET /version ")


def test_an_engine_elsewhere_is_asked_through_the_proxy_which_is_named_without_its_password(engine_or_proxy):
    port, seen = engine_or_proxy
    environ = {"HTTP_PROXY": f"http://me:secret@127.0.0.1:{port}"}
    with pytest.raises(NotMeasured) as refused:
        connect("tcp://engine.invalid:2375", environ)
    assert seen[0].startswith("GET http://engine.invalid:2375/version ")
    assert f"through the proxy http://me:[redacted]@127.0.0.1:{port}" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_what_a_netrc_holds_is_not_sent(engine_or_proxy, monkeypatch, tmp_path):
    port, _ = engine_or_proxy
    (tmp_path / "netrc").write_text("default login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    client = BoundedApi(base_url=f"tcp://127.0.0.1:{port}", version="1.41")
    assert client.trust_env is False
    assert "Authorization" not in client.get(f"http://127.0.0.1:{port}/x").request.headers
