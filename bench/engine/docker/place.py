"""An image of ours as the place of a run: built or found, and described for the record."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec
from docker import DockerClient

from bench.engine.foreign.image import foreign_place
from bench.engine.images.context import assets
from bench.engine.images.derived import derived_image
from bench.engine.images.ensure import AGENT, DIAGNOSTICS, PRELOADS, PYTHON, ensure_image
from bench.engine.images.facts import ImageFacts
from bench.engine.images.options import BuildOptions
from bench.engine.images.requirements import lock_packages, pinned, unverified
from bench.engine.protocol import Need, Notify, Place
from bench.record.schema import Image


def prepare_place(client: DockerClient, need: Need, notify: Notify, options: BuildOptions | None = None) -> Place:
    """Return the image that meets a need, found or built.

    Args:
        client: a client of the engine.
        need: what it must offer.
        notify: takes each line for the person who waits.
        options: how images are built here; from the environment if not given.

    Raises:
        NotMeasured: it cannot be had.
        UsageError: the need names no kind of image, or a requirements file that is none.
    """
    options = options or BuildOptions.from_environment(os.environ)
    if need.image is not None:
        return foreign_place(client, need.image, options, notify)
    facts = ensure_image(client, need.kind, options, notify, need.hint)
    if need.requirements is None:
        return image_place(facts, packages=lock_packages(facts.lock_sha256, assets() / "requirements"))
    facts, frozen, verified = derived_image(client, facts, need, options, notify)
    warnings = () if verified else (unverified(need.requirements.name, frozen),)
    return image_place(facts, warnings, pinned("\n".join(frozen)))


def image_place(facts: ImageFacts, warnings: tuple[str, ...] = (), packages: Mapping[str, str] | None = None) -> Place:
    """Return the place that an image is. Its handle is the image's id, so that a tag moved meanwhile changes nothing.

    Args:
        facts: the image.
        warnings: what every run in it reports.
        packages: those of its Python, by name; empty or ``None`` if they are not known.
    """
    return Place(
        python=PYTHON,
        agent=AGENT,
        diagnostics=DIAGNOSTICS,
        handle=facts.digest,
        image=Image(
            name=facts.name,
            digest=facts.digest,
            base=facts.base,
            lock_sha256=facts.lock_sha256,
            fingerprint=facts.fingerprint,
            python=facts.python,
            torch=facts.torch,
            packages=dict(packages) if packages else msgspec.UNSET,
        ),
        preloads=PRELOADS,
        warnings=warnings,
        owned=True,
    )
