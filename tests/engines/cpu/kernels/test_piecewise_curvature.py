"""Products by sums over units are those of the formulas, which are held against autograd."""

import dataclasses

import numpy as np
import pytest
import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.piecewise_curvature import PiecewiseCurvature, coupled_outputs
from pipeline.engines.cpu.lane_blocks import LANES, blocks, rows
from pipeline.engines.cpu.piecewise_eigenvalues import PiecewiseEigenvalues
from pipeline.models.activations import Identity, LeakyRelu, Relu
from pipeline.models.curvature import curvature
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent
from pipeline.problems.losses import LOSSES, HalfMeanSquare, SoftmaxCrossEntropy
from pipeline.problems.problem import Dataset

CASES = list(zip([Relu(), LeakyRelu(0.2), Identity(), Relu()], LOSSES.values(), [1, 3, 1, 2], strict=True))
"""Activations, losses and numbers of outputs."""


def case(activation, loss, outputs=1, *, points=33, width=9):
    """Networks with units that rest or act everywhere, or share their kinks, and points some of which are equal."""
    rng, model = np.random.default_rng(points), Shallow(activation)
    inputs_PD = torch.from_numpy(np.round(rng.uniform(-1.5, 1.5, (points, 1)), 1))
    targets_PK = torch.from_numpy(np.eye(outputs)[rng.integers(0, outputs, points)])
    data = Dataset(inputs_PD, targets_PK, inputs_PD[:2], targets_PK[:2])
    context = PackContext(model, width, GradientDescent(), loss(), next(iter(loss.tasks)), data, torch.float32)
    weights_TN = torch.from_numpy(rng.standard_normal((LANES, model.num_weights(width, 1, outputs))))
    weights_TN[1, :8] = torch.tensor([1.0, -9, 1, 9, 0, 1, 0, -1])
    weights_TN[2, :8] = torch.tensor([1.0, 0.5, -2, -1, 1, 0.5, -1, 9])
    return context, weights_TN, torch.from_numpy(rng.standard_normal((LANES, weights_TN.shape[1])))


def product(context, weights_TN, directions_TN):
    """One product of each trial, with weights in their own order before and after."""
    find = PiecewiseEigenvalues(context)  # for the points, and the sizes of what a product works in
    p = Program("float64")
    hessian = PiecewiseCurvature(p, find.spec)
    given, direction, result, products = map(p.array_parameter, ("given", "direction", "result", "products"))
    hessian.remember(p.int_constant(0))
    for place, own in hessian.order.of_weights():
        direction.store(place * p.lanes, p.gather(given, own * p.lanes + hessian.lane))
    hessian.product(direction, result)
    for place, own in hessian.order.of_weights():
        p.scatter(products, own * p.lanes + hessian.lane, result.load(place * p.lanes, p.lanes))
    arrays = {name: np.zeros(directions_TN.numel()) for name in ("direction", "result", "products")}
    arrays |= {"weights": blocks(weights_TN), "given": blocks(directions_TN)}
    Kernel(p)({**find.shared, **find._scratch(), **arrays, "num_blocks": 1})
    return rows(arrays["products"].reshape(1, -1, LANES), len(directions_TN))


def of_the_formulas(context, weights_TN, directions_TN):
    targets_KP = context.dataset.train_targets_PK.mT.contiguous()
    parts = (context.model, context.loss, weights_TN, context.prepared_AP, targets_KP, context.width)
    return curvature(*parts).product(directions_TN)


@pytest.mark.parametrize(
    "activation, loss, outputs", CASES, ids=lambda kind: kind.name() if hasattr(kind, "name") else kind
)
def test_product_is_that_of_the_formulas(activation, loss, outputs):
    told = case(activation, loss, outputs)
    expected_TN = of_the_formulas(*told)
    error_TN = (product(*told) - expected_TN).abs()
    assert (error_TN.amax(dim=1) <= 1e-12 * expected_TN.abs().amax(dim=1)).all()


def test_a_direction_that_moves_one_unit_alone_meets_its_own_weights_and_what_overlaps_with_it():
    """Of two units that act on opposite sides of 0, a move of one leaves the gradient of the other's weights alone."""
    context, *_ = case(Relu(), HalfMeanSquare)
    context = dataclasses.replace(context, width=2)
    weights_TN, directions_TN = torch.zeros(2, LANES, 7, dtype=torch.float64)
    weights_TN[:] = torch.tensor([1.0, 0, -1, 0, 2, 3, 0])
    directions_TN[:] = torch.tensor([1.0, 0, 0, 0, 0, 0, 0])
    found_TN = product(context, weights_TN, directions_TN)
    assert found_TN[:, [2, 3, 5]].abs().max() < 1e-14
    x_P = context.dataset.train_inputs_PD[:, 0].clamp(min=0)
    torch.testing.assert_close(found_TN[:, 0], (4 * x_P.square().mean()).expand(LANES), rtol=1e-13, atol=0)


def test_only_softmax_couples_outputs():
    assert coupled_outputs(HalfMeanSquare(), 2) == [(0, 0), (1, 1)]
    assert coupled_outputs(SoftmaxCrossEntropy(), 2) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for loss in LOSSES.values():
        outputs_TKP = torch.randn(1, 3, 4, dtype=torch.float64)
        targets_KP = torch.tensor([[1.0], [0], [0]]).double().expand(3, 4)
        only_first_TKP = torch.zeros_like(outputs_TKP)
        only_first_TKP[:, 0] = 1
        others = loss().curvature(outputs_TKP, targets_KP, only_first_TKP)[:, 1:]
        assert bool(others.abs().max() > 0) == (len(coupled_outputs(loss(), 3)) > 3)
