"""Losses in SIMD arithmetic, their slopes and their curvature are those of the definitions."""

import numpy as np
import pytest
import torch

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.losses import loss_and_slopes, times_curvature
from pipeline.problems.losses import LOSSES, Task

POINTS, OUTPUTS = 16, 3


def computed(loss, rows_5KP):
    """Loss, slopes and curvature times a direction, of each point, where the weight of a point is 1 / P."""
    p = Program("float64")
    given, found = p.array_parameter("given"), p.array_parameter("found")
    weight = p.constant(1 / POINTS, p.lanes)
    for first in range(0, POINTS, p.lanes):
        f, y, d = (
            [given.load((row * OUTPUTS + k) * POINTS + first, p.lanes) for k in range(OUTPUTS)] for row in range(3)
        )
        value, slopes = loss_and_slopes(p, loss, f, y, weight)
        for row, result in enumerate([value, *slopes, *times_curvature(p, loss, f, y, d, weight)]):
            found.store(row * POINTS + first, result)
    found_RP = np.full((1 + 2 * OUTPUTS, POINTS), np.nan)
    Kernel(p)({"given": rows_5KP, "found": found_RP})
    return found_RP[0], found_RP[1 : 1 + OUTPUTS], found_RP[1 + OUTPUTS :]


@pytest.mark.parametrize("kind", LOSSES.values(), ids=LOSSES.keys())
def test_loss_slopes_and_curvature_are_those_of_the_definition(kind):
    loss, rng = kind(), np.random.default_rng(3)
    outputs_KP, directions_KP = 3 * rng.standard_normal((2, OUTPUTS, POINTS))
    targets_KP = rng.integers(0, 2, (OUTPUTS, POINTS)).astype(float)
    if loss.tasks == {Task.CLASSES}:
        targets_KP = np.eye(OUTPUTS)[rng.integers(0, OUTPUTS, POINTS)].T.copy()
    value_P, slopes_KP, curved_KP = computed(loss, np.stack([outputs_KP, targets_KP, directions_KP]))
    f, y, d = (torch.from_numpy(rows) for rows in (outputs_KP[None], targets_KP, directions_KP[None]))
    assert value_P.sum() == pytest.approx(float(loss(f, y)), rel=1e-12)
    np.testing.assert_allclose(slopes_KP, loss.gradient(f, y)[0], rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(curved_KP, loss.curvature(f, y, d)[0], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("function", [loss_and_slopes, times_curvature])
def test_a_loss_that_is_not_written_is_refused(function):
    class Other:
        def name(self):
            return "other"

    p = Program("float64")
    one = [p.constant(1.0)]
    arguments = (one, one, one) if function is times_curvature else (one, one)
    with pytest.raises(TypeError, match=r"^no lanes for (the curvature of )?other$"):
        function(p, Other(), *arguments, one[0])
