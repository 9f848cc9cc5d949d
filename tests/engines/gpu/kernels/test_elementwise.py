"""Activations in Triton, and their derivatives given their value, are those of the definitions."""

import pytest
import torch

pytest.importorskip("triton")

import triton
import triton.language as tl

from pipeline.engines.cpu.kernels import activations as on_cpu
from pipeline.engines.cpu.kernels import updates as on_cpu_updates
from pipeline.engines.gpu.kernels import elementwise
from pipeline.engines.gpu.kernels.elementwise import activate, times_derivative

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@triton.jit
def both(z, values, slopes, ACTIVATION: tl.constexpr, SLOPE: tl.constexpr):
    n = tl.arange(0, 64)
    h = activate(tl.load(z + n), ACTIVATION, SLOPE)
    tl.store(values + n, h)
    tl.store(slopes + n, times_derivative(tl.full([64], 3.0, tl.float32), h, ACTIVATION, SLOPE))


@pytest.mark.parametrize("kind", elementwise.ACTIVATIONS, ids=lambda kind: kind.name())
def test_values_and_derivatives_are_those_of_autograd(kind):
    activation, z = kind(), torch.linspace(-4, 4, 64, device=DEVICE)
    values, slopes = torch.empty_like(z), torch.empty_like(z)
    both[(1,)](z, values, slopes, ACTIVATION=activation.name(), SLOPE=float(getattr(activation, "slope", 0.0)))
    z.requires_grad_()
    expected = activation(z)
    expected.sum().backward()
    torch.testing.assert_close(values, expected.detach())
    torch.testing.assert_close(slopes, 3 * z.grad, rtol=1e-5, atol=1e-6)


def test_gpus_and_processors_cover_the_same():
    assert set(elementwise.ACTIVATIONS) == set(on_cpu.COVERED)
    assert set(elementwise.RULES) == set(on_cpu_updates.COVERED)
