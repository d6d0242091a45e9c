"""Each call of a run to an engine that answers it slowly, without end or oddly: an ending or a reason, never a fault."""

from __future__ import annotations

import contextlib
import io
import json
import re
import struct
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.engine import supervise
from bench.engine.docker import answers, container
from bench.engine.docker import engine as engine_module
from bench.engine.docker.answers import BoundedClient
from bench.engine.docker.client import Endpoint
from bench.engine.docker.engine import DockerEngine
from bench.engine.protocol import Ending, Place, Task
from bench.errors import NotMeasured

ENDED = {"State": {"Running": False, "Status": "exited", "ExitCode": 0, "OOMKilled": False}}
EVENT = b'{"event": "ended", "outcome": "passed"}\n'
FRAME = struct.pack(">BxxxL", 1, len(EVENT)) + EVENT
STAT = "e30="  # {}
Handler = BaseHTTPRequestHandler
Answer = Callable[[Handler], None]


def says(body: bytes, status: int = 200) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("X-Docker-Container-Path-Stat", STAT)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def empty(handler: Handler) -> None:
    handler.send_response(204)
    handler.end_headers()


def tells(handler: Handler) -> None:
    """What a container prints, by a connection that is no HTTP any more."""
    handler.wfile.write(b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n" + FRAME)
    handler.close_connection = True


def folder() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        entry = tarfile.TarInfo("./pytest.log")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"said\n"))
    return data.getvalue()


GOOD: dict[str, Answer] = {
    "GET /info": says(b"{}"),
    "GET /version": says(b'{"ApiVersion": "1.41", "Version": "20.10"}'),
    "POST /volumes/create": says(b'{"Name": "x"}', 201),
    "POST /containers/create": says(b'{"Id": "abc"}', 201),
    "PUT /containers/ID/archive": says(b""),
    "POST /containers/ID/attach": tells,
    "POST /containers/ID/start": empty,
    "GET /containers/ID/json": says(json.dumps(ENDED).encode()),
    "GET /containers/ID/archive": says(folder()),
    "DELETE /containers/ID": empty,
    "DELETE /volumes/ID": empty,
}
OVER = threading.Event()


def hangs(_handler: Handler) -> None:
    OVER.wait(20)


def drips(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while not OVER.wait(0.05):
        handler.wfile.write(b" ")


def breaks_off(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    handler.close_connection = True


ODD: dict[str, Answer] = {
    "null": says(b"null"),
    "a number": says(b"17"),
    "a list": says(b'[null, {"Id": 3}]'),
    "another object": says(b'{"Id": {}, "State": [], "message": 3}'),
    "no JSON": says(b"{"),
    "nothing": says(b""),
    "a page": says(b"<html>busy</html>", 503),
    "an odd refusal": says(b'{"message": {"a": []}}', 500),
    "not there": says(b'{"message": "no such thing"}', 404),
    "breaks off": breaks_off,
    "hangs": hangs,
    "drips": drips,
}


@contextlib.contextmanager
def serving(routes: dict[str, Answer]) -> Iterator[str]:
    class Routed(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with contextlib.suppress(OSError):
                super().handle_one_request()

        def route(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            while self.headers.get("Transfer-Encoding") and (size := int(self.rfile.readline(), 16)) >= 0:
                self.rfile.read(size + 2)
                if size == 0:
                    break
            path = re.sub(r"^/v[\d.]+", "", self.path.partition("?")[0])
            path = re.sub(r"^/(containers|volumes)/(?!create$)[^/]+", r"/\1/ID", path)
            routes.get(f"{self.command} {path}", says(b'{"message": "no such page"}', 404))(self)

        do_GET = do_POST = do_PUT = do_DELETE = route

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Routed) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def run(routes: dict[str, Answer], place: Place, task: Task, out: Path) -> Ending | NotMeasured:
    with serving(routes) as url, contextlib.closing(BoundedClient(base_url=url, version="1.41", timeout=0.3)) as client:
        try:
            return DockerEngine(client, Endpoint(url, "--host")).execute(place, task, out, lambda _: None)
        except NotMeasured as error:
            return error


@pytest.fixture(autouse=True)
def over() -> Iterator[None]:
    OVER.clear()
    yield
    OVER.set()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "ANSWER_S", 0.2)
    monkeypatch.setattr(answers, "MUTE_S", 0.1)
    monkeypatch.setattr(answers, "UPLOAD_S", 0.3)
    monkeypatch.setattr(container, "REMOVE_PATIENCE_S", 0.1)
    monkeypatch.setattr(container, "LITTLE_S", 0.1)
    monkeypatch.setattr(supervise, "RETURN_PATIENCE_S", 0.2)
    monkeypatch.setattr(supervise, "QUIET_S", 0.2)
    monkeypatch.setattr(engine_module, "RETURN_PATIENCE_S", 0.2)
    monkeypatch.setattr(engine_module, "Bounds", lambda **more: container.Bounds(seconds=0.2, **more))


def test_an_engine_that_answers_well(place: Place, task: Task, tmp_path: Path) -> None:
    ending = run(GOOD, place, task, tmp_path)
    assert isinstance(ending, Ending)
    assert (ending.exit_code, ending.error, ending.left) == (0, None, None)
    assert (tmp_path / "pytest.log").read_bytes() == b"said\n"


@pytest.mark.parametrize("endpoint", GOOD)
def test_an_endpoint_that_does_not(endpoint: str, place: Place, task: Task, tmp_path: Path) -> None:
    def one(name: str) -> Ending | NotMeasured:
        out = tmp_path / name
        out.mkdir()
        return run({**GOOD, endpoint: ODD[name]}, place, task, out)

    began = time.monotonic()
    with ThreadPoolExecutor(len(ODD)) as pool:  # most of it is waiting
        all_ended = list(pool.map(one, ODD))
    assert time.monotonic() - began < 15
    for name, ended in zip(ODD, all_ended, strict=True):
        if isinstance(ended, NotMeasured):
            assert ended.cause, name
            assert len(str(ended)) < 1000, name
        elif ended.exit_code is None:
            assert ended.error, name
