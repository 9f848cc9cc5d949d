"""Levenberg-Marquardt takes the steps that its formula says, and ends where SciPy finds nothing better."""

import numpy as np
import pytest
import scipy.optimize
import torch

from pipeline.engines.reference.solvers import damping
from pipeline.experiment.axes import Inputs
from pipeline.models.bases.polynomial import Legendre
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.solvers import LevenbergMarquardt
from pipeline.problems.losses import BinaryCrossEntropy, BrierScore, HalfMeanSquare, Loss
from pipeline.problems.measures import Grid
from pipeline.problems.targets import OuterRing, Sine
from pipeline.training.module import PackModule


def residuals(context):
    """A function of the weights of one trial: what its outputs miss, ``[K P]``."""
    targets = context.dataset.train_targets_PK.mT

    def missed(weights):
        outputs = context.model.outputs(weights[None], context.prepared_AP, context.width, context.num_outputs)
        return (outputs[0] - targets).flatten()

    return missed


@pytest.mark.parametrize("basis", [Legendre(), Cosine()], ids=lambda basis: basis.name())
def test_linear_model_is_solved_in_one_step_without_damping(pack, trained, basis):
    whole = pack(LevenbergMarquardt(damping=1e-15), models=(Linear(basis),), widths=(6,), seeds=1)
    module = trained(whole, stops=[1])
    torch.testing.assert_close(module.weights.detach()[0], module.context.least_squares_KF[0], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("loss", [HalfMeanSquare(), BinaryCrossEntropy(), BrierScore()], ids=Loss.label)
def test_steps_are_those_of_a_loop_over_trials_with_dense_matrices_of_autograd(pack, trained, loss):
    """Gauss-Newton matrix from the Jacobian of the outputs and the Hessian of the loss in them, if that is convex.

    The Brier score is no convex function of them; it is the mean square of what its probabilities miss.
    """
    rings = {"target": (OuterRing(),), "inputs": Inputs(train=(30,), test=10)}
    whole = pack(LevenbergMarquardt(damping=0.5), steps=12, loss=loss, **({} if loss.quadratic else rings))
    context = PackModule(whole, [12]).context
    targets = context.dataset.train_targets_PK.mT

    def outputs(weights):
        return context.model.outputs(weights[None], context.prepared_AP, context.width, context.num_outputs)[0]

    def of_outputs(values):
        return loss(values[None], targets)[0]

    expected, rises = [], 0
    for weights in PackModule(whole, [12]).weights.detach():
        mu = 0.5
        for _ in range(12):
            jacobian = torch.func.jacrev(outputs)(weights).flatten(0, 1)
            slope = torch.func.grad(of_outputs)(outputs(weights)).flatten()
            if loss.convex:
                curved = torch.func.hessian(of_outputs)(outputs(weights)).flatten(2).flatten(0, 1)
            else:
                slopes = torch.func.jacrev(torch.sigmoid)(outputs(weights)).flatten(2).flatten(0, 1)
                curved = 2 / context.num_points * slopes.mT @ slopes
            matrix = jacobian.mT @ curved @ jacobian + mu * torch.eye(len(weights), dtype=torch.float64)
            trial = weights - torch.linalg.solve(matrix, jacobian.mT @ slope)
            falls = of_outputs(outputs(trial)) < of_outputs(outputs(weights))
            weights, mu = (trial, mu / 3) if falls else (weights, mu * 4)
            rises += not falls
        expected.append(weights)
    assert rises, "both branches are seen"
    torch.testing.assert_close(trained(whole).weights.detach(), torch.stack(expected), rtol=1e-8, atol=1e-9)


def test_scipy_ends_at_the_same_minimum(pack, trained):
    module = trained(pack(LevenbergMarquardt(), widths=(2,), steps=400))
    start = PackModule(module.pack, [1]).weights.detach()
    losses_T, _ = module.engine.value_and_gradient(module.weights.detach())
    missed, num_points = residuals(module.context), module.context.num_points

    def solved(weights):
        return scipy.optimize.least_squares(
            lambda w: missed(torch.from_numpy(w)).numpy(),
            weights.numpy(),
            jac=lambda w: torch.func.jacrev(missed)(torch.from_numpy(w)).numpy(),
            method="lm",
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
        )

    for weights, loss in zip(module.weights.detach(), losses_T, strict=True):  # from the end: nothing lower nearby
        assert solved(weights).cost / num_points == pytest.approx(float(loss), rel=1e-12)
    costs = np.array([solved(weights).cost / num_points for weights in start])  # from the start
    assert np.isclose(costs, losses_T.numpy(), rtol=1e-9).any()


def test_damping_stays_within_its_bounds(pack, trained):
    module = trained(pack(LevenbergMarquardt(), widths=(2,), steps=300))
    assert (module.optimizer.slots[0] == damping.MOST_DAMPING).any()  # at the minimum nothing is accepted
    linear = trained(pack(LevenbergMarquardt(damping=1e-15), models=(Linear(),), seeds=1), stops=[1])
    assert float(linear.optimizer.slots[0]) == damping.LEAST_DAMPING


def test_points_that_a_network_of_the_same_width_has_made_are_met_to_the_last_digit(pack, trained):
    whole = pack(LevenbergMarquardt(), inputs=Inputs(measure=Grid(), train=(40,), test=9), widths=(2,), steps=100)
    x_P1 = PackModule(whole, [1]).context.dataset.train_inputs_PD
    module = trained(whole, targets=torch.tanh(3 * x_P1 + 1) - torch.tanh(2 * x_P1 - 1))
    losses_T, _ = module.engine.value_and_gradient(module.weights.detach())
    assert losses_T.max() < 1e-30  # residuals of 1e-15


@pytest.mark.parametrize("width, most", [(4, 2e-5), (8, 2e-8)])
def test_median_of_networks_on_a_sine_is_what_was_measured_before(pack, trained, width, most):
    """1.5e-5 and 1.0e-8, mean squares after 400 iterations of 32 starts."""
    inputs = Inputs(measure=Grid(), train=(128,), test=50)
    whole = pack(LevenbergMarquardt(), target=(Sine(),), inputs=inputs, widths=(width,), steps=400, seeds=16)
    module = trained(whole)
    assert isinstance(module.context.model, Shallow)
    losses_T, _ = module.engine.value_and_gradient(module.weights.detach())
    assert float(2 * losses_T.median()) < most
