"""Networks of one input are trained by running sums as by evaluating every unit at every point."""

import dataclasses
import functools
import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.choice import choose_engine
from pipeline.engines.cpu import one_input
from pipeline.engines.cpu.engine import Fused
from pipeline.engines.cpu.one_input import OneInput
from pipeline.engines.engine import Stack
from pipeline.engines.reference.engine import Reference
from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import PIECEWISE_LINEAR, Activation, Identity, LeakyRelu, Relu, Tanh
from pipeline.models.shallow import Shallow
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam, GradientDescent, UpdateRule
from pipeline.plans import make_plan
from pipeline.problems.losses import LOSSES, HalfMeanSquare, Task
from pipeline.problems.problem import Dataset
from pipeline.problems.targets import Xor, XSquared

RULES = [rule for rule in OPTIMIZERS.values() if issubclass(rule, UpdateRule)]
PROCESSOR = torch.device("cpu")
BITWISE = {"rtol": 0, "atol": 0}


def dataset(rng, loss, x_P, num_outputs):
    inputs_PD = torch.from_numpy(x_P)[:, None]
    if loss.tasks == {Task.CLASSES}:
        targets_PK = torch.from_numpy(np.eye(num_outputs)[rng.integers(0, num_outputs, len(x_P))])
    else:
        targets_PK = torch.from_numpy(rng.integers(0, 2, (len(x_P), num_outputs)).astype(float))
    return Dataset(inputs_PD, targets_PK, inputs_PD[:2], targets_PK[:2])


def case(seed, *, activation, x_P, loss=HalfMeanSquare, rule=GradientDescent, outputs=1, width=7, dtype=torch.float64):
    """What trials are trained on, and weights of eleven: a block of lanes, or more, and some lanes of another."""
    rng, model = np.random.default_rng(seed), Shallow(activation)
    data = dataset(rng, loss(), x_P, outputs)
    context = PackContext(model, width, rule(), loss(), next(iter(loss.tasks)), data, dtype)
    weights_TN = np.stack([model.initial_weights(width, 1, outputs, rng) for _ in range(11)])
    return context, torch.from_numpy(weights_TN).to(dtype)


def stack_of(context, weights_TN, trials=range(11), bound=1e10):
    trials = list(trials)
    most = 0.01 if isinstance(context.optimizer, Adam) else 0.1  # whose large steps double any rounding again and again
    rates_T1 = torch.linspace(most / 10, most, 11, dtype=context.dtype)[:, None]
    chosen_TN = weights_TN[trials].clone()
    slots = tuple(torch.zeros_like(chosen_TN) for _ in range(context.optimizer.slots))
    bounds_T = torch.full((len(trials),), bound, dtype=context.dtype)
    return Stack(tuple(f"trial {trial}" for trial in trials), chosen_TN, slots, rates_T1[trials], bounds_T)


def size_of_difference(a, b):
    return float((a - b).abs().max() / b.abs().max()) if b.abs().max() > 0 else float(a.abs().max())


def after_steps(engine, context, weights_TN, steps=100):
    """Losses and gradients at the start, and weights and slots after some steps."""
    made, stack = engine(context, None, PROCESSOR), stack_of(context, weights_TN)
    value_and_gradient = made.value_and_gradient(weights_TN)
    assert (made.advance(stack, 0, steps) == -1).all()
    return (*value_and_gradient, stack.weights_TN, *stack.slots)


def points(rng, num_points, shape):
    """Points inside or outside of [-1, 1], in no order, some of them equal."""
    x_P = rng.uniform(-1, 1, num_points) * (1.7 if shape == "outside" else 1)
    return np.round(x_P, 1) if shape == "repeated" else x_P


ACTIVATIONS = (Relu(), LeakyRelu(), LeakyRelu(0.9), Identity())


