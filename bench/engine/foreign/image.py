"""Any image as the place of a command: found or pulled, read through a container that never starts, described."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests.exceptions import RequestException

from bench.engine.foreign.runtime import ensure_runtime
from bench.engine.images.contents import helper_labels
from bench.engine.images.ensure import reference_of
from bench.engine.images.facts import content_digest, without_password
from bench.engine.images.options import BuildOptions
from bench.engine.protocol import Notify, Place
from bench.errors import NotMeasured, UsageError
from bench.record.schema import Image

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH of an image that sets none, as Docker has it."""
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "386": "i686", "arm": "armv7l"}
_MAX_BYTES = 1024**2
_OURS = frozenset({"HOME", "TMPDIR", "PATH", "USER", "LOGNAME", "LD_PRELOAD"})
"""Variables that a run sets itself, whatever the image has."""
_PYTHONS = ("usr/local/bin/python3", "usr/bin/python3", "opt/conda/bin/python3")
_LOADERS = {
    "musl": ("lib/ld-musl-x86_64.so.1", "lib/ld-musl-aarch64.so.1"),
    "glibc": ("lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"),
}
"""Where the loader of each C library lies, the rarer library first."""


@dataclass(frozen=True, slots=True)
class Inside:
    """What an image holds, as far as its files tell. ``system`` is the distribution's own name for itself."""

    system: str | None
    libc: str | None
    python: str | None
    torch: str | None


def foreign_place(client: docker.DockerClient, reference: str, options: BuildOptions, notify: Notify) -> Place:
    """Return an image of any name as a place to run commands in.

    Args:
        client: a client of the engine.
        reference: a name that the engine takes: with a tag, a digest, or an id.
        options: how our own image is built, whose Python is brought along.
        notify: takes each line for the person who waits.

    Raises:
        NotMeasured: the image cannot be had, or is for other machines than the engine's.
        UsageError: no image can have that name.
    """
    try:
        attrs = _found(client, reference, notify)
        _check(attrs, client.info(), reference)
        inside = read_inside(client, str(attrs["Id"]))
        runtime = ensure_runtime(client, options, notify)
    except (DockerException, RequestException) as error:
        raise NotMeasured(
            f"the image {reference} cannot be had", options.redact(str(error)), "see 'bench doctor'"
        ) from error
    config: Mapping[str, Any] = attrs.get("Config") or {}
    env = dict(one.split("=", 1) for one in config.get("Env") or [] if "=" in one)
    return Place(
        python=runtime.python,
        agent=runtime.agent,
        diagnostics="/",
        handle=str(attrs["Id"]),
        image=image_of(reference, attrs, inside),
        launcher=runtime.launcher,
        runtime=runtime.volume,
        env={name: value for name, value in env.items() if name not in _OURS},
        path=env.get("PATH") or PATH,
        folder=config.get("WorkingDir") or "/",
        has_python=False,
    )


def image_of(reference: str, attrs: Mapping[str, Any], inside: Inside) -> Image:
    """Return an image as the record shows it: its fingerprint is that of its layers, variables and folder (pure).

    Args:
        reference: the name that was given.
        attrs: what the engine reports of the image.
        inside: what it holds.
    """
    config: Mapping[str, Any] = attrs.get("Config") or {}
    layers = content_digest([str(one) for one in (attrs.get("RootFS") or {}).get("Layers") or []])
    deciding = {"layers": layers, "env": sorted(config.get("Env") or []), "folder": config.get("WorkingDir") or "/"}
    digests = [str(one) for one in attrs.get("RepoDigests") or []]
    return Image(
        name=without_password(reference),
        digest=digests[0].partition("@")[2] if digests else str(attrs["Id"]),
        base=", ".join(part for part in (inside.system, inside.libc) if part) or None,
        lock_sha256=None,
        fingerprint=hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest(),
        python=inside.python,
        torch=inside.torch,
    )


def read_inside(client: docker.DockerClient, image: str) -> Inside:
    """Return what an image holds, read from its files alone: nothing of it is run.

    Raises:
        DockerException: the engine does not answer.
    """
    with _files(client, image) as files:
        system = parse_os_release(files.text("etc/os-release") or files.text("usr/lib/os-release") or "")
        kinds = [kind for kind, paths in _LOADERS.items() if any(files.has(path) for path in paths)]
        libc = kinds[0] if kinds else "no C library"
        python = next((version for name in _PYTHONS if (version := files.version(name)) is not None), None)
        torch = _torch(files, python) if python else None
    return Inside(system, libc, python, torch)


