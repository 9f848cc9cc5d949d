"""A damped step is the precise one where the loss is small, and its damping follows from whether it was taken."""

import pytest
import torch

from pipeline.engines.reference.solvers.damping import LEAST_DAMPING, MOST_DAMPING, PRECISE_BELOW, changed, damped_step
from pipeline.numerics.least_squares import damped_by_normal_equations, damped_by_qr
from pipeline.numerics.randomness import stream


def test_each_trial_has_the_step_that_its_loss_asks_for():
    root_TNM, residual_TM = (torch.from_numpy(stream(*s).standard_normal(s)) for s in ((4, 3, 8), (4, 8)))
    gradient_TN = (root_TNM @ residual_TM[..., None])[..., 0]
    damping_T = torch.tensor([1e-3, 1e-3, 1.0, 1.0], dtype=torch.float64)
    losses_T = torch.tensor([0.99, 1.01, 1e-20, 1e10], dtype=torch.float64) * PRECISE_BELOW
    precise_TN = damped_by_qr(root_TNM, residual_TM, damping_T)
    rough_TN = damped_by_normal_equations(root_TNM, gradient_TN, damping_T)
    assert not (precise_TN == rough_TN).all(dim=1).any()
    step_TN = damped_step(root_TNM, gradient_TN, residual_TM, damping_T, losses_T)
    assert torch.equal(step_TN, torch.stack([precise_TN[0], rough_TN[1], precise_TN[2], rough_TN[3]]))
    assert torch.equal(damped_step(root_TNM, gradient_TN, None, damping_T, losses_T), rough_TN)


@pytest.mark.parametrize(
    "before, accepted, after",
    [
        (0.3, True, 0.1),
        (0.3, False, 1.2),
        (2 * LEAST_DAMPING, True, LEAST_DAMPING),
        (MOST_DAMPING / 2, False, MOST_DAMPING),
    ],
)
def test_damping_falls_by_three_and_rises_by_four_within_its_bounds(before, accepted, after):
    changed_1 = changed(torch.tensor([before], dtype=torch.float64), torch.tensor([accepted]))
    assert float(changed_1) == pytest.approx(after, rel=1e-15)


def test_under_the_largest_damping_a_step_is_a_millionth_of_the_gradient():
    root_TNM = torch.from_numpy(stream(1).standard_normal((1, 3, 8)))
    gradient_TN, losses_T = torch.tensor([[1.0, -2.0, 3.0]], dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    largest_T = changed(torch.tensor([1e300], dtype=torch.float64), torch.tensor([False]))
    step_TN = damped_step(root_TNM, gradient_TN, None, largest_T, losses_T)
    assert torch.allclose(step_TN * 1e6, gradient_TN, rtol=1e-3, atol=0)
