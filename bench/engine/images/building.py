"""One build through the engine's API: the stream of lines, and an error that names what went wrong."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from bench.engine.images.options import BuildOptions
from bench.errors import NotMeasured
from bench.lines import Passing

Notify = Callable[[str], None]

_NOISE = re.compile(r"^( ?--->?|Removing intermediate container|Successfully (built|tagged))")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_KEPT_LINES = 20


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


@dataclass(frozen=True, slots=True)
class Build:
    """What to build.

    Attributes:
        context: the open tar with the Dockerfile and all that it copies.
        dockerfile: the name of the Dockerfile in it.
        target: the stage to build; empty for the last.
        tag: the image's name.
        arguments: the Dockerfile's build arguments.
        labels: the image's labels.
    """

    context: IO[bytes]
    dockerfile: str
    target: str
    tag: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def build(client: docker.DockerClient, wanted: Build, options: BuildOptions, notify: Notify) -> None:
    """Build one image and tag it.

    Args:
        client: the engine that builds.
        wanted: the image.
        options: how images are built on this machine: the network, and whether steps may come from the cache.
        notify: takes every line of the build as one that passes, and the last ones if it failed; without addresses that
            hold a password.

    Raises:
        NotMeasured: the build failed (with its last lines), or the engine went away.
    """
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    failure = None
    try:
        events = client.api.build(
            fileobj=wanted.context,
            custom_context=True,
            dockerfile=wanted.dockerfile,
            target=wanted.target,
            tag=wanted.tag,
            buildargs=dict(wanted.arguments),
            labels=dict(wanted.labels),
            network_mode=options.network,
            nocache=options.no_cache,
            rm=True,
            forcerm=True,
            decode=True,
        )
        for kind, line in parse_stream(events):
            text = options.redact(line)
            if kind == "error":
                failure = text  # the stream is read to its end, which frees the connection
            elif not _NOISE.match(text):
                last.append(text)
                notify(Passing(text))
    except (DockerException, RequestException) as error:
        raise NotMeasured(
            f"image {wanted.tag} cannot be built", options.redact(str(error)), "see that the engine still runs"
        ) from error
    if failure is not None:
        for text in last:
            notify(text)
        raise NotMeasured(f"image {wanted.tag} cannot be built", _cause(failure, last), "the lines above say more")


def _cause(error: str, last: Iterable[str]) -> str:
    """The failing step's own words, if it left any; the engine's error names only the command."""
    own = [line.removeprefix("*** ") for line in last if line.startswith("*** ")]
    if own and "returned a non-zero code" in error:
        # What pip says before it gives up, once a try, is what it says at its end, with addresses of memory.
        step, colon, rest = own[-1].partition(": ")
        kept = [part for part in rest.split(" / ") if not part.startswith("WARNING: Retrying")]
        return step + colon + " / ".join(kept or [rest])
    words = [line for line in last if not line.startswith("Step ")]
    return " / ".join([*words[-3:], error])