@pytest.mark.parametrize(
    "activation, loss, rule",
    [  # a Latin square: every two of an activation, a loss and a rule meet once; a kernel is compiled for each
        (activation, loss, RULES[(row + column) % len(RULES)])
        for row, activation in enumerate(ACTIVATIONS)
        for column, loss in enumerate(LOSSES.values())
    ],
    ids=lambda kind: kind.label() if isinstance(kind, Activation) else kind.name(),
)
@settings(max_examples=2, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    num_points=st.integers(3, 120),
    width=st.integers(1, 40),
    outputs=st.integers(1, 3),
    shape=st.sampled_from(("inside", "outside", "repeated")),
)
def test_hundred_steps_are_those_of_the_reference(activation, loss, rule, seed, num_points, width, outputs, shape):
    x_P = points(np.random.default_rng(seed), num_points, shape)
    if rule is Adam:  # whose steps are as large for gradients that are only rounding
        rule = functools.partial(Adam, epsilon=1e-3)
    context, weights_TN = case(seed, activation=activation, x_P=x_P, loss=loss, rule=rule, outputs=outputs, width=width)
    found = [after_steps(engine, context, weights_TN) for engine in (OneInput, Reference)]
    for fused, reference in zip(*found, strict=True):
        assert size_of_difference(fused, reference) < 1e-12


@pytest.mark.parametrize("activation", [Relu(), LeakyRelu(0.2)], ids=lambda activation: activation.name())
def test_float32_is_no_farther_from_the_truth_than_a_kernel_that_evaluates_every_unit(activation):
    x_P = np.random.default_rng(0).uniform(-1, 1, 200)
    context, weights_TN = case(3, activation=activation, x_P=x_P, width=30, dtype=torch.float32)
    exact = after_steps(Reference, dataclasses.replace(context, dtype=torch.float64), weights_TN.double())
    own, direct = (after_steps(engine, context, weights_TN) for engine in (OneInput, Fused))
    for sums, everywhere, truth in zip(own, direct, exact, strict=True):
        assert sums.dtype == torch.float32
        assert size_of_difference(sums.double(), truth) < 1.2 * size_of_difference(everywhere.double(), truth) + 1e-7


