"""Second derivatives written out are those of torch.func.hessian, over all activations, losses and models."""

import functools
import itertools
import math
import re
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from pipeline.models import MODELS
from pipeline.models.activations import ACTIVATIONS, Relu, Tanh
from pipeline.models.curvature import Curvature, curvature
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.numerics.kernel_functions import arc_cosine_kernel
from pipeline.numerics.randomness import stream
from pipeline.problems.losses import LOSSES, HalfMeanSquare, Loss, SoftmaxCrossEntropy, Task

WIDTH, NUM_INPUTS, NUM_POINTS, NUM_TRIALS = 4, 2, 9, 3
NETWORKS = [Shallow(kind()) for kind in ACTIVATIONS.values()]
EVERY = [*NETWORKS, *(kind() for kind in MODELS.values() if kind is not Shallow)]
CASES = [
    (model, loss(), num_outputs)
    for model, loss, num_outputs in itertools.product(EVERY, LOSSES.values(), (1, 3))
    if num_outputs > 1 or loss is not SoftmaxCrossEntropy  # whose loss of a single output is zero
]
each_case = pytest.mark.parametrize(
    ("model", "loss", "num_outputs"), CASES, ids=[f"{m.label()}-{loss.name()}-{k}" for m, loss, k in CASES]
)


def points(model: Model, loss: Loss, num_outputs: int) -> tuple[Tensor, Tensor]:
    """Prepared inputs and targets that fit the loss."""
    rng = stream("points", loss.name(), num_outputs)
    inputs_PD = torch.from_numpy(rng.uniform(-1, 1, (NUM_POINTS, NUM_INPUTS)))
    if Task.REGRESSION in loss.tasks:
        targets_PK = torch.from_numpy(rng.standard_normal((NUM_POINTS, num_outputs)))
    elif Task.CLASSES in loss.tasks:
        targets_PK = torch.eye(num_outputs, dtype=torch.float64)[rng.integers(num_outputs, size=NUM_POINTS)]
    else:
        targets_PK = torch.from_numpy(rng.integers(2, size=(NUM_POINTS, num_outputs)).astype(float))
    fitted = model.fitted(inputs_PD, targets_PK, WIDTH)
    return fitted.prepare(inputs_PD, WIDTH), targets_PK.mT.contiguous()


def weights_of(model: Model, num_outputs: int) -> Tensor:
    num_weights = model.num_weights(WIDTH, NUM_INPUTS, num_outputs)
    return torch.from_numpy(stream("weights").standard_normal((NUM_TRIALS, num_weights)))


@functools.cache
def case(model: Model, loss: Loss, num_outputs: int) -> tuple[Curvature, Tensor, Tensor]:
    """The derivatives under test, the exact Hessians and the exact Jacobians ``[T, N, K, P]``."""
    prepared_AP, targets_KP = points(model, loss, num_outputs)
    weights_TN = weights_of(model, num_outputs)

    def outputs(weights_N: Tensor) -> Tensor:
        return model.outputs(weights_N[None], prepared_AP, WIDTH, num_outputs)[0]

    hessians = [torch.func.hessian(lambda w: loss(outputs(w)[None], targets_KP)[0])(w) for w in weights_TN]
    jacobians = [torch.func.jacrev(outputs)(w).movedim(-1, 0) for w in weights_TN]
    found = curvature(model, loss, weights_TN, prepared_AP, targets_KP, WIDTH)
    return found, torch.stack(hessians), torch.stack(jacobians)


@each_case
def test_derivatives_are_those_of_autograd(model: Model, loss: Loss, num_outputs: int) -> None:
    found, hessian_TNN, jacobian_TNKP = case(model, loss, num_outputs)
    close = {"rtol": 1e-12, "atol": 1e-12}
    torch.testing.assert_close(found.jacobian(), jacobian_TNKP, **close)
    torch.testing.assert_close(found.hessian(), hessian_TNN, **close)
    directions_TN = torch.from_numpy(stream("directions").standard_normal(hessian_TNN.shape[:2]))
    torch.testing.assert_close(found.product(directions_TN), (hessian_TNN @ directions_TN[..., None])[..., 0], **close)


@each_case
def test_gauss_newton_matrix_is_what_the_jacobian_and_the_curvature_of_the_loss_make(
    model: Model, loss: Loss, num_outputs: int
) -> None:
    found, hessian_TNN, jacobian_TNKP = case(model, loss, num_outputs)
    inner_TNKP = loss.curvature(found.outputs_TKP[:, None], found.targets_KP, jacobian_TNKP)
    exact_TNN = jacobian_TNKP.flatten(2) @ inner_TNKP.flatten(2).mT
    torch.testing.assert_close(found.of_outputs(), exact_TNN, rtol=1e-12, atol=1e-12)
    if loss.convex:
        torch.testing.assert_close(found.gauss_newton(), exact_TNN, rtol=1e-12, atol=1e-12)
    assert torch.linalg.eigvalsh(found.gauss_newton()).min() > -1e-14 * hessian_TNN.abs().max()
    if model.linear:
        assert torch.equal(found.hessian(), found.of_outputs())
        assert torch.equal(found.hessian(), found.gauss_newton()) == loss.convex


