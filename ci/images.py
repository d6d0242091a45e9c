"""Keeps the engine's images between jobs: ``ci/run -m ci.images restore|save``, in ``.bench-images/``.

An image of ours is named by a hash of everything that it is made of, so one that is found is the right one and nothing
is built. Kept are the images that the job's own results name. Where no engine answers there is nothing to keep, and the
local engine serves.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from bench.engine.docker.client import connect
from bench.errors import BenchError
from bench.record.storage.output import output_file
from ci.baseline import bundles
from ci.leg import LEGS

FOLDER = Path(".bench-images")


def main() -> None:
    """Restore or save, as the argument says."""
    try:
        client, _ = connect(None)
    except BenchError as error:
        sys.stdout.write(f"no engine answers, so no image is kept: {error}\n")
        return
    with contextlib.closing(client):
        sys.stdout.write(f"{restore(client) if sys.argv[1] == 'restore' else save(client, used())}\n")


def restore(client: docker.DockerClient, folder: Path = FOLDER) -> str:
    """Load the images of an earlier job."""
    loaded: list[str] = []
    for archive in sorted(folder.glob("*.tar")):
        with archive.open("rb") as stream:
            loaded += [tag for image in client.images.load(stream) for tag in image.tags]
    return f"loaded {', '.join(loaded)}" if loaded else "no images are kept yet"


def used(legs: Path = LEGS) -> list[str]:
    """The images that the results below ``legs`` were measured in; none with the local engine."""
    records = (json.loads((bundle / "record.json").read_text(encoding="utf-8")) for bundle in bundles(legs))
    return sorted({record["image"]["name"] for record in records if record["image"]})


def prune(tags: list[str], folder: Path = FOLDER) -> None:
    """Remove the images that are kept under the names of those in use and have another hash: nothing will ask for them.

    An image of another name stays: it may be another leg's.
    """
    used_now = {_archive(folder, tag) for tag in tags}
    for name in {tag.partition(":")[0] for tag in tags}:
        for archive in folder.glob(f"{name}-*.tar"):
            # The hash has no dash: what has one is of a longer name.
            if archive not in used_now and "-" not in archive.stem.removeprefix(f"{name}-"):
                archive.unlink()


def _archive(folder: Path, tag: str) -> Path:
    return folder / f"{tag.replace(':', '-')}.tar"


def save(client: docker.DockerClient, tags: list[str], folder: Path = FOLDER) -> str:
    """Write images for the next job, but for those that lie there already, and remove what they have replaced."""
    prune(tags, folder)
    kept = []
    for tag in tags:
        archive = _archive(folder, tag)
        if archive.exists():
            continue
        try:
            image = client.images.get(tag)
        except ImageNotFound:
            continue
        with output_file(archive, "the folder of images") as file:
            file.writelines(image.save(named=tag))
        kept.append(tag)
    return f"kept {', '.join(kept)}" if kept else "there is no image to keep that does not lie there already"


if __name__ == "__main__":
    main()
