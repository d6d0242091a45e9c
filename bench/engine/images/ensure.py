"""Find or build the image of a kind, and report what it is made of."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress
from dataclasses import replace

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.models.images import Image
from requests.exceptions import RequestException

from bench.engine.images.base import base_tag, make_base_image, why_not
from bench.engine.images.building import Build, Notify, build
from bench.engine.images.contents import read_file
from bench.engine.images.context import diagnostics_sha256, dockerfile_of, input_hash, open_context
from bench.engine.images.facts import (
    FACTS_LABEL,
    ImageFacts,
    content_digest,
    facts_from_label,
    facts_to_label,
    fingerprint,
    parse_inside,
    without_password,
)
from bench.engine.images.options import DEFAULT_BASE, BuildOptions
from bench.engine.waiting.progress import still_at_it
from bench.errors import NoBase, NotMeasured

# Where things lie in every image of ours.
PYTHON = "/opt/bench/venv/bin/python"
AGENT = "/opt/bench/agent"
DIAGNOSTICS = "/opt/bench/diagnostics"
PRELOADS = {"jemalloc": "/opt/bench/lib/libjemalloc.so.2", "tcmalloc": "/opt/bench/lib/libtcmalloc_minimal.so.4"}
USER = "10001:10001"


COSTS = {
    "cpu": "0.3 GB to download and 1 GB of disk; 2.7 GB and 5.6 GB if PyTorch's CPU index cannot be reached",
    "cuda": "2.7 GB to download and 5.6 GB of disk",
    "small": "10 MB to download and 150 MB of disk",
}
"""What an image costs the first time, beside its base."""
COST_OF_BASE = ": about 50 MB to download and 130 MB of disk"


def ensure_image(
    client: docker.DockerClient, kind: str, options: BuildOptions, notify: Notify, hint: str = ""
) -> ImageFacts:
    """Return the image of `kind` ("cpu", "cuda", "small"), building it if the engine has none for these inputs.

    The tag holds a hash over the Dockerfile, the locks, the agent, the diagnostics and the options, so a second call
    finds it and builds nothing.

    Args:
        client: a client of the engine.
        kind: the kind of image.
        options: how images are built here.
        notify: takes each line for the person who waits.
        hint: what to tell before it is built.

    Raises:
        UsageError: there is no such kind.
        NoBase: the usual base cannot be had, or nothing can be built on it.
        NotMeasured: a base that a person named cannot be had or built on, or the engine went away.
    """
    try:
        return _ensure(client, kind, options, notify, hint)
    except (DockerException, RequestException) as error:
        raise NotMeasured(
            f"the {kind} image cannot be had", options.redact(str(error)), "see `bench doctor`"
        ) from error


def _ensure(client: docker.DockerClient, kind: str, options: BuildOptions, notify: Notify, hint: str) -> ImageFacts:
    dockerfile = dockerfile_of(kind)
    # The image on the base asked for, else the one on the base made here: looked for before any registry is asked.
    tags = [image_tag(client, kind, options), image_tag(client, kind, replace(options, base=base_tag()))]
    known = None if options.no_cache else find(client, tags[0])
    if known is None and not options.no_cache and options.base == DEFAULT_BASE and not has(client, options.base):
        known = find(client, tags[1])
    if known is not None:
        return known
    if hint:
        notify(hint)
    base = ensure_base(client, options, notify)
    tag = tags[0] if base == options.base else tags[1]
    notify(f"building image {tag} (once; later runs find it): {COSTS[kind]}")
    with open_context(kind, options) as context:
        arguments = {"BASE": base, **options.build_arguments()}
        try:
            build(client, Build(context, dockerfile, kind, tag, arguments), options, notify)
        except NotMeasured as error:
            if options.base != DEFAULT_BASE:  # somebody's choice, which is to work or to be mended
                raise
            raise NoBase(error.what, error.cause, error.fix) from error
    return describe(client, tag, base)


def image_tag(client: docker.DockerClient, kind: str, options: BuildOptions) -> str:
    """Return the tag for these inputs. A base without a pinned digest counts by the content that the engine has.

    Args:
        client: a client of the engine.
        kind: the kind of image.
        options: how images are built here.
    """
    digest = None
    if "@sha256:" not in options.base:
        with suppress(ImageNotFound):
            digest = content_digest(layers_of(client.images.get(options.base)))
    return f"bench-{kind}:{input_hash(kind, options, digest)[:12]}"


def find(client: docker.DockerClient, tag: str) -> ImageFacts | None:
    """Return the facts of an image of ours, or None if the engine has none."""
    try:
        image = client.images.get(tag)
    except ImageNotFound:
        return None
    found = facts_from_label(image.labels.get(FACTS_LABEL, ""), tag, str(image.id))
    return found[0] if found else None


def has(client: docker.DockerClient, name: str) -> bool:
    """Return whether the engine holds an image of this name."""
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def ensure_base(client: docker.DockerClient, options: BuildOptions, notify: Notify) -> str:
    """Return the base to build from: the one asked for, pulled if need be, else one made on this machine.

    If it can be neither pulled nor found, it is made from Debian's packages, as far as this user may. Nothing stands in
    for a base that a person named.

    Args:
        client: a client of the engine.
        options: how images are built here, and on which base.
        notify: takes each line for the person who waits.

    Raises:
        NoBase: neither can be had.
        NotMeasured: a base that a person named cannot be pulled.
    """
    shown = without_password(options.base)
    if has(client, options.base):
        return options.base
    notify(f"pulling {shown}{COST_OF_BASE if options.base == DEFAULT_BASE else ''}")
    try:
        with still_at_it("pulling", notify):
            client.images.pull(*reference_of(options.base))
    except (APIError, ImageNotFound) as error:
        reason = without_password(str(error.explanation or error))
        what = f"the base image {shown} cannot be pulled"
        if options.base != DEFAULT_BASE:
            fix = "see that its registry can be reached, or name another in BENCH_BASE"
            raise NotMeasured(what, reason, fix) from error
        local = base_tag()
        if has(client, local):
            notify(f"{shown} cannot be pulled ({reason}); building on {local}, made on this machine")
            return local
        if (missing := why_not(client)) is not None:
            fix = "make one from Debian's packages with `nox -s base_image`, or name another in BENCH_BASE"
            raise NoBase(what, f"{reason}; and none can be made here: {missing}", fix) from error
        notify(f"{shown} cannot be pulled ({reason}); making {local} from Debian's packages instead")
        try:
            return make_base_image(client, notify)
        except NotMeasured as unmade:
            fix = "see whether apt-get update works here, or name another base in BENCH_BASE"
            raise NoBase(what, f"{reason}; and none can be made here: {unmade.what}: {unmade.cause}", fix) from unmade
    return options.base


def reference_of(name: str) -> tuple[str, str]:
    """Split a reference into what the pull API takes: the repository, and a digest or a tag."""
    repository, at, digest = name.partition("@")
    if at:
        return repository, digest
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "latest")


def layers_of(image: Image) -> list[str]:
    """Return the digests of an image's uncompressed layers, lowest first."""
    return [str(layer) for layer in image.attrs.get("RootFS", {}).get("Layers") or []]


