"""The cell's geometry against closed formulas, duality and a cubic cell done by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.diagnostics.diffraction.cell import (
    FLATTEST,
    Cell,
    d_spacing,
    draw_cells,
    real_basis,
    reciprocal_basis,
    volume,
)

LENGTHS = st.floats(50.0, 200.0)
ANGLES = st.floats(60.0, 120.0)
CELLS = st.builds(Cell, LENGTHS, LENGTHS, LENGTHS, ANGLES, ANGLES, ANGLES).filter(lambda cell: cell.flatness() > 0.1)
INDICES = st.tuples(*[st.integers(-9, 9)] * 3).filter(any)


def basis_of(cell: Cell) -> torch.Tensor:
    return real_basis(cell.tensor()).detach()


def closed_volume(cell: Cell) -> float:
    ca, cb, cg = (math.cos(math.radians(angle)) for angle in (cell.alpha, cell.beta, cell.gamma))
    return cell.a * cell.b * cell.c * math.sqrt(1 - ca**2 - cb**2 - cg**2 + 2 * ca * cb * cg)


def closed_d_spacing(cell: Cell, h: int, k: int, l: int) -> float:  # noqa: E741
    """International Tables' formula for the triclinic system, which knows no basis."""
    a, b, c = cell.a, cell.b, cell.c
    ca, cb, cg = (math.cos(math.radians(angle)) for angle in (cell.alpha, cell.beta, cell.gamma))
    sa, sb, sg = (math.sin(math.radians(angle)) for angle in (cell.alpha, cell.beta, cell.gamma))
    total = (
        (h * b * c * sa) ** 2
        + (k * a * c * sb) ** 2
        + (l * a * b * sg) ** 2
        + 2 * h * k * a * b * c**2 * (ca * cb - cg)
        + 2 * k * l * a**2 * b * c * (cb * cg - ca)
        + 2 * h * l * a * b**2 * c * (cg * ca - cb)
    )
    return closed_volume(cell) / math.sqrt(total)


@given(CELLS)
def test_basis_has_the_cells_lengths_and_angles(cell: Cell) -> None:
    a, b, c = basis_of(cell).tolist()

    def angle(first: list[float], second: list[float]) -> float:
        dot = sum(x * y for x, y in zip(first, second, strict=True))
        return math.degrees(math.acos(dot / (math.hypot(*first) * math.hypot(*second))))

    found = (math.hypot(*a), math.hypot(*b), math.hypot(*c), angle(b, c), angle(a, c), angle(a, b))
    assert found == pytest.approx((cell.a, cell.b, cell.c, cell.alpha, cell.beta, cell.gamma), rel=1e-11)


@given(CELLS)
def test_real_and_reciprocal_bases_are_dual(cell: Cell) -> None:
    basis = basis_of(cell)
    torch.testing.assert_close(
        basis @ reciprocal_basis(basis).T, torch.eye(3, dtype=torch.float64), rtol=0.0, atol=1e-11
    )
    torch.testing.assert_close(reciprocal_basis(reciprocal_basis(basis)), basis, rtol=1e-9, atol=1e-9)


@given(CELLS)
def test_volume_equals_the_closed_formula(cell: Cell) -> None:
    basis = basis_of(cell)
    assert volume(basis).item() == pytest.approx(closed_volume(cell), rel=1e-11)
    assert volume(reciprocal_basis(basis)).item() == pytest.approx(1.0 / closed_volume(cell), rel=1e-11)
    assert cell.flatness() == pytest.approx(closed_volume(cell) / (cell.a * cell.b * cell.c), rel=1e-11)


@given(CELLS, INDICES)
def test_d_spacing_equals_the_closed_formula(cell: Cell, hkl: tuple[int, int, int]) -> None:
    found = d_spacing(basis_of(cell), torch.tensor(hkl)).item()
    assert found == pytest.approx(closed_d_spacing(cell, *hkl), rel=1e-9)


def test_a_cubic_cell_by_hand() -> None:
    basis = basis_of(Cell(100.0, 100.0, 100.0, 90.0, 90.0, 90.0))
    torch.testing.assert_close(basis, 100.0 * torch.eye(3, dtype=torch.float64), rtol=0.0, atol=1e-12)
    assert volume(basis).item() == pytest.approx(1e6, rel=1e-14)
    spacings = d_spacing(basis, torch.tensor([[1, 0, 0], [1, 1, 0], [1, 1, 1], [2, -2, 1]])).tolist()
    assert spacings == pytest.approx([100.0, 70.71067811865476, 57.735026918962575, 33.333333333333336], rel=1e-14)


def test_basis_is_differentiable_in_all_six_parameters() -> None:
    cell = Cell(71.0, 83.0, 97.0, 77.0, 95.0, 104.0)
    assert torch.autograd.gradcheck(lambda parameters: volume(real_basis(parameters)), (cell.tensor(),), rtol=1e-6)


def test_draw_is_reproducible_and_does_not_depend_on_the_count() -> None:
    cells = draw_cells(25, 44)
    assert cells == draw_cells(25, 44)
    assert cells[:2] == draw_cells(2, 44)
    assert cells != draw_cells(25, 45)
    assert len(set(cells)) == 25


def test_drawn_cells_lie_in_the_ranges_and_none_is_degenerate() -> None:
    for cell in draw_cells(300, 44):
        assert all(50.0 <= length <= 200.0 for length in (cell.a, cell.b, cell.c))
        assert all(60.0 <= angle <= 120.0 for angle in (cell.alpha, cell.beta, cell.gamma))
        assert cell.flatness() >= FLATTEST


def test_degenerate_cells_are_recognised() -> None:
    assert Cell(100.0, 100.0, 100.0, 120.0, 120.0, 120.0).flatness() == pytest.approx(0.0, abs=1e-7)
    assert Cell(100.0, 100.0, 100.0, 60.0, 60.0, 120.0).flatness() == pytest.approx(0.0, abs=1e-7)
    assert Cell(100.0, 100.0, 100.0, 90.0, 90.0, 90.0).flatness() == pytest.approx(1.0)
