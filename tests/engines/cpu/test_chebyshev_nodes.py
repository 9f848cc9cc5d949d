"""Nodes that the bound calls enough give units and their slopes at every point to the last digit."""

import mpmath
import numpy as np
import pytest

from pipeline.engines.cpu.chebyshev_nodes import (
    NODES,
    chebyshev_nodes,
    lagrange_polynomials,
    largest_slope,
    node_levels,
)
from pipeline.models.activations import Sigmoid, Tanh

CASES = [(Tanh(), 32, "float32"), (Tanh(), 48, "float64"), (Sigmoid(), 32, "float32"), (Sigmoid(), 16, "float64")]


def values(activation, a, c, x):
    """A unit, its slope, and the slope times x, in the precision of mpmath."""
    z = a * x + c
    g = mpmath.tanh(z) if isinstance(activation, Tanh) else 1 / (1 + mpmath.exp(-z))
    slope = 1 - g * g if isinstance(activation, Tanh) else g * (1 - g)
    return [g, slope, slope * x]


def largest_error(activation, num_nodes, a):
    """Of the polynomials through the nodes, over points and biases, in 50 digits."""
    with mpmath.workdps(50):
        angles = [(2 * k + 1) * mpmath.pi / (2 * num_nodes) for k in range(num_nodes)]
        nodes, weights = [mpmath.cos(t) for t in angles], [(-1) ** k * mpmath.sin(t) for k, t in enumerate(angles)]
        largest = mpmath.mpf(0)
        for c in (0, 0.4 * a, -a):
            at_nodes = [values(activation, a, c, x) for x in nodes]
            for x in np.linspace(-0.997, 0.993, 9).tolist():
                parts = [weight / (x - node) for weight, node in zip(weights, nodes, strict=True)]
                for number, exact in enumerate(values(activation, a, c, mpmath.mpf(x))):
                    top = mpmath.fdot(parts, [row[number] for row in at_nodes])
                    largest = max(largest, abs(top / mpmath.fsum(parts) - exact))
        return float(largest)


@pytest.mark.parametrize("activation, num_nodes, dtype", CASES, ids=lambda part: str(part) if part in NODES else "")
def test_units_as_steep_as_the_bound_are_exact_to_the_last_digit_and_much_steeper_ones_are_not(
    activation, num_nodes, dtype
):
    a, unit = largest_slope(activation, num_nodes, dtype), np.finfo(dtype).eps / 2
    assert largest_error(activation, num_nodes, a) <= unit
    assert largest_error(activation, num_nodes, 1.5 * a) > unit


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_more_nodes_follow_steeper_units_and_sigmoids_twice_as_steep_ones(dtype):
    slopes = [largest_slope(Tanh(), number, dtype) for number in NODES]
    assert slopes == sorted(slopes)
    assert [largest_slope(Sigmoid(), number, dtype) for number in NODES] == [2 * slope for slope in slopes]
    assert largest_slope(Tanh(), 3, "float64") < 1e-4


def test_lagrange_polynomials_are_one_at_their_node_and_give_polynomials_exactly():
    nodes_M = chebyshev_nodes(8)
    assert (np.diff(nodes_M) > 0).all()
    np.testing.assert_array_equal(lagrange_polynomials(nodes_M, nodes_M), np.eye(8))
    x_P = np.random.default_rng(0).uniform(-1, 1, 20)
    polynomials_PM = lagrange_polynomials(nodes_M, x_P)
    for degree in range(8):
        np.testing.assert_allclose((polynomials_PM @ nodes_M**degree).astype(float), x_P**degree, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_square_loss_of_values_at_nodes_is_that_at_all_points(dtype):
    rng = np.random.default_rng(1)
    x_P, y_KP = rng.uniform(3, 7, 100).astype(dtype), rng.standard_normal((2, 100)).astype(dtype)
    levels = node_levels(Tanh(), x_P, y_KP, dtype, 16)
    assert levels.counts_V.tolist() == [16, 32, 48]
    digits = 1e-5 if dtype == "float32" else 1e-13
    for level, count in enumerate(levels.counts_V):
        middle, half = (x_P.max().astype(float) + x_P.min()) / 2, (x_P.max().astype(float) - x_P.min()) / 2
        assert levels.slopes_V[level] == pytest.approx(largest_slope(Tanh(), count, dtype) / half)
        nodes_M = levels.inputs_VM[level, :count].astype(float)
        assert x_P.min() < nodes_M.min() < nodes_M.max() < x_P.max()
        f_KM = rng.standard_normal((2, count))
        polynomials_PM = lagrange_polynomials((nodes_M - middle) / half, (x_P - middle) / half)
        direct = float(np.square(f_KM @ polynomials_PM.T - y_KP).sum(axis=0).mean())
        e_KM = f_KM - levels.targets_VKM[level, :, :count]
        by_gram = np.einsum("km,mn,kn->", e_KM, levels.grams_VMM[level, :count, :count], e_KM)
        by_offset = 2 * (e_KM * levels.offsets_VKM[level, :, :count]).sum()
        assert by_gram + by_offset + levels.constants_V[level] == pytest.approx(direct, rel=digits)
        for rows in (levels.inputs_VM, levels.targets_VKM, levels.offsets_VKM, levels.grams_VMM):
            assert rows.dtype == dtype
            assert not rows[level, ..., count:].any()


@pytest.mark.parametrize("x_P", [np.full(200, 0.3), np.linspace(-1, 1, 20)], ids=["equal", "few"])
def test_points_that_are_equal_or_few_have_no_levels(x_P):
    assert len(node_levels(Tanh(), x_P, x_P[None], "float64", 16).counts_V) == 0