def parse_os_release(text: str) -> str | None:
    """Return a distribution's own name for itself, from os-release(5); ``None`` if it gives none."""
    found = re.search(r"^PRETTY_NAME=(['\"]?)(?P<name>.*?)\1\s*$", text, re.MULTILINE)
    return found["name"][:100] if found and found["name"] else None


def _found(client: docker.DockerClient, reference: str, notify: Notify) -> Mapping[str, Any]:
    """What the engine reports of the image, which is pulled if it is not there."""
    try:
        found: Mapping[str, Any] = client.images.get(reference).attrs
    except ImageNotFound:
        notify(f"pulling {without_password(reference)}")
        try:
            client.images.pull(*reference_of(reference))
            found = client.images.get(reference).attrs
        except (APIError, ImageNotFound) as error:
            why = without_password(str(error.explanation or error))
            fix = "see that its name is right and its registry can be reached, or load it with 'docker load'"
            raise NotMeasured(f"the image {without_password(reference)} cannot be pulled", why, fix) from error
    except APIError as error:
        if "invalid reference format" not in str(error.explanation):
            raise
        what = f"no image can be called {without_password(reference)!r:.150}"
        raise UsageError(what, fix="write it as in debian:12, or name@sha256:DIGEST") from error
    return found


def _check(attrs: Mapping[str, Any], info: Mapping[str, Any], reference: str) -> None:
    """Refuse an image of another kind of machine: an emulator would be measured.

    Raises:
        NotMeasured: it is one.
    """
    system, machine = str(attrs.get("Os") or "linux"), str(attrs.get("Architecture") or "")
    if system != "linux":
        raise NotMeasured(f"the image {reference} is for {system}", fix="name one for Linux")
    here = str(info.get("Architecture") or "")
    if machine and here and _MACHINES.get(machine, machine) != _MACHINES.get(here, here):
        what = f"the image {reference} is for {machine}, and the engine's host is {here}"
        raise NotMeasured(what, "an emulator would be measured", "name the image for this kind of machine")


class _Files:
    """Files of a container that never starts, each read by a call of its own and within a bound."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def text(self, path: str) -> str | None:
        """The text of a file, links followed once; ``None`` if it is not there or too large."""
        found = self._member(path)
        if found is not None and found[0].issym():
            link = found[0].linkname
            target = link.lstrip("/") if link.startswith("/") else f"{path.rpartition('/')[0]}/{link}"
            found = self._member(re.sub(r"[^/]+/\.\./", "", target))
        return found[1].decode("utf-8", "replace") if found is not None and found[0].isfile() else None

    def has(self, path: str) -> bool:
        """Whether a file is there."""
        return self._stat(path) is not None

    def version(self, path: str) -> str | None:
        """The version of a Python, from the name that its link leads to; ``None`` if it is not there."""
        about = self._stat(path)
        target = str((about or {}).get("linkTarget") or "")
        found = re.search(r"python(?P<version>3\.\d+)", target)
        return found["version"] if found else "3" if about is not None else None

    def _stat(self, path: str) -> Mapping[str, Any] | None:
        try:
            pieces, about = self._container.get_archive(f"/{path}")
        except NotFound:
            return None
        pieces.close()
        return dict(about)

    def _member(self, path: str) -> tuple[tarfile.TarInfo, bytes] | None:
        try:
            pieces, about = self._container.get_archive(f"/{path}")
        except NotFound:
            return None
        if int(about.get("size") or 0) > _MAX_BYTES:
            pieces.close()
            return None
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
            member = archive.next()
            file = archive.extractfile(member) if member is not None and member.isfile() else None
            return None if member is None else (member, file.read() if file is not None else b"")


@contextmanager
def _files(client: docker.DockerClient, image: str) -> Iterator[_Files]:
    container = client.containers.create(image, command=["true"], labels=helper_labels(), network_mode="none")
    try:
        yield _Files(container)
    finally:
        container.remove(force=True, v=True)


def _torch(files: _Files, python: str) -> str | None:
    """The version of torch in the usual folders of an image's Python."""
    folders = (f"usr/local/lib/python{python}/site-packages", f"opt/conda/lib/python{python}/site-packages")
    for folder in (*folders, "usr/local/lib/python3/dist-packages", "usr/lib/python3/dist-packages"):
        text = files.text(f"{folder}/torch/version.py")
        found = re.search(r"^__version__\s*=\s*['\"]([^'\"]+)", text or "", re.MULTILINE)
        if found:
            return found[1]
    return None
