"""Descent on the rows of a triangular factor is descent on all points."""

import dataclasses
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.cpu import linear_qr
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.engine import Fused
from pipeline.engines.cpu.linear_qr import FEW_WEIGHTS, LinearQr
from pipeline.engines.cpu.qr import MOST_COLUMNS, triangular_factors
from pipeline.engines.engine import Stack
from pipeline.engines.reference.engine import Reference
from pipeline.models.bases.polynomial import Legendre, Monomial
from pipeline.models.bases.wavelet import Haar
from pipeline.models.linear import Linear
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum, Nesterov, UpdateRule
from pipeline.problems.losses import HalfMeanSquare, Task
from pipeline.problems.problem import Dataset

RULES = [rule for rule in OPTIMIZERS.values() if issubclass(rule, UpdateRule)]
PROCESSOR = torch.device("cpu")


def case(basis, rule, *, points=60, width=7, outputs=1, dtype=torch.float64, targets=None):
    rng = np.random.default_rng(points + width)
    x_PD = torch.from_numpy(rng.uniform(-1, 1, (points, 1)))
    y_PK = torch.from_numpy(rng.standard_normal((points, outputs))) if targets is None else targets(x_PD)
    data = Dataset(x_PD, y_PK, x_PD[:2], y_PK[:2])
    context = PackContext(Linear(basis), width, rule, HalfMeanSquare(), Task.REGRESSION, data, dtype)
    return context, torch.from_numpy(rng.standard_normal((5, outputs * width))).to(dtype)


def stack_of(context, weights_TN, bound=1e10):
    rates_T1 = torch.linspace(0.01, 0.1, len(weights_TN), dtype=context.dtype)[:, None] / context.width
    slots = tuple(torch.zeros_like(weights_TN) for _ in range(context.optimizer.slots))
    bounds_T = torch.full((len(weights_TN),), bound, dtype=context.dtype)
    return Stack(tuple("abcde"[: len(weights_TN)]), weights_TN.clone(), slots, rates_T1, bounds_T)


def difference(a, b):
    return float((a.double() - b.double()).abs().max() / b.double().abs().max())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("basis", [Legendre(), Monomial(), Haar()], ids=lambda basis: basis.name())
@pytest.mark.parametrize(("points", "width", "outputs"), [(60, 7, 1), (8, 5, 3), (200, 16, 1), (8, 7, 3), (200, 16, 2)])
def test_hundred_steps_are_those_of_the_reference(rule, basis, points, width, outputs):
    rule = Adam(epsilon=1e-3) if rule is Adam else rule()
    context, weights_TN = case(basis, rule, points=points, width=width, outputs=outputs)
    found = []
    for engine in (LinearQr, Reference):
        made, stack = engine(context, None, PROCESSOR), stack_of(context, weights_TN)
        value_and_gradient = made.value_and_gradient(weights_TN)
        assert (made.advance(stack, 0, 100) == -1).all()
        found.append((*value_and_gradient, stack.weights_TN, *stack.slots))
    for rows, points_ in zip(*found, strict=True):
        assert difference(rows, points_) < 1e-12