def acts(a: float, x: float, c: float, dtype: torch.dtype) -> bool:
    """Whether ``a x + c``, rounded once, is more than zero: exact arithmetic, and what float32 rounds to zero."""
    return Fraction(a) * Fraction(x) + Fraction(c) > (Fraction(1, 2**150) if dtype == torch.float32 else 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_units_act_at_exactly_the_points_where_their_sum_rounds_to_more_than_zero(dtype):
    """Kinks on points, a hair beside them, outside, nowhere; also where the product vanishes in float32."""
    rng = np.random.default_rng(1)
    x_P = np.concatenate([rng.uniform(-1, 1, 30), [0.0, -0.0, 1.0, -1.0, 1e-30, -1e-30]])
    num_points, width = len(x_P), len(x_P) + 4
    context, weights_TN = case(1, activation=Relu(), x_P=x_P, width=width, dtype=dtype)
    x_P = torch.from_numpy(x_P).to(dtype)
    for trial, slope in enumerate((1.0, -1.0, 3.0, -0.7, 1e-20, 50.0, 0.0, -0.0, 1e-8, 2.0, -5.0)):
        a_P = torch.full_like(x_P, slope)
        beside = torch.nextafter(-a_P * x_P, torch.full_like(x_P, (-1) ** trial * torch.inf))
        weights_TN[trial, : 2 * num_points : 2] = a_P
        weights_TN[trial, 1 : 2 * num_points : 2] = torch.where(torch.arange(num_points) % 2 == 0, -a_P * x_P, beside)
    _, gradient_TN = OneInput(context, None, PROCESSOR).value_and_gradient(weights_TN)
    y_P = context.dataset.train_targets_PK[:, 0].numpy()
    for weights_N, gradient_N in zip(weights_TN.tolist(), gradient_TN.double().numpy(), strict=True):
        a_W, c_W, w_W = weights_N[: 2 * width : 2], weights_N[1 : 2 * width : 2], np.array(weights_N[2 * width : -1])
        active_PW = np.array([[acts(a, x, c, dtype) for a, c in zip(a_W, c_W, strict=True)] for x in x_P.tolist()])
        values_PW = active_PW * (np.outer(x_P.double(), a_W) + c_W)
        slopes_P = (values_PW @ w_W + weights_N[-1] - y_P) / num_points
        exact_W, size_W = w_W * (slopes_P @ active_PW), np.abs(w_W) * np.abs(slopes_P).sum()
        error_W = np.abs(gradient_N[1 : 2 * width : 2] - exact_W)
        least = np.abs(slopes_P).min() / np.abs(slopes_P).sum()  # what one point more or less changes
        assert (error_W <= (1e-6 if dtype == torch.float32 else 1e-12) * size_W).all()
        assert least > 5e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("cores", [1, 2, 3])
def test_numbers_do_not_depend_on_pack_cores_or_interruptions(monkeypatch, dtype, cores):
    x_P = np.random.default_rng(2).uniform(-1, 1, 90)
    context, weights_TN = case(3, activation=Relu(), x_P=x_P, rule=Adam, width=17, dtype=dtype)
    monkeypatch.setattr(one_input, "LARGE_WORK", 0)
    monkeypatch.setattr(one_input, "CORES", 1)
    alone = OneInput(context, None, PROCESSOR)
    monkeypatch.setattr(one_input, "CORES", cores)
    together, order = OneInput(context, None, PROCESSOR), [4, 2, 0, 10, 1, 3, 9, 5, 8, 6, 7]
    whole = stack_of(context, weights_TN, order)
    for first, last in itertools.pairwise((0, 1, 2, 8, 31, 60)):
        together.advance(whole, first, last)
    losses_T, gradient_TN = together.value_and_gradient(whole.weights_TN)
    for position, trial in enumerate(order):
        stack = stack_of(context, weights_TN, [trial])
        alone.advance(stack, 0, 60)
        torch.testing.assert_close(stack.weights_TN[0], whole.weights_TN[position], **BITWISE)
        for slot, same in zip(stack.slots, whole.slots, strict=True):
            torch.testing.assert_close(slot[0], same[position], **BITWISE)
        loss_T, own_TN = alone.value_and_gradient(stack.weights_TN)
        torch.testing.assert_close(loss_T[0], losses_T[position], **BITWISE)
        torch.testing.assert_close(own_TN[0], gradient_TN[position], **BITWISE)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=lambda loss: loss.name())
@pytest.mark.parametrize("activation", [LeakyRelu(0.1), Identity()], ids=lambda activation: activation.name())
def test_trials_of_small_packs_have_the_bits_that_they_have_in_a_full_block(loss, activation):
    x_P = np.random.default_rng(6).uniform(-1, 1, 40)
    context, weights_TN = case(7, activation=activation, x_P=x_P, loss=loss, outputs=2, dtype=torch.float32)
    engine, whole = OneInput(context, None, PROCESSOR), stack_of(context, weights_TN)
    assert (engine.advance(whole, 0, 40) == -1).all()
    assert not torch.equal(whole.weights_TN, weights_TN)
    for first, last in ((0, 1), (1, 3), (3, 6), (6, 10)):
        few = stack_of(context, weights_TN, range(first, last))
        assert (engine.advance(few, 0, 40) == -1).all()
        torch.testing.assert_close(few.weights_TN, whole.weights_TN[first:last], **BITWISE)