def describe(client: docker.DockerClient, tag: str, base: str) -> ImageFacts:
    """Return what a fresh build left in the image, and keep it as a label, so that no later call reads it again.

    Args:
        client: a client of the engine.
        tag: the image's name.
        base: the name of the image that it was built on.
    """
    try:
        inside = parse_inside(read_file(client, tag, "/opt/bench/image.json"))
    except ValueError as error:
        raise NotMeasured(f"image {tag} does not say what it holds", str(error), "build it anew") from error
    torch = inside["torch"] or {}
    digest = content_digest(layers_of(client.images.get(base)))
    diagnostics = diagnostics_sha256()
    facts = ImageFacts(
        name=tag,
        digest="",
        base=f"{without_password(base).partition('@')[0]}@{digest}",
        lock_sha256=inside["lock_sha256"],
        fingerprint=fingerprint(
            base_digest=digest,
            lock_sha256=inside["lock_sha256"],
            python=inside["python"],
            torch=torch.get("version"),
            torch_git=torch.get("git"),
            diagnostics_sha256=diagnostics,
        ),
        python=inside["python"],
        torch=torch.get("version"),
    )
    extra = {"base_digest": digest, "torch_git": torch.get("git"), "diagnostics_sha256": diagnostics}
    label(client, tag, {FACTS_LABEL: facts_to_label(facts, extra)})
    return replace(facts, digest=str(client.images.get(tag).id))


def label(client: docker.DockerClient, tag: str, labels: dict[str, str]) -> None:
    """Give a local image labels; its layers stay as they are.

    Args:
        client: a client of the engine.
        tag: the image's name.
        labels: what to add to those that it has.
    """
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        content = f"FROM {tag}\n".encode()
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    context.seek(0)
    build(client, Build(context, "Dockerfile", "", tag, labels=labels), BuildOptions(), lambda _: None)
