"""Haar wavelets are their definition at every point, and approximate as well as theory says."""

import math
from fractions import Fraction

import pytest
import torch

from pipeline.models.bases.wavelet import Haar


def by_definition(x: float, index: int) -> float:
    """Value of one function at one point of [-1, 1], in exact arithmetic up to the root of two."""
    if index == 0:
        return 1.0
    level = index.bit_length() - 1
    cell = index - 2**level
    unit = (Fraction(x) + 1) / 2
    if x == 1:  # belongs to the last cell
        return -(2 ** (level / 2)) if cell == 2**level - 1 else 0.0
    place = unit * 2**level - cell  # where the point lies in the cell
    if not 0 <= place < 1:
        return 0.0
    return 2 ** (level / 2) if place < Fraction(1, 2) else -(2 ** (level / 2))


def test_values_are_the_definition_at_dyadic_points_and_one_rounding_beside_them() -> None:
    edges = [Fraction(i, 32) - 1 for i in range(65)]
    points = {float(edge) for edge in edges}
    points |= {math.nextafter(float(edge), way) for edge in edges for way in (-2, 2)} - {math.nextafter(1, 2)}
    points = sorted(point for point in points if -1 <= point <= 1)
    expected = torch.tensor([[by_definition(x, index) for index in range(64)] for x in points], dtype=torch.float64)
    assert torch.equal(Haar()(torch.tensor(points, dtype=torch.float64), 64), expected)


def test_jump_belongs_to_the_right() -> None:
    """The value at a jump is that just right of it; x = 1, which has no right, takes that of the left."""
    edges = torch.linspace(-1, 1, 65, dtype=torch.float64)
    values, right, left = (Haar()(edges + shift, 64) for shift in (0, 1e-9, -1e-9))
    assert torch.equal(values[:-1], right[:-1])
    assert torch.equal(values[-1], left[-1])
    assert (values[1:-1] != left[1:-1]).any(dim=1).all()


@pytest.mark.reference("haar_linear_L2sq_x_m*")
def test_best_steps_of_a_line_miss_by_what_theory_says(reference, number, quadrature) -> None:
    points, weights = quadrature(cells=2 * number, nodes=2)
    unit = (points + 1) / 2
    values = Haar()(points, number)
    missed = unit - values @ (values.mT @ (weights * unit))
    assert float(weights @ missed.square()) == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])


@pytest.mark.parametrize("level", range(8))
def test_first_functions_miss_a_step_at_a_third_by_what_theory_says(level, quadrature) -> None:
    points, weights = quadrature(cells=512, nodes=1, breaks=(-1 / 3,))
    step = (points >= -1 / 3).double()
    values = Haar()(points, 2**level)
    missed = step - values @ (values.mT @ (weights * step))
    # Theory: 2/9 over the number of functions; the rounding of 1/3 moves the step by 1e-17.
    assert float(weights @ missed.square()) == pytest.approx(2 / 9 * 2.0**-level, rel=1e-12)


@pytest.mark.reference("haar_nterm_L2sq_step_third_m*")
def test_best_terms_of_a_step_at_a_third_miss_by_what_theory_says(reference, number, quadrature) -> None:
    """One coefficient per level is not zero, so 2048 functions hold the 12 largest."""
    points, weights = quadrature(cells=2048, nodes=1, breaks=(-1 / 3,))
    step = (points >= -1 / 3).double()
    values = Haar()(points, 2048)
    coefficients = values.mT @ (weights * step)
    best = coefficients.abs().argsort(descending=True)[:number]
    missed = step - values[:, best] @ coefficients[best]
    assert float(weights @ missed.square()) == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])


@pytest.mark.reference("haar_x_plus_step_m*")
def test_first_functions_miss_a_line_with_a_step_by_what_theory_says(reference, number, quadrature) -> None:
    points, weights = quadrature(cells=4 * number, nodes=2, breaks=(-1 / 3,))
    target = (points + 1) / 2 + (points >= -1 / 3)
    values = Haar()(points, number)
    missed = target - values @ (values.mT @ (weights * target))
    expected = reference["inputs"]["linear_L2sq"]
    assert float(weights @ missed.square()) == pytest.approx(expected, rel=reference["tolerance"]["rel"])


@pytest.mark.reference("haar_x_plus_step_m*")
def test_best_terms_beat_the_first_on_a_line_with_a_step(reference, number, quadrature) -> None:
    """Chosen from the first 128 and, up to 2^17, those with the step inside, which matter where both its sides do."""
    inside = [(level, math.floor(2**level / 3)) for level in range(7, 17)]
    edges = [(cell + part) / 2**level * 2 - 1 for level, cell in inside for part in (0, 0.5, 1)]
    points, weights = quadrature(cells=256, nodes=2, breaks=(-1 / 3, *edges))
    target = (points + 1) / 2 + (points >= -1 / 3)
    near = (points > edges[0]) & (points < edges[2])
    fine = torch.zeros(len(points), len(inside), dtype=torch.float64)
    fine[near] = Haar()(points[near], 2**17)[:, [2**level + cell for level, cell in inside]]
    values = torch.cat([Haar()(points, 128), fine], dim=1)
    coefficients = values.mT @ (weights * target)
    best = coefficients.abs().argsort(descending=True)[:number]
    missed = target - values[:, best] @ coefficients[best]
    assert float(weights @ missed.square()) == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])
