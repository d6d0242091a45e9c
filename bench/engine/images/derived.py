"""An image with a project's own requirements: one layer on an image of ours, cached by content."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException, ImageNotFound
from docker.models.containers import Container
from docker.types import Mount
from requests.exceptions import RequestException

from bench.engine.docker.answers import hang_up
from bench.engine.images.beside import SOURCE, Installable, read_installable
from bench.engine.images.building import Notify, parse_stream, patience
from bench.engine.images.contents import helper_labels, read_member
from bench.engine.images.context import assets, source_files, write_tree
from bench.engine.images.ensure import PYTHON, USER
from bench.engine.images.facts import (
    FACTS_LABEL,
    ImageFacts,
    facts_from_label,
    facts_to_label,
    fingerprint,
    parse_inside,
)
from bench.engine.images.named import Named
from bench.engine.images.options import BuildOptions
from bench.engine.images.rootfs import EPOCH
from bench.engine.protocol import Need, Tree
from bench.engine.transfer.packing import packing, write_folder
from bench.errors import NotMeasured, UsageError

_INSIDE = Path(__file__).parent / "inside"
_CHANGES = [f"USER {USER}", "WORKDIR /src", f'CMD ["{PYTHON}"]']
# A folder that every base has: a mount point made for this would stay in the image.
_BUILD = "/mnt"
_KEPT_LINES = 8


def derived_image(
    client: docker.DockerClient, base: ImageFacts, need: Need, options: BuildOptions, notify: Notify
) -> tuple[ImageFacts, tuple[str, ...], bool]:
    """Return an image with requirements installed over `base`, its frozen packages, and whether hashes were checked.

    Cached by the content of the file and of what it names, the base image and the steps; a second call builds nothing.
    A file without hashes is installed as the index has it today, and the frozen list says what that was.

    Args:
        client: a client of the engine.
        base: the image of ours to install over.
        need: the project's requirements, and the project if they may name files of it.
        options: how images are built here.
        notify: takes each line for the person who waits.

    Raises:
        UsageError: the file, or one that it names, cannot be read, or it replaces the image's torch.
        NotMeasured: a package cannot be had, or the engine went away.
    """
    if need.requirements is None:
        raise UsageError("no requirements were given", fix="give a pip requirements file")
    project = read_installable(need.requirements, need.tree, _BUILD)
    tag = f"bench-project:{_key(base, project)[:12]}"
    try:
        known = None if options.no_cache else _find(client, tag)
        if known is None:
            notify(f"installing {project.path.name} over {base.name} as {tag} (once; later runs find it)")
            with patience(client):
                _make(client, base, project, options, notify, tag)
            known = _find(client, tag)
    except (DockerException, RequestException) as error:
        raise NotMeasured(f"image {tag} cannot be made", options.redact(str(error)), "see `bench doctor`") from None
    if known is None:
        raise NotMeasured(f"image {tag} is gone", "something removed it just now", "run again")
    return *known, project.hash_locked


def _key(base: ImageFacts, project: Installable) -> str:
    steps = [path.read_text(encoding="utf-8") for path in source_files(_INSIDE)]
    content = [hashlib.sha256(project.content).hexdigest(), *project.parts]
    return hashlib.sha256(json.dumps([base.name, base.fingerprint, content, steps]).encode()).hexdigest()


def _find(client: docker.DockerClient, tag: str) -> tuple[ImageFacts, tuple[str, ...]] | None:
    try:
        image = client.images.get(tag)
    except ImageNotFound:
        return None
    found = facts_from_label(image.labels.get(FACTS_LABEL, ""), tag, str(image.id))
    return (found[0], tuple(found[1].get("frozen", ()))) if found else None


def _make(
    client: docker.DockerClient,
    base: ImageFacts,
    project: Installable,
    options: BuildOptions,
    notify: Notify,
    tag: str,
) -> None:
    with _container(client, base, options, installs=project.project is not None) as container:
        container.put_archive(_BUILD, _files(project, options))
        if project.project is not None:
            _put_project(container, project.project)
        container.start()
        _follow(container, project, options.redact, notify)
        inside = _read_derived(container, project)
        torch = inside["torch"] or {}
        if base.torch and torch.get("version") != base.torch:
            raise UsageError(
                f"{project.path} replaces torch {base.torch} by {torch.get('version')}",
                "diagnostics are compared on one build of torch",
                "leave torch out of the requirements, or allow the image's",
            )
        facts, extra = _facts(client, base, inside, tag, Named(paths=project.named.paths).sha256(project.apart))
        # The container's own labels would go into the image, and from there into every container made of it.
        labels = dict.fromkeys(container.labels, "")
        labels[FACTS_LABEL] = facts_to_label(facts, {**extra, "frozen": inside["frozen"]})
        repository, _, version = tag.partition(":")
        container.commit(repository, version, changes=_CHANGES, conf={"Labels": labels})


@contextmanager
def _container(
    client: docker.DockerClient, base: ImageFacts, options: BuildOptions, *, installs: bool
) -> Iterator[Container]:
    """A container that installs as root. What it needs for that lies in volumes, which no image keeps.

    The volume may hold an index's password. It has the container's labels, so that it is found where a killed command
    has left it, also without its container.
    """
    labels = helper_labels()
    folders = (_BUILD, SOURCE) if installs else (_BUILD,)
    container = client.containers.create(
        base.name,
        command=[PYTHON, "-m", "inside.derive", _BUILD],
        user="0:0",
        working_dir=_BUILD,
        mounts=[Mount(folder, None, type="volume", labels=labels) for folder in folders],
        network_mode=options.network or "bridge",
        labels=labels,
    )
    try:
        yield container
    finally:
        container.remove(force=True, v=True)


def _files(project: Installable, options: BuildOptions) -> bytes:
    files: dict[str, Path | bytes] = {f"inside/{path.name}": path for path in source_files(_INSIDE)}
    files["locks/build.txt"] = assets() / "requirements/build.txt"
    files |= project.files
    files["requirements.txt"] = project.content
    arguments = {"environ": options.build_arguments(), "hash_locked": project.hash_locked, "epoch": EPOCH}
    files["arguments.json"] = json.dumps(arguments).encode()
    if options.extra_ca:
        files["ca/extra-ca.pem"] = options.extra_ca
    if options.wheels:
        files |= {f"wheels/{path.name}": path for path in sorted(options.wheels.glob("*.whl"))}
    target = io.BytesIO()
    write_tree(target, files)
    return target.getvalue()


def _put_project(container: Container, tree: Tree) -> None:
    """Put the project where the runs will have it: a build may write beside its sources, in this copy."""
    with tempfile.TemporaryFile() as target:
        with packing(target) as archive:
            write_folder(archive, ".", 0, tree.source, tree.entries, tree.links)
        container.put_archive(SOURCE, target)


def _follow(
    container: Container, project: Installable, redact: Callable[[str], str], notify: Callable[[str], None]
) -> None:
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    output = container.logs(stream=True, follow=True)
    try:
        for _, line in parse_stream({"stream": chunk.decode("utf-8", "replace")} for chunk in output):
            last.append(redact(line))
            notify(last[-1])
    finally:
        hang_up(output)
    status = container.wait()["StatusCode"]
    if status != 0:
        own = [line.removeprefix("*** ") for line in last if line.startswith("*** ")]
        raise NotMeasured(f"{project.path} cannot be installed", " / ".join(own or last), "the lines above say more")


def _read_derived(container: Container, project: Installable) -> dict[str, Any]:
    chunks, _ = container.get_archive("/opt/bench/derived.json")
    try:
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            return parse_inside(read_member(archive))
    except (ValueError, tarfile.TarError) as error:
        raise NotMeasured(f"{project.path} was installed, but nothing says how", str(error), "run again") from None


def _facts(
    client: docker.DockerClient, base: ImageFacts, inside: dict[str, Any], tag: str, beside: str | None
) -> tuple[ImageFacts, dict[str, Any]]:
    """What is installed decides, not how it was asked for: the base's lock, the frozen list, the packages from here."""
    label = facts_from_label(client.images.get(base.name).labels.get(FACTS_LABEL, ""), base.name, base.digest)
    extra = {key: label[1][key] for key in ("base_digest", "torch_git", "diagnostics_sha256")} if label else {}
    if not extra:
        raise NotMeasured(f"image {base.name} does not say what it holds", "it is not one of ours", "build it anew")
    lock = hashlib.sha256(
        json.dumps([base.lock_sha256, inside["frozen"], *([beside] if beside else [])]).encode()
    ).hexdigest()
    torch = inside["torch"] or {}
    print_ = fingerprint(
        base_digest=extra["base_digest"],
        lock_sha256=lock,
        python=inside["python"],
        torch=torch.get("version"),
        torch_git=torch.get("git"),
        diagnostics_sha256=extra["diagnostics_sha256"],
    )
    facts = replace(base, name=tag, lock_sha256=lock, fingerprint=print_, torch=torch.get("version"))
    return facts, {**extra, "torch_git": torch.get("git")}
