"""Kernels are the means that they say they are, and those of networks have the spectra that are known."""

import math
import re

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.numerics.kernel_functions import arc_cosine_kernel, gaussian_kernel
from pipeline.numerics.randomness import stream


def at_angles(*angles: float) -> Tensor:
    """Points of the unit circle."""
    turn_P = torch.tensor(angles, dtype=torch.float64)
    return torch.stack([turn_P.cos(), turn_P.sin()], dim=1)


def gram_of_hidden_weights(points_PD: Tensor) -> Tensor:
    """Tangent kernel of the hidden layer of a ReLU network, the mean over neurons of x . y step step: ``[P, P]``."""
    return points_PD @ points_PD.mT * arc_cosine_kernel(points_PD, points_PD, 0) / 2


@pytest.mark.reference("arccos_kernels_*")
def test_means_of_two_ridges_are_the_known_ones(reference) -> None:
    x, y = at_angles(0.7), at_angles(0.7 + reference["inputs"]["angle"])
    for degree, name in ((0, "E 1 1"), (1, "E relu relu")):
        found = float(arc_cosine_kernel(x, y, degree)) / 2
        assert found == pytest.approx(reference["value"][name], rel=reference["tolerance"]["rel"])


@pytest.mark.reference("relu_first_layer_gram_*")
def test_hidden_layer_of_two_points_has_the_known_eigenvalues(reference) -> None:
    written = reference["name"].rpartition("angle")[2]
    angle = math.pi / 2 if written == "1.5708" else float(written)
    eigenvalues = torch.linalg.eigvalsh(gram_of_hidden_weights(at_angles(0, angle)))
    expected = [reference["value"]["lambda_min"], reference["value"]["lambda_max"]]
    assert eigenvalues.tolist() == pytest.approx(expected, rel=reference["tolerance"]["rel"])


def tangent_kernel_on_the_circle(num_points: int) -> Tensor:
    """Of a two-layer ReLU network without biases, its weights scaled by the root of two."""
    points = at_angles(*(2 * math.pi * i / num_points for i in range(num_points)))
    return 2 * gram_of_hidden_weights(points) + arc_cosine_kernel(points, points, 1)


@pytest.mark.reference("relu_ntk_circle_lmax_over_n")
def test_tangent_kernel_on_the_circle_has_the_known_largest_eigenvalue(reference) -> None:
    largest = float(torch.linalg.eigvalsh(tangent_kernel_on_the_circle(64))[-1]) / 64
    assert largest == pytest.approx(reference["value"], abs=reference["tolerance"]["abs"])
    assert largest == pytest.approx(0.60808999, abs=5e-9)  # as printed for 64 points
    wide = float(torch.linalg.eigvalsh(tangent_kernel_on_the_circle(512))[-1]) / 512
    assert abs(wide - reference["value"]) < abs(largest - reference["value"]) / 50  # falls with the square


@pytest.mark.reference("relu_ntk_circle_lambda_min_n8")
def test_tangent_kernel_of_eight_points_on_the_circle_is_singular(reference) -> None:
    smallest = float(torch.linalg.eigvalsh(tangent_kernel_on_the_circle(8))[0])
    # Rounding of eigenvalues up to 5 in a matrix of 8 rows is some 1e-15.
    assert smallest == pytest.approx(reference["value"], abs=reference["tolerance"]["abs"])


def test_points_at_a_tiny_angle_keep_their_digits() -> None:
    """1 - k / pi is the angle itself; the arc cosine of a rounded cosine would make 1e-9 nothing."""
    found = 1 - arc_cosine_kernel(at_angles(0.3), at_angles(0.3 + 1e-9), 0)
    assert float(found) * math.pi == pytest.approx(1e-9, rel=1e-6)  # what 1 - angle / pi keeps of it


def test_kernel_grows_with_the_length_of_both_points_and_is_zero_at_the_origin() -> None:
    x, y = at_angles(0.3, 1.0), at_angles(2.0)
    torch.testing.assert_close(arc_cosine_kernel(3 * x, 5 * y), 15 * arc_cosine_kernel(x, y))
    assert arc_cosine_kernel(0 * x, y).tolist() == [[0.0], [0.0]]


def test_gaussian_kernel_is_its_formula() -> None:
    x, y = (torch.from_numpy(stream(name).uniform(-1, 1, (4, 3))) for name in "xy")
    expected = [[math.exp(-(math.dist(p, q) ** 2) / (2 * 0.7**2)) for q in y.tolist()] for p in x.tolist()]
    np.testing.assert_allclose(gaussian_kernel(x, y, 0.7).numpy(), expected, rtol=1e-14)


def test_other_degrees_are_refused() -> None:
    message = "the arc-cosine kernel is here for degree 0 and 1, not 2"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        arc_cosine_kernel(at_angles(0), at_angles(1), 2)
