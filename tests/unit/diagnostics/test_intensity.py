"""The detector and the image against hand-made values, a scalar reference and the direct sum; blocks change nothing."""

from __future__ import annotations

import cmath
import itertools
import math

import pytest
import torch

from bench.diagnostics.diffraction import Cell, Detector, DiffractionModel, make_geometry
from bench.diagnostics.diffraction.detector import pixel_positions, solid_angle
from bench.diagnostics.diffraction.intensity import block_rows

CELL = Cell(71.0, 83.0, 97.0, 77.0, 95.0, 104.0)


def small(pixels: int = 16, **options: object) -> DiffractionModel:
    geometry = make_geometry(Detector(pixels=pixels, pixel_mm=102.4 / pixels))
    return DiffractionModel(geometry, **options)  # type: ignore[arg-type]


def scalar_intensity(cell: Cell, x: float, y: float, *, pixel: float, cells: int = 5) -> float:
    """One pixel by textbook formulas in plain Python: closed basis, direct sum over unit cells, no torch."""
    ca, cb, cg = (math.cos(math.radians(angle)) for angle in (cell.alpha, cell.beta, cell.gamma))
    sg = math.sin(math.radians(cell.gamma))
    flat = math.sqrt(1 - ca**2 - cb**2 - cg**2 + 2 * ca * cb * cg)
    basis = [
        (cell.a, 0.0, 0.0),
        (cell.b * cg, cell.b * sg, 0.0),
        (cell.c * cb, cell.c * (ca - cb * cg) / sg, cell.c * flat / sg),
    ]
    distance, wavelength = 100.0, 6.2
    radius = math.sqrt(x * x + y * y + distance * distance)
    s = (x / radius / wavelength, y / radius / wavelength, (distance / radius - 1.0) / wavelength)
    h = [sum(p * q for p, q in zip(axis, s, strict=True)) for axis in basis]
    amplitude = sum(
        cmath.exp(2j * math.pi * sum(n * i for n, i in zip(place, h, strict=True)))
        for place in itertools.product(range(cells), repeat=3)
    )
    two_theta = math.acos(distance / radius)
    polarisation = (1 + math.cos(two_theta) ** 2) / 2
    omega = pixel**2 * math.cos(two_theta) / radius**2
    return (100.0 * abs(amplitude)) ** 2 * polarisation * omega


def test_image_equals_a_scalar_reference_pixel_by_pixel() -> None:
    pixels, pixel = 6, 102.4 / 6
    image = small(pixels).image(CELL.tensor())
    for row, column in itertools.product(range(pixels), repeat=2):
        x, y = ((index - (pixels - 1) / 2) * pixel for index in (column, row))
        assert image[row, column].item() == pytest.approx(scalar_intensity(CELL, x, y, pixel=pixel), rel=1e-8)


def test_direct_beam_of_a_cubic_cell_by_hand() -> None:
    """In the middle s = 0, so all 125 cells scatter in phase: (100 · 125)² · 1 · (0.1 / 100)² = 156.25."""
    model = DiffractionModel(make_geometry(Detector(pixels=1)))
    assert model.image(Cell(100.0, 100.0, 100.0, 90.0, 90.0, 90.0).tensor()).item() == pytest.approx(156.25, rel=1e-12)


@pytest.mark.parametrize(
    ("h", "expected"),
    [(0.0, 25.0), (1.0, 25.0), (2.0, 25.0), (0.5, 1.0), (0.2, 0.0), (1.4, 0.0), (0.3, 1.5278640450004206)],
)
def test_a_cubic_cells_peaks_by_hand(h: float, expected: float) -> None:
    """Along a* of a 100 Å cube only a's row of five cells matters: |F_latt|² = 25² · sin²(5πh) / sin²(πh).

    25 at a peak, 1 half way, 0 at fifths, and sin² 270° / sin² 54° = 1 / 0.6545… at h = 0.3.
    """
    basis = 100.0 * torch.eye(3, dtype=torch.float64)
    scattering = torch.tensor([[h / 100.0], [0.0], [0.0]], dtype=torch.float64)
    squared = small().squared_amplitude(basis, scattering).item()
    assert squared / (100.0 * 25.0) ** 2 == pytest.approx(expected, rel=1e-12, abs=1e-25)


def test_scattering_vectors_by_hand() -> None:
    geometry = make_geometry(Detector(pixels=3, pixel_mm=100.0))
    s = geometry.scattering.reshape(3, 3, 3)
    assert s[:, 1, 1].tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-17)
    root = math.sqrt(0.5)
    assert s[:, 1, 2].tolist() == pytest.approx([root / 6.2, 0.0, (root - 1.0) / 6.2], rel=1e-14)
    assert s[:, 0, 1].tolist() == pytest.approx([0.0, -root / 6.2, (root - 1.0) / 6.2], rel=1e-14)


