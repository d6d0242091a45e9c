"""A small file of an image, read through the engine by a container that never starts."""

from __future__ import annotations

import io
import tarfile
import uuid
from typing import Any

import docker
from docker.errors import DockerException

from bench.engine.labels import ROLE, current_owner, owner_labels
from bench.errors import NotMeasured

_MAX_BYTES = 1024 * 1024


def read_file(client: docker.DockerClient, image: str, path: str) -> str:
    """Return a small text file of an image, read through a container that never starts and is removed.

    Args:
        client: a client of the engine.
        image: the image's name or id.
        path: the file's absolute path in it.

    Raises:
        NotMeasured: the engine does not answer, or the file is not there.
    """
    try:
        container = client.containers.create(image, command=["true"], labels=helper_labels(), network_mode="none")
        try:
            chunks, _ = container.get_archive(path)
            archive = io.BytesIO(_bounded(chunks))
        finally:
            container.remove(force=True, v=True)
    except DockerException as error:
        raise NotMeasured(f"{path} of image {image} cannot be read", str(error)) from error
    try:
        with tarfile.open(fileobj=archive) as tar:
            return read_member(tar)
    except (ValueError, tarfile.TarError) as error:
        raise NotMeasured(f"{path} of image {image} cannot be read", str(error), "build the image anew") from error


def read_member(tar: tarfile.TarFile) -> str:
    """Return the text of an archive's first member.

    Raises:
        ValueError: the member is no file, or no UTF-8.
    """
    member = tar.next()
    content = tar.extractfile(member) if member and member.isfile() else None
    if content is None:
        raise ValueError("it is no file")
    return content.read().decode("utf-8")


def helper_labels() -> dict[str, str]:
    """Return the labels of a container that only serves an image: after a crash, the next run removes it."""
    return owner_labels(current_owner(), f"image-{uuid.uuid4().hex[:12]}") | {ROLE: "helper"}


def _bounded(chunks: Any) -> bytes:
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > _MAX_BYTES:
            raise NotMeasured("the image's own description is too large", "the image is not one of ours")
    return bytes(data)