def test_rest_of_the_hessian_vanishes_where_the_outputs_are_the_targets() -> None:
    model, loss = Shallow(Tanh()), HalfMeanSquare()
    prepared_AP, _ = points(model, loss, 2)
    weights_TN = weights_of(model, 2)[:1]
    targets_KP = model.outputs(weights_TN, prepared_AP, WIDTH, 2)[0]
    found = curvature(model, loss, weights_TN, prepared_AP, targets_KP, WIDTH)
    torch.testing.assert_close(found.hessian(), found.gauss_newton(), rtol=0, atol=1e-14)


def test_trials_do_not_feel_each_other() -> None:
    model, loss = Shallow(Tanh()), SoftmaxCrossEntropy()
    prepared_AP, targets_KP = points(model, loss, 3)
    weights_TN = weights_of(model, 3)
    together = curvature(model, loss, weights_TN, prepared_AP, targets_KP, WIDTH)
    weights_TN = weights_TN.clone()
    weights_TN[1] = torch.nan
    beside_nan = curvature(model, loss, weights_TN, prepared_AP, targets_KP, WIDTH)
    directions_TN = torch.ones_like(weights_TN)
    for name, arguments in (("product", (directions_TN,)), ("hessian", ()), ("jacobian", ())):
        one, other = getattr(together, name)(*arguments), getattr(beside_nan, name)(*arguments)
        torch.testing.assert_close(one[[0, 2]], other[[0, 2]], rtol=1e-13, atol=1e-15)
        assert other[1].isnan().any()


def test_product_leaves_its_direction_alone() -> None:
    for model in EVERY:
        prepared_AP, targets_KP = points(model, HalfMeanSquare(), 1)
        weights_TN = weights_of(model, 1)
        directions_TN, before = weights_TN + 1, weights_TN + 1
        found = curvature(model, HalfMeanSquare(), weights_TN, prepared_AP, targets_KP, WIDTH)
        first = found.product(directions_TN).clone()
        assert torch.equal(directions_TN, before)
        assert torch.equal(found.product(directions_TN), first), "a product changes nothing that the next one needs"


def test_kinks_are_left_out() -> None:
    """The Hessian of a ReLU network in a bias is that of the line that is active, whatever kinks lie near."""
    model = Shallow(Relu())
    line_PD = torch.linspace(0, 1, 101, dtype=torch.float64)[:, None]
    prepared_AP = model.prepare(line_PD, 1)
    weights_TN = torch.tensor([[1.0, -0.4, 0.7, 0.0]], dtype=torch.float64)  # 0.7 relu(x - 0.4)
    targets_KP = line_PD.cos().mT
    hessian = curvature(model, HalfMeanSquare(), weights_TN, prepared_AP, targets_KP, 1).hessian()
    active = float((line_PD > 0.4).double().mean())
    assert float(hessian[0, 1, 1]) == pytest.approx(0.7**2 * active, rel=1e-12)


class Unknown(Model):
    linear: ClassVar[bool] = False
    num_weights = initial_weights = prepare = features = outputs = None  # type: ignore[assignment]


def test_model_without_derivatives_is_refused() -> None:
    with pytest.raises(TypeError, match=f"^{re.escape('no second derivatives of unknown')}$"):
        curvature(Unknown(), HalfMeanSquare(), torch.zeros(1, 1), torch.zeros(1, 1), torch.zeros(1, 1), 1)


@pytest.mark.reference("ntk_finite_width_relative_error_times_sqrt_m")
def test_tangent_kernel_of_a_wide_network_is_apart_from_its_limit_by_one_over_the_root_of_the_width(reference) -> None:
    """Two layers of normal weights without biases, scaled by the root of two over the width, on half a circle."""
    angles_P = math.pi * torch.arange(8, dtype=torch.float64) / 8
    points_PD = torch.stack([angles_P.cos(), angles_P.sin()], dim=1)
    of_hidden_PP = points_PD @ points_PD.mT * arc_cosine_kernel(points_PD, points_PD, 0)
    limit_PP = of_hidden_PP + arc_cosine_kernel(points_PD, points_PD, 1)
    targets_KP = torch.zeros(1, 8, dtype=torch.float64)
    # Draws enough that the mean is good to a tenth; the fourth width would cost more than all others together.
    for width, draws in zip(reference["inputs"]["widths"], (40, 40, 20), strict=False):
        weights_TN = torch.from_numpy(stream("wide", width).standard_normal((draws, 3 * width + 1)))
        # No constant among the inputs, so no biases; the last weight, which is that of the output, is left out.
        curved = curvature(Shallow(Relu()), HalfMeanSquare(), weights_TN, points_PD.mT, targets_KP, width)
        jacobian_TNP = curved.jacobian()[:, :-1, 0]
        apart_TPP = 2 / width * jacobian_TNP.mT @ jacobian_TNP - limit_PP
        relative_T = torch.linalg.matrix_norm(apart_TPP) / torch.linalg.matrix_norm(limit_PP)
        scaled = float(relative_T.mean()) * math.sqrt(width)
        assert scaled == pytest.approx(reference["value"], abs=reference["tolerance"]["abs"])
