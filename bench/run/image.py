"""In which image of ours a result's test runs again."""

from __future__ import annotations

from dataclasses import replace

from bench.catalog.model import SMALL, Diagnostic
from bench.record.schema import Record


def with_image_of(diagnostic: Diagnostic, record: Record) -> Diagnostic:
    """Return the diagnostic in the kind of image that a result ran in, if nobody named one."""
    build = record.image or record.environment
    if not diagnostic.image_open or build is None:
        return diagnostic
    return replace(diagnostic, image=SMALL if build.torch is None else diagnostic.image, image_open=False)
