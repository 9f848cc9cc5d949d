"""Activations in SIMD arithmetic, and their derivatives given their value, are those of the definitions."""

import numpy as np
import pytest
import torch

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.activations import (
    COVERED,
    activate,
    times_derivative,
    times_second_derivative,
)
from pipeline.models.activations import ACTIVATIONS, PIECEWISE_LINEAR

Z = np.linspace(-4, 4, 64)


def values(activation):
    """Value, first and second derivative times 3, at each z."""
    p = Program("float64")
    z, found, count = p.array_parameter("z"), p.array_parameter("found"), p.int_parameter("count")
    with p.loop(count, step=p.lanes) as n:
        h = activate(p, activation, z.load(n, p.lanes))
        three = p.constant(3.0, p.lanes)
        found.store(n, h)
        found.store(count + n, times_derivative(p, activation, three, h))
        found.store(count * 2 + n, times_second_derivative(p, activation, three, h))
    found_3Z = np.full((3, len(Z)), np.nan)
    Kernel(p)({"z": Z, "found": found_3Z, "count": len(Z)})
    return found_3Z


@pytest.mark.parametrize("kind", COVERED, ids=lambda kind: kind.name())
def test_values_and_derivatives_are_those_of_autograd(kind):
    activation, z = kind(), torch.from_numpy(Z).requires_grad_()
    h = activation(z)
    (first,) = torch.autograd.grad(h.sum(), z, create_graph=True)
    second = torch.zeros_like(z)
    if first.requires_grad:
        (second,) = torch.autograd.grad(first.sum(), z)
    expected = torch.stack([h, 3 * first, 3 * second]).detach().numpy()
    np.testing.assert_allclose(values(activation), expected, rtol=1e-13, atol=1e-15)


def test_every_activation_is_covered():
    assert set(COVERED) == set(ACTIVATIONS.values())


def test_piecewise_linear_activations_are_their_derivative_times_the_argument():
    for kind in COVERED:
        h, slope, _ = values(kind())
        assert np.allclose(h, slope / 3 * Z, atol=1e-12) == (kind in PIECEWISE_LINEAR)