@pytest.mark.parametrize("rate", [50.0, 1e30, float("inf"), float("nan")])
def test_divergence_is_found_at_the_step_at_which_the_reference_finds_it_and_ends_there(rate):
    x_P = np.random.default_rng(5).uniform(-1, 1, 24)
    context, weights_TN = case(5, activation=Relu(), x_P=x_P, width=6)
    found = []
    for engine in (OneInput, Reference):
        stack, made = stack_of(context, weights_TN), engine(context, None, PROCESSOR)
        stack.learning_rates_T1[1:3] = rate
        found.append([*made.advance(stack, 0, 10).tolist(), *made.advance(stack.part(3, 11), 10, 60).tolist()])
        if engine is OneInput:
            calm = stack_of(context, weights_TN, [0, *range(3, 11)])
            made.advance(calm, 0, 10)
            made.advance(calm.part(1, 9), 10, 60)
            kept = [0, *range(3, 11)]
            torch.testing.assert_close(stack.weights_TN[kept], calm.weights_TN, **BITWISE)
    assert found[0] == found[1]
    assert found[0][1] in range(1, 10)
    assert found[0][0] == -1


@pytest.mark.parametrize("place", ["slope", "bias", "output"])
@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_weight_that_is_not_finite_ends_its_trial_also_where_its_unit_rests(place, value):
    x_P = np.linspace(-1, 1, 20)
    context, weights_TN = case(1, activation=Relu(), x_P=x_P, width=5)
    weights_TN[4, :2] = torch.tensor([1.0, -3.0])  # it rests at all points
    weights_TN[4, {"slope": 0, "bias": 1, "output": 10}[place]] = value
    stack = stack_of(context, weights_TN)
    ended = OneInput(context, None, PROCESSOR).advance(stack, 0, 5).tolist()
    assert ended == [0 if trial == 4 else -1 for trial in range(11)]


def test_a_trial_that_has_diverged_costs_no_time():
    x_P = np.random.default_rng(5).uniform(-1, 1, 2000)
    context, weights_TN = case(5, activation=Relu(), x_P=x_P, width=500)
    stack = stack_of(context, weights_TN, bound=-1.0)
    assert OneInput(context, None, PROCESSOR).advance(stack, 7, 1_000_000).tolist() == [7] * 11


def test_kinks_that_jump_over_many_points_in_a_step_are_found_again():
    """At rates at which kinks cross hundreds of points at a time."""
    x_P = np.random.default_rng(4).uniform(-1, 1, 700)
    context, weights_TN = case(8, activation=Relu(), x_P=x_P, width=9, rule=lambda: Adam(epsilon=1e-3))
    found = []
    for engine in (OneInput, Reference):
        stack = stack_of(context, weights_TN)
        stack.learning_rates_T1.fill_(0.5)
        assert (engine(context, None, PROCESSOR).advance(stack, 0, 12) == -1).all()
        found.append(stack.weights_TN)
    assert size_of_difference(*found) < 1e-9


def test_numbers_of_another_type_move_no_weight():
    context, weights_TN = case(5, activation=Relu(), x_P=np.linspace(-1, 1, 9), dtype=torch.float32)
    stack = stack_of(context, weights_TN)
    wrong = dataclasses.replace(stack, learning_rates_T1=stack.learning_rates_T1.double())
    with pytest.raises(TypeError, match=r"^rates: an array of torch.float64, where the kernel takes torch.float32$"):
        OneInput(context, None, PROCESSOR).advance(wrong, 0, 3)
    torch.testing.assert_close(stack.weights_TN, weights_TN, **BITWISE)


def chosen(**fields):
    asked = {"target": (XSquared(),), "learning_rates": (0.1,), "inputs": Inputs(train=(8,), test=14)}
    experiment = Experiment("?", (Shallow(fields.pop("activation", Relu())),), (2,), **(asked | fields))
    return choose_engine(experiment.engine, make_plan("x", experiment).packs[0].shape, "cpu").family


def test_auto_takes_it_for_every_network_of_one_input_with_straight_activations_on_full_batches():
    for activation in PIECEWISE_LINEAR:
        assert chosen(activation=activation()) is OneInput
    assert chosen(engine="fused") is Fused
    assert chosen(activation=Tanh()) is Fused
    assert chosen(batch_size=4) is Fused
    assert chosen(target=(Xor(),), inputs=Inputs()) is Fused
    assert chosen(engine="reference") is Reference