def test_whether_trials_lie_in_lanes_says_the_shape_and_its_kernels_are_all_compiled_ahead(monkeypatch):
    for width, outputs in ((FEW_WEIGHTS, 1), (FEW_WEIGHTS + 1, 1), (FEW_WEIGHTS // 2, 2), (FEW_WEIGHTS // 2, 3)):
        context, weights_TN = case(Legendre(), GradientDescent(), width=width, outputs=outputs)
        problem = SimpleNamespace(num_inputs=1, num_outputs=outputs, train=60)
        told = {"model": context.model, "loss": context.loss, "optimizer": context.optimizer, "batch_size": None}
        shape = SimpleNamespace(**told, width=width, problem=problem, stored="float64")
        LinearQr.compile_kernels(shape, top_of_hessian=False)
        with monkeypatch.context() as patch:
            patch.setattr(Kernel, "__init__", lambda *_: pytest.fail("a kernel was not compiled ahead"))
            engine = LinearQr(context, None, PROCESSOR)
            engine.advance(stack_of(context, weights_TN), 0, 1)
            engine.value_and_gradient(weights_TN)
        assert engine.in_lanes == (width * outputs <= FEW_WEIGHTS)


@pytest.mark.parametrize("width", [FEW_WEIGHTS, FEW_WEIGHTS + 4])
def test_float32_is_no_farther_from_the_truth_than_descent_on_all_points(width):
    context, weights_TN = case(Legendre(), Momentum(0.5), points=300, width=width, dtype=torch.float32)
    precise, _ = case(Legendre(), Momentum(0.5), points=300, width=width)
    ends = []
    for engine, asked in ((LinearQr, context), (Fused, context), (Reference, precise)):
        stack = stack_of(asked, weights_TN.to(asked.dtype))
        engine(asked, None, PROCESSOR).advance(stack, 0, 300)
        ends.append(stack.weights_TN)
    assert difference(ends[0], ends[2]) < 1.5 * difference(ends[1], ends[2]) + 1e-7


def test_what_is_left_to_gain_keeps_its_digits_beside_a_constant_a_trillion_times_as_large():
    """Targets that are nearly orthogonal to the features: in float32 their sum has no digit of the smaller one."""
    context, _ = case(
        Legendre(), GradientDescent(), width=2, dtype=torch.float32,
        targets=lambda x_PD: 1e3 * torch.sign(torch.sin(40 * x_PD)),
    )  # fmt: skip
    features_PF, targets_PK = context.prepared_AP.mT, context.dataset.train_targets_PK
    best_FK = torch.linalg.lstsq(features_PF, targets_PK).solution
    engine = LinearQr(context, None, PROCESSOR)
    assert engine.constant == pytest.approx(float((features_PF @ best_FK - targets_PK).square().mean() / 2), rel=1e-12)
    near_TN = best_FK.mT.float() * (1 + 1e-4)
    _, gradient_TN = engine.value_and_gradient(near_TN)
    exact_NK = features_PF.mT @ (features_PF @ near_TN.double().mT - targets_PK) / len(features_PF)
    assert difference(gradient_TN, exact_NK.mT) < 2e-3  # of a difference of 1e-4 float32 knows three digits


def test_columns_that_depend_on_others_change_nothing():
    """Sixteen Haar functions on eight points that are repeated."""
    x_PD = torch.linspace(-1, 1, 8, dtype=torch.float64).repeat(3)[:, None]
    data = Dataset(x_PD, x_PD.square(), x_PD[:2], x_PD[:2])
    context = PackContext(Linear(Haar()), 16, GradientDescent(), HalfMeanSquare(), Task.REGRESSION, data, torch.float64)
    weights_TN, found = torch.zeros(2, 16, dtype=torch.float64), []
    for engine in (LinearQr, Reference):
        stack = stack_of(context, weights_TN)
        assert (engine(context, None, PROCESSOR).advance(stack, 0, 200) == -1).all()
        found.append(stack.weights_TN)
    assert difference(*found) < 1e-12


@pytest.mark.parametrize("width", [7, FEW_WEIGHTS + 1])
def test_divergence_is_found_at_the_same_step_and_a_bound_is_that_of_the_whole_loss(width):
    context, weights_TN = case(Legendre(), GradientDescent(), width=width)
    whole = LinearQr(context, None, PROCESSOR).value_and_gradient(weights_TN)[0]
    for rate, bound in itertools.product(
        (1.0, 50.0, 1e30, float("inf"), float("nan")), (1e10, float(whole.max()) * 1.01)
    ):
        found = []
        for engine in (LinearQr, Reference):
            stack = stack_of(context, weights_TN, bound)
            stack.learning_rates_T1[2] = rate
            found.append(engine(context, None, PROCESSOR).advance(stack, 3, 40).tolist())
        assert found[0] == found[1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("width", [7, FEW_WEIGHTS + 1])
def test_numbers_do_not_depend_on_the_pack_or_on_interruptions(width, dtype):
    context, weights_TN = case(Legendre(), Momentum(0.9), width=width, outputs=2, dtype=dtype)
    together, engine = stack_of(context, weights_TN), LinearQr(context, None, PROCESSOR)
    for first, last in itertools.pairwise((0, 1, 7, 40)):
        engine.advance(together, first, last)
    for trial in range(5):
        alone = stack_of(context, weights_TN).part(trial, trial + 1)
        LinearQr(context, None, PROCESSOR).advance(alone, 0, 40)
        assert torch.equal(alone.weights_TN[0], together.weights_TN[trial])


def test_numbers_do_not_depend_on_how_trials_are_shared_out_among_cores():
    """More trials than lanes and so many steps that every core takes some, beside as many steps in one thread."""
    context, _ = case(Legendre(), Adam(), dtype=torch.float32)
    weights_TN = torch.randn(150, 7, generator=torch.Generator().manual_seed(3))
    found = []
    for steps in (range(0, 2001, 2000), range(0, 2001, 10)):
        stack = stack_of(context, weights_TN)
        stack = dataclasses.replace(stack, trial_ids=("",) * 150)
        engine = LinearQr(context, None, PROCESSOR)
        for first, last in itertools.pairwise(steps):
            engine.advance(stack, first, last)
        found.append(stack)
    assert torch.equal(found[0].weights_TN, found[1].weights_TN)
    for one, other in zip(found[0].slots, found[1].slots, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("width", [7, FEW_WEIGHTS + 1])
def test_a_trial_that_diverges_leaves_those_in_other_lanes_as_they_are(width):
    context, weights_TN = case(Legendre(), Nesterov(0.5), width=width)
    quiet, loud = (stack_of(context, weights_TN, bound=1e6) for _ in range(2))
    loud.learning_rates_T1[2] = 1e3
    found_T = LinearQr(context, None, PROCESSOR).advance(loud, 0, 50)
    assert LinearQr(context, None, PROCESSOR).advance(quiet, 0, 50).tolist() == [-1] * 5
    assert (found_T >= 0).tolist() == [False, False, True, False, False]
    others = [0, 1, 3, 4]
    assert torch.equal(loud.weights_TN[others], quiet.weights_TN[others])


def test_slow_growth_passes_a_bound_of_the_whole_loss_at_the_step_of_the_reference():
    """From zero nine tenths of the loss are the constant: a bound that forgot it would be passed steps later."""
    context, weights_TN = case(Legendre(), GradientDescent())
    features_PF, found = context.prepared_AP.mT, []
    largest = float(torch.linalg.matrix_norm(features_PF, 2) ** 2 / len(features_PF))
    bound = 1.5 * float(context.dataset.train_targets_PK.square().mean() / 2)
    for engine in (LinearQr, Reference):
        stack = stack_of(context, torch.zeros_like(weights_TN), bound)
        stack.learning_rates_T1[:] = torch.tensor([2.05, 2.1, 2.2, 2.3, 2.5])[:, None] / largest
        found.append(engine(context, None, PROCESSOR).advance(stack, 0, 300).tolist())
    assert found[0] == found[1]
    assert len(set(found[0])) == 5
    assert min(found[0]) > 0


def test_rows_of_more_columns_than_its_own_decomposition_takes_do_not_depend_on_threads(monkeypatch):
    """LAPACK's last bits do, so it is called in one thread."""
    context, _ = case(Legendre(), GradientDescent(), points=MOST_COLUMNS + 50, width=MOST_COLUMNS + 1)
    threads = []

    def factors(matrices_TPF):
        threads.append(torch.get_num_threads())
        return triangular_factors(matrices_TPF)

    monkeypatch.setattr(linear_qr, "triangular_factors", factors)
    before, found = torch.get_num_threads(), []
    try:
        for num_threads in (1, 2):
            torch.set_num_threads(num_threads)
            found.append(LinearQr(context, None, PROCESSOR).value_and_gradient(torch.ones(1, context.width).double()))
    finally:
        torch.set_num_threads(before)
    assert threads == [1, 1]
    for one, two in zip(*found, strict=True):
        assert torch.equal(one, two)
    exact = Reference(context, None, PROCESSOR).value_and_gradient(torch.ones(1, context.width).double())
    for rows, points in zip(found[0], exact, strict=True):
        assert difference(rows, points) < 1e-12