def test_scattering_vectors_obey_braggs_law() -> None:
    """|s| = 2 sin θ / λ on every pixel."""
    geometry = make_geometry(Detector(pixels=64, pixel_mm=1.6))
    positions = pixel_positions(geometry.detector, dtype=torch.float64, device="cpu")
    theta = 0.5 * torch.atan2(torch.hypot(positions[0], positions[1]), positions[2])
    expected = 2.0 * torch.sin(theta) / 6.2
    torch.testing.assert_close(torch.linalg.vector_norm(geometry.scattering, dim=0), expected, rtol=1e-9, atol=1e-15)


def test_solid_angles_of_a_plane_add_up_to_that_of_a_square() -> None:
    """Ω = 4 asin(a² / (a² + d²)) for a square of side 2a at distance d (a pyramid's apex)."""
    detector = Detector(pixels=500, pixel_mm=1.0)
    positions = pixel_positions(detector, dtype=torch.float64, device="cpu")
    total = solid_angle(positions, detector.pixel_mm).sum().item()
    half, distance = 250.0, 100.0
    assert total == pytest.approx(4.0 * math.asin(half**2 / (half**2 + distance**2)), rel=1e-4)


def test_weight_is_solid_angle_times_polarisation() -> None:
    """At 2θ = 45°: (1 + 1/2) / 2 times pixel² cos³ 45° / d²."""
    geometry = make_geometry(Detector(pixels=3, pixel_mm=100.0))
    assert geometry.weight.reshape(3, 3)[1, 2].item() == pytest.approx(0.75 * 0.5**1.5, rel=1e-14)


@pytest.mark.parametrize("rows", [1, 3, 16, 99])
def test_blocks_change_neither_image_nor_loss_nor_gradient(rows: int) -> None:
    whole, blocks = small(rows=16), small(rows=rows)
    torch.testing.assert_close(blocks.image(CELL.tensor()), whole.image(CELL.tensor()), rtol=1e-13, atol=0.0)
    first, second = CELL.tensor(), CELL.tensor()
    loss, other = whole.loss(first), blocks.loss(second)
    loss.backward()
    other.backward()
    torch.testing.assert_close(other, loss, rtol=1e-13, atol=0.0)
    torch.testing.assert_close(second.grad, first.grad, rtol=1e-11, atol=0.0)


def test_loss_is_the_images_sum() -> None:
    model = small()
    assert model.loss(CELL.tensor()).item() == pytest.approx(model.image(CELL.tensor()).sum().item(), rel=1e-13)


def test_gradient_is_that_of_plain_autograd_over_the_whole_image() -> None:
    model = small()
    ours, plain = CELL.tensor(), CELL.tensor()
    (found,) = torch.autograd.grad(model.loss(ours), ours)
    basis = model._basis(plain)
    (expected,) = torch.autograd.grad(model.block_sum(basis, slice(0, 256)), plain)
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=0.0)


def test_only_one_blocks_graph_is_alive() -> None:
    """What the loss keeps for its backward pass does not grow with the image: no tensor of a block's size."""
    kept: list[int] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        small(rows=4).loss(CELL.tensor())
    assert kept
    assert max(kept) < 16


def test_image_can_be_written_into_a_given_tensor() -> None:
    model = small()
    out = torch.empty(16, 16, dtype=torch.float64)
    image = model.image(CELL.tensor(), out=out)
    assert image.data_ptr() == out.data_ptr()
    torch.testing.assert_close(out, model.image(CELL.tensor()), rtol=0.0, atol=0.0)


def test_float32_image_follows_the_geometry() -> None:
    geometry = make_geometry(Detector(pixels=8, pixel_mm=12.8), dtype=torch.float32)
    image = DiffractionModel(geometry).image(CELL.tensor())
    assert image.dtype == torch.float32
    exact = small(8).image(CELL.tensor())
    torch.testing.assert_close(image.double(), exact, rtol=1e-2, atol=exact.max().item() * 1e-4)


def test_blocks_suit_the_device_and_are_of_one_row_at_least() -> None:
    assert block_rows(1024, on_cpu=True) == 128
    assert block_rows(1024, on_cpu=False) == 1024
    assert block_rows(10**9, on_cpu=True) == 1


def test_blocks_are_the_same_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of torch is the diagnostic's, and not the host's."""
    model = small(512)
    found = []
    for threads in (1, 2, 64):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        found.append(list(model._blocks()))
    assert [block.stop for block in found[0]] == [1 << 17, 1 << 18]
    assert found[0] == found[1] == found[2]
