"""Variable projection minimises the loss with the best output layer, and reaches the best network there is."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.experiment.axes import Inputs
from pipeline.models.activations import ACTIVATIONS, Relu, Sigmoid, Tanh
from pipeline.models.shallow import Shallow
from pipeline.numerics.randomness import stream
from pipeline.optimizers.solvers import VariableProjection
from pipeline.problems.datasets import Digits
from pipeline.problems.losses import HalfMeanSquare
from pipeline.problems.measures import Grid
from pipeline.problems.targets import XSquared
from pipeline.training.module import PackModule

each_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS.keys())
DIGITS = {"target": (), "data": (Digits(),), "inputs": Inputs(train=(60,), test=10), "loss": HalfMeanSquare()}


def begun(pack, scattered, activation, **fields):
    """The iteration of a pack whose output layers are the best, and hidden units that differ."""
    module = PackModule(pack(VariableProjection(), models=(Shallow(activation),), **fields), [40])
    if fields:
        module.weights.data.copy_(0.2 * torch.from_numpy(stream("start").standard_normal(module.weights.shape)))
    else:
        module.weights.data.copy_(2 * scattered(4, 3))
    iterate = module.engine.workers[0].iteration
    return iterate, iterate.projected(module.weights.detach())


def projected_loss(iterate, hidden_N: Tensor) -> Tensor:
    """Half the mean square of what the best output layer leaves of the targets, by the pseudo-inverse of autograd."""
    prepared_AP, targets_KP = iterate.points
    width = iterate.context.width
    values_WP = iterate.context.model.activation(hidden_N.view(width, -1) @ prepared_AP)
    features_PF = torch.cat([values_WP, torch.ones_like(values_WP[:1])]).mT
    residual_PK = targets_KP.mT - features_PF @ (torch.linalg.pinv(features_PF) @ targets_KP.mT)
    return residual_PK.square().sum() / (2 * len(residual_PK))


@each_activation
def test_gradient_is_that_of_the_projected_loss(pack, scattered, activation):
    if activation.name() == "identity":  # dependent units: the pseudo-inverse has no derivative
        return
    for fields in ({}, DIGITS):
        iterate, here = begun(pack, scattered, activation(), **fields)
        for weights_N, loss, gradient_N in zip(here.weights_TN, here.losses_T, here.gradient_TN, strict=True):
            hidden_N = weights_N[: -iterate.num_output].clone().requires_grad_()
            value = projected_loss(iterate, hidden_N)
            (expected_N,) = torch.autograd.grad(value, hidden_N)
            assert float(loss) == pytest.approx(float(value.detach()), rel=1e-11)
            torch.testing.assert_close(gradient_N, expected_N, rtol=1e-8, atol=1e-10)


@each_activation
def test_gradient_is_the_jacobian_of_kaufman_times_what_is_left(pack, scattered, activation):
    for fields in ({}, DIGITS):
        iterate, here = begun(pack, scattered, activation(), **fields)
        root_TNM, residual_TM = iterate.kaufman(here)
        gradient_TN = (root_TNM @ residual_TM[..., None])[..., 0]
        torch.testing.assert_close(gradient_TN, here.gradient_TN, rtol=1e-9, atol=1e-11)
        torch.testing.assert_close(residual_TM.square().sum(dim=1) / 2, here.losses_T, rtol=1e-12, atol=0)


@each_activation
def test_jacobian_of_kaufman_is_what_units_gain_outside_the_range_of_the_features(pack, scattered, activation):
    """By automatic differentiation of the features, the output layer held fixed."""
    iterate, here = begun(pack, scattered, activation())
    root_TNM, _ = iterate.kaufman(here)
    prepared_AP = iterate.points[0]
    model, width = iterate.context.model, iterate.context.width
    for weights_N, root_NM, range_PS in zip(here.weights_TN, root_TNM, here.range_TPS, strict=True):
        output_W = weights_N[-width - 1 : -1]

        def units(hidden_N: Tensor, output_W: Tensor = output_W) -> Tensor:
            return output_W @ model.activation(hidden_N.view(width, -1) @ prepared_AP)

        slopes_PN = torch.func.jacrev(units)(weights_N[: -iterate.num_output])
        outside_PN = slopes_PN - range_PS @ (range_PS.mT @ slopes_PN)
        torch.testing.assert_close(root_NM.mT, outside_PN / len(slopes_PN) ** 0.5, rtol=1e-9, atol=1e-11)


def test_output_layer_of_the_start_is_of_no_account(pack, trained):
    whole = pack(VariableProjection())
    start = PackModule(whole, [40]).weights.detach().clone()
    other = start.clone()
    other[:, -4:] = torch.from_numpy(stream("other").standard_normal((4, 4)))
    assert torch.equal(trained(whole, start=start).weights, trained(whole, start=other).weights)


def test_output_layer_is_the_best_after_every_step(pack, trained):
    for stop in (1, 2, 20):
        module = trained(pack(VariableProjection()), stops=[stop])
        _, gradient_TN = module.engine.value_and_gradient(module.weights.detach())
        assert gradient_TN[:, -4:].abs().max() < 1e-11  # units may be nearly dependent, and output weights large


def test_output_layer_is_the_best_after_a_step_that_was_refused(pack, trained):
    module = trained(pack(VariableProjection(damping=1e-14), seeds=12), stops=[1])
    refused = module.optimizer.slots[0][:, 0] > 1e-14
    assert refused.any()
    _, gradient_TN = module.engine.value_and_gradient(module.weights.detach())
    assert gradient_TN[refused, -4:].abs().max() < 1e-11


def test_units_that_are_dead_or_double_leave_the_shortest_output_layer(pack, trained):
    whole = pack(VariableProjection(), models=(Shallow(Relu()),), seeds=1, steps=20)
    start = PackModule(whole, [20]).weights.detach().clone()
    start[0, :2] = torch.tensor([1.0, -2.0])  # its kink is to the right of all points
    start[0, 2:4] = start[0, 4:6] = torch.tensor([1.0, 0.1])
    module = trained(whole, start=start, stops=[1])
    assert module.weights[0, 6] == 0
    assert torch.isfinite(module.weights).all()


@pytest.mark.parametrize("activation", [Tanh(), Sigmoid()], ids=lambda activation: activation.name())
def test_is_ahead_of_all_that_move_both_layers(pack, trained, activation):
    """A square by smooth units: at infinity it is one of two units, and the solver is on its way there."""
    inputs = Inputs(measure=Grid(), train=(64,), test=50)
    module = trained(pack(VariableProjection(), target=(XSquared(),), models=(Shallow(activation),), inputs=inputs))
    assert module.engine.value_and_gradient(module.weights.detach())[0].max() < 1e-9


@pytest.mark.reference("best_relu_risk_x2_pm1_even_width")
@pytest.mark.parametrize("width", [2, 4, 8])
def test_every_start_comes_close_to_the_best_relu_network_for_a_square(reference, pack, trained, scattered, width):
    """No network of this width has a smaller risk; the worst of five starts is to be within 1.22 of that."""
    inputs = Inputs(measure=Grid(), train=(1024,), test=50)
    fields = {"models": (Shallow(Relu()),), "target": (XSquared(),), "widths": (width,), "seeds": 5}
    module = trained(pack(VariableProjection(), inputs=inputs, steps=120, **fields), start=scattered(5, width))
    assert reference["value"] == "4/(45 (n+1)^4)"
    x_PD = torch.linspace(-1, 1, 40_001, dtype=torch.float64)[:, None]
    model = module.context.model
    outputs_TP = model.outputs(module.weights.detach(), model.prepare(x_PD, width), width, 1)[:, 0]
    risk_T = (outputs_TP - x_PD[:, 0].square()).square().mean(dim=1)
    ratio_T = risk_T * 45 * (width + 1) ** 4 / 4
    assert ratio_T.min() > 0.999  # no network is better; the mean over the line is good to 1e-4
    assert ratio_T.max() < 1.22


def two_facing(signs: tuple[int, int], num_trials: int) -> Tensor:
    """Networks of two ReLUs of one input that face to the right (1) or to the left (-1), with random kinks."""
    rng = np.random.default_rng(1)
    kinks_TW, sign_W = np.sort(rng.uniform(-1, 1, (num_trials, 2))), np.array(signs, dtype=float)
    hidden_TWC = np.stack([np.broadcast_to(sign_W, kinks_TW.shape), -sign_W * kinks_TW], axis=-1)
    output_TF = rng.standard_normal((num_trials, 3))
    return torch.from_numpy(np.concatenate([hidden_TWC.reshape(num_trials, -1), output_TF], axis=1))


def least_loss(x_P: np.ndarray, signs: tuple[int, int], kinks_W: np.ndarray) -> float:
    """Half the mean square of what two ReLUs with these kinks and the best output layer leave of a square."""
    features_PF = np.stack([*np.maximum(np.array(signs)[:, None] * (x_P - kinks_W[:, None]), 0), np.ones_like(x_P)], 1)
    solution_F = np.linalg.lstsq(features_PF, x_P**2, rcond=None)[0]
    return float(np.mean((features_PF @ solution_F - x_P**2) ** 2) / 2)


@pytest.mark.parametrize("signs", [(1, 1), (-1, -1), (1, -1), (-1, 1)])
def test_two_relus_keep_the_way_they_face_and_end_where_no_kinks_nearby_do_better(pack, trained, signs):
    """Facing both ways they reach the best pair for a square; facing one way at most the best single kink,
    whose risk is ``(3/2)^4`` times that: the other kink leaves the interval."""
    inputs = Inputs(measure=Grid(), train=(256,), test=50)
    fields = {"models": (Shallow(Relu()),), "target": (XSquared(),), "widths": (2,), "seeds": 12}
    whole = pack(VariableProjection(), inputs=inputs, steps=200, **fields)
    module = trained(whole, start=two_facing(signs, 12))
    weights_TN = module.weights.detach()
    hidden_TWC = weights_TN[:, :4].view(12, 2, 2).numpy()
    loss_T = module.engine.value_and_gradient(weights_TN)[0].numpy()
    assert (np.sign(hidden_TWC[..., 0]) == signs).all()
    best = 4 / 45 / 3**4 / 2 * (1 if sum(signs) == 0 else 1.5**4)
    assert loss_T.min() == pytest.approx(best, rel=3e-3)
    ripple = 2 / 256  # of the loss as a function of a kink that passes point after point: the spacing of the points
    x_P, rng = (2 * np.arange(256) + 1) / 256 - 1, np.random.default_rng(2)
    for loss, units_WC in zip(loss_T, hidden_TWC, strict=True):
        kinks_W = -units_WC[:, 1] / units_WC[:, 0]
        assert loss == pytest.approx(least_loss(x_P, signs, kinks_W), rel=1e-9)
        near = min(least_loss(x_P, signs, kinks_W + rng.uniform(-0.01, 0.01, 2)) for _ in range(50))
        assert loss < (1 + ripple) * near
    if sum(signs) == 0:
        assert loss_T.max() < 1.01 * best
