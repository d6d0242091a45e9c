"""One build through the engine's API: the stream of lines, and an error that says what went wrong."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from bench.errors import NotMeasured

Notify = Callable[[str], None]
Redact = Callable[[str], str]

_NOISE = re.compile(r"^( --->|Removing intermediate container|Successfully (built|tagged))")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_KEPT_LINES = 8


@contextmanager
def patience(client: docker.DockerClient, seconds: int = 3600) -> Iterator[None]:
    """Let calls be silent for longer: a large layer is written, or a large package fetched, without a word."""
    before = client.api.timeout
    client.api.timeout = seconds
    try:
        yield
    finally:
        client.api.timeout = before


def parse_stream(events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield (kind, line) for the events of a build or a pull: kind is "line" or "error"; no control codes."""
    rest = ""
    for event in events:
        if "error" in event:
            yield "error", _clean(str(event["error"]))
            continue
        rest += str(event.get("stream", ""))
        *lines, rest = rest.split("\n")
        for line in lines:
            # A progress bar overwrites its line; its last state is enough.
            text = _clean(line.rstrip("\r").rpartition("\r")[2])
            if text.strip():
                yield "line", text
    if rest.strip():
        yield "line", _clean(rest)


def _clean(text: str) -> str:
    return _CONTROL.sub("", text).rstrip()


def build(
    client: docker.DockerClient,
    *,
    context: IO[bytes],
    dockerfile: str,
    target: str,
    tag: str,
    arguments: Mapping[str, str],
    notify: Notify,
    redact: Redact = str,
    network: str | None = None,
    no_cache: bool = False,
    labels: Mapping[str, str] | None = None,
) -> None:
    """Build one image from an open context and tag it; every line goes to `notify`.

    Raises:
        NotMeasured: the build failed (with its last lines), or the engine went away.
    """
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    failure = None
    try:
        events = client.api.build(
            fileobj=context,
            custom_context=True,
            dockerfile=dockerfile,
            target=target,
            tag=tag,
            buildargs=dict(arguments),
            labels=dict(labels or {}),
            network_mode=network,
            nocache=no_cache,
            rm=True,
            forcerm=True,
            decode=True,
        )
        for kind, line in parse_stream(events):
            text = redact(line)
            if kind == "error":
                failure = text  # the stream is read to its end, which frees the connection
            elif not _NOISE.match(text):
                last.append(text)
                notify(text)
    except (DockerException, RequestException) as error:
        raise NotMeasured(
            f"image {tag} cannot be built", redact(str(error)), "see that the engine still runs"
        ) from error
    if failure is not None:
        raise NotMeasured(f"image {tag} cannot be built", _cause(failure, last), "the lines above say more")


def _cause(error: str, last: Iterable[str]) -> str:
    """The failing step's own words, where it left any; the engine's error names only the command."""
    own = [line.removeprefix("*** ") for line in last if line.startswith("*** ")]
    if own and "returned a non-zero code" in error:
        return own[-1]
    words = [line for line in last if not line.startswith("Step ")]
    return " / ".join([*words[-3:], error])
