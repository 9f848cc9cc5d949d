"""Smooth networks of one input are trained on nodes as on all points, and on all points where nodes are not enough."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.cpu.engine import Fused
from pipeline.engines.cpu.smooth_one_input import SmoothOneInput
from pipeline.engines.engine import Stack
from pipeline.engines.reference.engine import Reference
from pipeline.models.activations import Sigmoid, Tanh
from pipeline.models.shallow import Shallow
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam, GradientDescent, UpdateRule
from pipeline.problems.losses import HalfMeanSquare, Task
from pipeline.problems.problem import Dataset

RULES = [rule for rule in OPTIMIZERS.values() if issubclass(rule, UpdateRule)]
PROCESSOR = torch.device("cpu")
BITWISE = {"rtol": 0, "atol": 0}


def case(activation, rule=GradientDescent, *, outputs=1, width=9, dtype=torch.float64, trials=5, x_P=None):
    rng, model = np.random.default_rng(2), Shallow(activation)
    inputs_PD = torch.from_numpy(rng.uniform(-1, 1, 150) if x_P is None else x_P)[:, None]
    targets_PK = torch.from_numpy(rng.standard_normal((len(inputs_PD), outputs)))
    data = Dataset(inputs_PD, targets_PK, inputs_PD[:2], targets_PK[:2])
    context = PackContext(model, width, rule(), HalfMeanSquare(), Task.REGRESSION, data, dtype)
    weights_TN = np.stack([model.initial_weights(width, 1, outputs, rng) for _ in range(trials)])
    return context, torch.from_numpy(weights_TN).to(dtype)


def stack_of(context, weights_TN, bound=1e10):
    rates_T1 = torch.full((len(weights_TN), 1), 0.05, dtype=context.dtype)
    slots = tuple(torch.zeros_like(weights_TN) for _ in range(context.optimizer.slots))
    bounds_T = torch.full((len(weights_TN),), bound, dtype=context.dtype)
    return Stack(tuple(map(str, range(len(weights_TN)))), weights_TN.clone(), slots, rates_T1, bounds_T)


def after_steps(engine, context, weights_TN, steps=100):
    made, stack = engine(context, None, PROCESSOR), stack_of(context, weights_TN)
    assert (made.advance(stack, 0, steps) == -1).all()
    return [stack.weights_TN, *stack.slots, *made.value_and_gradient(stack.weights_TN)]


def difference(a, b):
    return float((a.double() - b.double()).abs().max() / b.double().abs().max())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("activation, outputs", [(Tanh(), 1), (Sigmoid(), 2)], ids=["tanh", "sigmoid"])
def test_hundred_steps_are_those_of_the_reference(activation, outputs, rule):
    def made():
        return rule(epsilon=1e-3) if rule is Adam else rule()  # whose steps are as large for mere rounding

    told = case(activation, made, outputs=outputs)
    for own, reference in zip(*(after_steps(engine, *told) for engine in (SmoothOneInput, Reference)), strict=True):
        assert difference(own, reference) < 1e-12


@pytest.mark.parametrize("activation", [Tanh(), Sigmoid()], ids=lambda activation: activation.name())
def test_float32_is_about_as_far_from_the_truth_as_on_all_points(activation):
    context, weights_TN = case(activation, dtype=torch.float32, width=30)
    exact = after_steps(Reference, dataclasses.replace(context, dtype=torch.float64), weights_TN.double())[0]
    own, direct = (after_steps(engine, context, weights_TN)[0] for engine in (SmoothOneInput, Fused))
    assert own.dtype == torch.float32
    assert difference(own, exact) < 2 * difference(direct, exact) + 1e-7


def test_a_unit_too_steep_for_all_nodes_sends_its_trial_alone_to_all_points():
    context, weights_TN = case(Tanh())
    weights_TN[2, 4] = -90.0
    on_nodes, on_points = (after_steps(engine, context, weights_TN)[0] for engine in (SmoothOneInput, Fused))
    torch.testing.assert_close(on_nodes[2], on_points[2], **BITWISE)
    assert all((on_nodes[trial] != on_points[trial]).any() for trial in (0, 1, 3, 4))


def test_as_weights_grow_more_nodes_are_taken_and_then_all_points():
    """The step at which a unit becomes too steep changes nothing that is seen: numbers are those of the reference."""
    context, weights_TN = case(Tanh(), x_P=np.linspace(-1, 1, 300))
    context.dataset.train_targets_PK.copy_(8 * torch.sign(context.dataset.train_inputs_PD))
    counts = SmoothOneInput(context, None, PROCESSOR).common["node_slopes"]
    steepest, ends = [], []
    for engine in (SmoothOneInput, Reference):
        made, stack = engine(context, None, PROCESSOR), stack_of(context, weights_TN)
        for first, last in itertools.pairwise((0, 50, 400, 1500)):
            assert (made.advance(stack, first, last) == -1).all()
            steepest.append(stack.weights_TN[:, :18:2].abs().amax(dim=1))
        ends.append(stack.weights_TN)
    assert steepest[2].max() > counts[2] > counts[0]
    assert difference(*ends) < 1e-8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_do_not_depend_on_pack_or_interruptions(dtype):
    context, weights_TN = case(Tanh(), lambda: Adam(epsilon=1e-3), dtype=dtype)
    weights_TN[:, 0] = torch.tensor([0.1, 1.5, 3.0, 5.0, 50.0])
    made = SmoothOneInput(context, None, PROCESSOR)
    whole = stack_of(context, weights_TN)
    for first, last in itertools.pairwise((0, 1, 2, 17, 60)):
        made.advance(whole, first, last)
    for trial in range(5):
        alone = stack_of(context, weights_TN[trial, None])
        made.advance(alone, 0, 60)
        torch.testing.assert_close(alone.weights_TN[0], whole.weights_TN[trial], **BITWISE)
        for slot, same in zip(alone.slots, whole.slots, strict=True):
            torch.testing.assert_close(slot[0], same[trial], **BITWISE)


@pytest.mark.parametrize("rate", [50.0, 1e30, float("inf"), float("nan")])
def test_divergence_is_found_at_the_step_at_which_the_reference_finds_it(rate):
    context, weights_TN = case(Tanh())
    found = []
    for engine in (SmoothOneInput, Reference):
        stack = stack_of(context, weights_TN, bound=1e6)
        stack.learning_rates_T1[1] = rate
        found.append(engine(context, None, PROCESSOR).advance(stack, 0, 60).tolist())
    assert found[0] == found[1]
    assert found[0][1] in range(1, 60)
    assert found[0][0] == -1


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
@pytest.mark.parametrize("place", [0, 1, 18, -1], ids=["slope", "bias", "output", "output_bias"])
def test_a_weight_that_is_not_finite_ends_its_trial(place, value):
    context, weights_TN = case(Tanh())
    weights_TN[3, place] = value
    ended = [
        engine(context, None, PROCESSOR).advance(stack_of(context, weights_TN), 0, 5).tolist()
        for engine in (SmoothOneInput, Reference)
    ]
    assert ended[0] == ended[1]


def test_equal_points_are_trained_on_as_they_are():
    context, weights_TN = case(Tanh(), x_P=np.full(150, 0.25))
    on_nodes, on_points = (after_steps(engine, context, weights_TN)[0] for engine in (SmoothOneInput, Fused))
    torch.testing.assert_close(on_nodes, on_points, **BITWISE)
