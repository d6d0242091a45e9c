"""No call to an engine leaves a socket to the collector, however the call ended."""

from __future__ import annotations

import contextlib
import gc
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from requests.exceptions import ReadTimeout

from bench.engine.docker.answers import BoundedApi, hang_up, in_time
from bench.engine.docker.container import copy_folder
from bench.engine.reach import unix
from bench.engine.stream import EventReader
from bench.engine.transfer.bounds import Bounds

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
STAT = b"X-Docker-Container-Path-Stat: e30=\r\n"  # {}
FRAME = struct.pack(">BxxxL", 1, 6) + b"hello\n"
Serve = Callable[[socket.socket], None]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def says(body: bytes, status: bytes = b"200 OK") -> Serve:
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    return lambda line: line.sendall(head + body)


def streams(head: bytes, piece: bytes, times: int | None = None) -> Serve:
    """An answer in pieces; without end unless it is told how many."""

    def serve(line: socket.socket) -> None:
        line.sendall(head + b"\r\n")
        for _ in range(1 << 30 if times is None else times):
            line.sendall(piece)
        line.sendall(b"0\r\n\r\n")

    return serve


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[socket.socket]]:
    """The sockets that the client has made. Nothing is collected meanwhile."""
    found: list[socket.socket] = []

    class Kept(socket.socket):
        def __init__(self, *arguments: int) -> None:
            super().__init__(*arguments)
            found.append(self)

    class Module:
        socket, AF_UNIX, SOCK_STREAM = Kept, socket.AF_UNIX, socket.SOCK_STREAM

    monkeypatch.setattr(unix, "socket", Module)
    was = gc.isenabled()
    gc.disable()
    yield found
    if was:
        gc.enable()


@contextlib.contextmanager
def engine(*answers: Serve) -> Iterator[str]:
    """A Unix socket that gives these answers in turn, the last one again and again."""
    left = list(answers)
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/s")
        listening.listen()

        def one(line: socket.socket) -> None:
            with line, contextlib.suppress(OSError):
                while line.recv(65536):
                    (left.pop(0) if len(left) > 1 else left[0])(line)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=one, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"unix://{folder}/s"
        listening.shutdown(socket.SHUT_RDWR)


def archive_in_part(api: BoundedApi) -> object:
    pieces, _ = api.get_archive("x", "/out")
    return first_of(pieces)


def archive_not_read(api: BoundedApi) -> None:
    pieces, _ = api.get_archive("x", "/out")
    pieces.close()


def copied(api: BoundedApi) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy_folder(api, "x", Path(folder), Bounds(max_bytes=1 << 16, seconds=0.2))


def followed(api: BoundedApi) -> object:
    pieces = api.attach("x", stdout=True, stderr=True, stream=True, demux=True)
    reader = EventReader(pieces, partial(hang_up, pieces))
    reader.next(0.05)
    reader.close()
    return pieces


def log_in_part(api: BoundedApi) -> object:
    stream: Any = api.logs("x", stream=True, follow=True)
    next(stream)
    hang_up(stream)
    return stream


def first_of(stream: Any) -> object:
    next(stream)
    stream.close()
    return stream


CALLS: dict[str, tuple[Serve, Callable[[BoundedApi], object]]] = {
    "an answer": (says(b"{}"), lambda api: api.info()),
    "a refusal": (says(b'{"message": "no"}', b"500 Internal Server Error"), lambda api: api.info()),
    "no JSON": (says(b"{"), lambda api: api.info()),
    "no HTTP": (lambda line: line.sendall(b"hello\r\n\r\n"), lambda api: api.info()),
    "broken off": (lambda line: line.shutdown(socket.SHUT_RDWR), lambda api: api.info()),
    "broken off in the middle": (
        lambda line: (line.sendall(CHUNKED + b"\r\n5\r\nhe"), line.shutdown(socket.SHUT_RDWR))[0],
        lambda api: api.info(),
    ),
    "without end": (streams(CHUNKED, chunk(b"1," * 30000)), lambda api: api.info()),
    "an archive in part": (streams(CHUNKED + STAT, chunk(bytes(30000))), archive_in_part),
    "an archive, not read": (streams(CHUNKED + STAT, chunk(bytes(30000))), archive_not_read),
    "an archive without end": (streams(CHUNKED + STAT, chunk(bytes(30000))), copied),
    "an archive to its end": (streams(CHUNKED + STAT, chunk(bytes(10240)), 2), copied),
    "no such path": (says(b'{"message": "no"}', b"404 Not Found"), copied),
    "output": (streams(UPGRADED, FRAME, 3), followed),
    "output without end": (streams(UPGRADED, FRAME), followed),
    "output refused": (says(b'{"message": "no"}', b"409 Conflict"), followed),
    "a log": (streams(CHUNKED, chunk(FRAME), 3), lambda api: list(api.logs("x", stream=True, follow=True))),
    "a log in part": (streams(CHUNKED, chunk(FRAME)), log_in_part),
    "a pull in part": (streams(CHUNKED, chunk(b'{"status": "x"}')), lambda api: first_of(api.pull("x:1", stream=True))),
    "an image in part": (streams(CHUNKED, chunk(bytes(9000))), lambda api: first_of(api.get_image("x"))),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_leaves_no_socket_open(name: str, made: list[socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.engine.docker.answers.MAX_ANSWER_BYTES", 1 << 20)
    serve, call = CALLS[name]
    with engine(serve) as url, contextlib.closing(BoundedApi(base_url=url, version="1.41", timeout=5)) as api:
        held: list[object] = []  # whatever somebody still has of the call, its sockets are closed
        try:
            held.append(call(api))
        except Exception as error:
            held.append(error)
        api.close()  # what waits for the next call
        assert closed(made)


@pytest.mark.parametrize("listens", [True, False])
def test_nobody_there(made: list[socket.socket], tmp_path: Path, listens: bool) -> None:
    path = f"{tmp_path}/s"
    if listens:
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(path)
    with pytest.raises(Exception, match=r"refused|No such file") as said:
        BoundedApi(base_url=f"unix://{path}", version="auto", timeout=5)
    assert closed(made), said


@pytest.mark.parametrize("serve", [says(b"null"), says(b"no", b"500 Internal Server Error")])
def test_a_client_that_could_not_be_made_leaves_none(made: list[socket.socket], serve: Serve) -> None:
    with engine(serve) as url, pytest.raises(Exception, match="version") as said:
        BoundedApi(base_url=url, version="auto", timeout=5)
    assert closed(made), said


def test_an_answer_that_comes_when_nobody_waits_any_more_is_closed() -> None:
    go, ended = threading.Event(), threading.Event()

    class Answer:
        def close(self) -> None:
            ended.set()

    def late() -> Answer:
        go.wait(5)
        return Answer()

    with pytest.raises(ReadTimeout):
        in_time(late, 0.01)
    go.set()
    assert ended.wait(5)


def closed(sockets: list[socket.socket]) -> bool:
    """Whether all of them are closed, by threads too that are about to."""
    assert sockets
    until = time.monotonic() + 5
    while any(one.fileno() >= 0 for one in sockets):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
