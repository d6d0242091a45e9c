"""How fast the model makes images: seconds of repeated passes, and the memory traffic that they cannot do without."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from .clock import time_in_turn
from .diffraction import Cell, Detector, DiffractionModel, make_geometry
from .peak import PeakReading, measure_peak

# A pixel needs three components of its scattering vector and its weight read, and its intensity written.
NUMBERS_PER_PIXEL = 5
WARM_UP = 2
SIDE_MM = 102.4
CELL = Cell(74.0, 91.0, 113.0, 81.0, 97.0, 106.0)


@dataclass(frozen=True, slots=True)
class Passes:
    """Repeated passes at one size: seconds each, and the least traffic of one in bytes."""

    pixels: int
    seconds: tuple[float, ...]
    least_bytes: int

    @property
    def median_s(self) -> float:
        """The middle pass."""
        return statistics.median(self.seconds)

    @property
    def bytes_per_s(self) -> float:
        """Effective bandwidth: least traffic over the median time. Real traffic may be more, never less."""
        return self.least_bytes / self.median_s

    @property
    def variation(self) -> float:
        """Standard deviation over mean of the passes.

        Not by `statistics.stdev`: its fractions take as many calls of Python as the numbers have digits, and calls are
        counted.
        """
        mean = statistics.fmean(self.seconds)
        squares = math.fsum((second - mean) ** 2 for second in self.seconds)
        return math.sqrt(squares / (len(self.seconds) - 1)) / mean


def least_bytes(pixels: int, dtype: torch.dtype) -> int:
    """Bytes that a pass over pixels × pixels has to hold, and to move once."""
    itemsize: int = dtype.itemsize
    return NUMBERS_PER_PIXEL * pixels * pixels * itemsize


def make_pass(pixels: int, dtype: torch.dtype, device: torch.device) -> Callable[[], object]:
    """A function that makes one image of the same detector area with `pixels` pixels a side, always in one place."""
    model = DiffractionModel(make_geometry(Detector(pixels, pixel_mm=SIDE_MM / pixels), dtype=dtype, device=device))
    parameters = CELL.tensor(device=device)
    out = torch.zeros(pixels, pixels, dtype=dtype, device=device)
    return lambda: model.image(parameters, out=out)


def measure_passes(
    sizes: Sequence[int], dtypes: Sequence[torch.dtype], device: torch.device, *, count: int
) -> dict[tuple[int, torch.dtype], Passes]:
    """Time `count` images of every size and dtype, in turn, after a warm-up."""
    kinds = [(pixels, dtype) for pixels in sizes for dtype in dtypes]
    actions = {(pixels, dtype): make_pass(pixels, dtype, device) for pixels, dtype in kinds}
    seconds = time_in_turn(actions, device, count=count, warm_up=WARM_UP)
    return {kind: Passes(kind[0], tuple(seconds[kind]), least_bytes(*kind)) for kind in kinds}


def measure_pass_peak(pixels: int, device: torch.device) -> PeakReading:
    """Memory that a float64 pass takes beyond its inputs and its image.

    One pass goes before: libraries then have the buffers that they keep, and every page of the image is there.
    """
    one_pass = make_pass(pixels, torch.float64, device)
    one_pass()
    return measure_peak(one_pass, device)
