"""Small networks are trained on GPUs as the reference does, and each trial as if it were alone.

Without a GPU its kernels are run by Triton's interpreter, which ``tests/conftest.py`` chooses before
Triton is loaded; everything else is the same.
"""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

pytest.importorskip("triton")

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.engine import Stack
from pipeline.engines.gpu.matrices import ByMatrices
from pipeline.engines.gpu.registers import MOST_INPUTS, InRegisters
from pipeline.engines.reference.engine import Reference
from pipeline.models.activations import ACTIVATIONS, Relu, Tanh
from pipeline.models.shallow import Shallow
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum, UpdateRule
from pipeline.problems.losses import LOSSES, HalfMeanSquare, Task
from pipeline.problems.problem import Dataset

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(autouse=True)
def silent_numbers():
    """The interpreter computes with NumPy, which warns of what a GPU does silently."""
    with np.errstate(all="ignore"):
        yield


RULES = [rule for rule in OPTIMIZERS.values() if issubclass(rule, UpdateRule)]


def setting(activation, loss, rule, *, points=20, inputs=3, outputs=2, width=17, trials=2, dtype=torch.float64):
    """What is learned, the weights of some trials, and their stack."""
    drawn = torch.Generator().manual_seed(points + width)
    x_PD = torch.rand(points, inputs, generator=drawn, dtype=torch.float64) * 2 - 1
    answer_P = torch.randint(outputs, (points,), generator=drawn)
    y_PK = torch.nn.functional.one_hot(answer_P, outputs).double()
    if loss.tasks != {Task.CLASSES}:
        y_PK = torch.randint(2, (points, outputs), generator=drawn).double()
    data = Dataset(x_PD, y_PK, x_PD[:2], y_PK[:2]).on(DEVICE)
    context = PackContext(Shallow(activation), width, rule, loss, next(iter(loss.tasks)), data, dtype)
    num_weights = context.model.num_weights(width, inputs, outputs)
    weights_TN = torch.rand(trials, num_weights, generator=drawn, dtype=torch.float64) - 0.5
    return context, weights_TN.to(DEVICE, dtype)


def stack_of(context, weights_TN, trials=None, rates=(0.01, 0.1, 0.03), bound=1e10):
    chosen = list(range(len(weights_TN)) if trials is None else trials)
    mine_TN = weights_TN[chosen].clone()
    return Stack(
        tuple(f"trial {trial}" for trial in chosen),
        mine_TN,
        tuple(torch.zeros_like(mine_TN) for _ in range(context.optimizer.slots)),
        torch.tensor([[rates[trial]] for trial in chosen]).to(mine_TN),
        torch.full((len(chosen),), bound).to(mine_TN),
    )


def difference(a, b):
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-300))


def results(engine, context, weights_TN, batch_size, steps):
    """Loss, gradient, and the weights and slots after some steps, from the same start."""
    made, stack = engine(context, batch_size, DEVICE), stack_of(context, weights_TN)
    value_and_gradient = made.value_and_gradient(weights_TN)
    assert (made.advance(stack, 0, steps) == -1).all()
    return (*value_and_gradient, stack.weights_TN, *stack.slots)


KINDS = {
    *((activation, HalfMeanSquare, GradientDescent) for activation in ACTIVATIONS.values()),
    *((Tanh, loss, GradientDescent) for loss in LOSSES.values()),
    *((Tanh, HalfMeanSquare, rule) for rule in RULES),
}


@pytest.mark.parametrize(
    ("activation", "loss", "rule"),
    sorted(KINDS, key=repr),
    ids=lambda kind: kind.name() if hasattr(kind, "name") else "",
)
@pytest.mark.parametrize("outputs", [1, 2])
def test_steps_are_those_of_the_reference(activation, loss, rule, outputs):
    """Four steps of three an epoch; rounding alone is between the engines."""
    context, weights_TN = setting(activation(), loss(), rule(), outputs=outputs)
    found = [results(engine, context, weights_TN, 6, steps=4) for engine in (InRegisters, Reference)]
    for fused, reference in zip(*found, strict=True):
        assert difference(fused, reference) < 1e-12


@pytest.mark.parametrize("engine", [InRegisters, ByMatrices], ids=lambda engine: engine.__name__)
@pytest.mark.parametrize(
    ("field", "name"), [("learning_rates_T1", "rates"), ("loss_bounds_T", "bounds"), ("weights_TN", "weights")]
)
def test_numbers_of_another_type_than_the_kernel_takes_move_no_weight(engine, field, name):
    context, weights_TN = setting(Tanh(), HalfMeanSquare(), Adam(), dtype=torch.float32)
    made, stack = engine(context, None, DEVICE), stack_of(context, weights_TN)
    wrong = dataclasses.replace(stack, **{field: getattr(stack, field).double()})
    message = rf"^{name}: an array of torch.float64, where the kernel takes torch.float32$"
    with pytest.raises(TypeError, match=message):
        made.advance(wrong, 0, 1)
    assert torch.equal(stack.weights_TN, weights_TN)
    with pytest.raises(TypeError, match=message.replace(name, "weights")):
        made.value_and_gradient(weights_TN.double())


@pytest.mark.parametrize("engine", [InRegisters, ByMatrices], ids=lambda engine: engine.__name__)
def test_weights_that_lie_in_a_wider_array_are_refused(engine):
    context, weights_TN = setting(Tanh(), HalfMeanSquare(), GradientDescent())
    wide = torch.zeros(len(weights_TN), weights_TN.shape[1] + 1, dtype=weights_TN.dtype, device=DEVICE)
    stack = dataclasses.replace(stack_of(context, weights_TN), weights_TN=wide[:, 1:])
    with pytest.raises(ValueError, match=r"^weights: its numbers do not lie one after another"):
        engine(context, None, DEVICE).advance(stack, 0, 1)


@pytest.mark.parametrize("engine", [InRegisters, ByMatrices], ids=lambda engine: engine.__name__)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=lambda kind: kind.name())
def test_losses_of_answers_that_are_right_and_sure_keep_their_digits(engine, loss):
    """At logits of 25 and -25, where the probability of the right answer rounds to 1 and its slope is 1e-22."""
    context, weights_TN = setting(Tanh(), loss(), GradientDescent(), outputs=3, dtype=torch.float32)
    context.dataset.train_targets_PK[:] = torch.tensor([1.0, 0.0, 0.0])
    context.model.layers(weights_TN, 17, 3)[1][:, :, -1] = torch.tensor([25.0, -25.0, -25.0])
    exact = Reference(dataclasses.replace(context, dtype=torch.float64), None, DEVICE)
    found = engine(context, None, DEVICE).value_and_gradient(weights_TN)
    for own, its in zip(found, exact.value_and_gradient(weights_TN.double()), strict=True):
        assert difference(own.double(), its) < 1e-4


@pytest.mark.parametrize(("points", "inputs", "width"), [(16, 1, 8), (9, 1, 1), (20, MOST_INPUTS, 33), (512, 1, 32)])
def test_full_batches_of_any_size_are_those_of_the_reference(points, inputs, width):
    """Tiles that are filled, that are hardly begun, and that have several warps along units, or along points."""
    context, weights_TN = setting(
        Relu(), HalfMeanSquare(), Momentum(), points=points, inputs=inputs, outputs=1, width=width
    )
    found = [results(engine, context, weights_TN, None, steps=2) for engine in (InRegisters, Reference)]
    for fused, reference in zip(*found, strict=True):
        assert difference(fused, reference) < 1e-12


@pytest.mark.parametrize("batch_size", [None, 6])
def test_numbers_do_not_depend_on_pack_or_interruptions(batch_size):
    context, weights_TN = setting(Tanh(), HalfMeanSquare(), Adam(), points=12, trials=3, outputs=1, dtype=torch.float32)
    engine = InRegisters(context, batch_size, DEVICE)
    whole = stack_of(context, weights_TN, trials=(2, 0, 1))
    for first, last in itertools.pairwise((0, 1, 3)):
        engine.advance(whole, first, last)
    alone = stack_of(context, weights_TN, trials=(0,))
    engine.advance(alone, 0, 3)
    for together, single in zip((whole.weights_TN, *whole.slots), (alone.weights_TN, *alone.slots), strict=True):
        assert torch.equal(together[1], single[0])
    losses_T, gradient_TN = engine.value_and_gradient(weights_TN)
    loss_T, gradient_1N = engine.value_and_gradient(weights_TN[1:2])
    assert torch.equal(losses_T[1:2], loss_T)
    assert torch.equal(gradient_TN[1:2], gradient_1N)


@pytest.mark.parametrize("activation", [Relu(), Tanh()], ids=lambda activation: activation.name())
@pytest.mark.parametrize("rate", [1e30, float("inf"), float("nan")])
def test_divergence_is_found_at_the_step_at_which_the_reference_finds_it(activation, rate):
    """NaN too, which is neither above nor below a bound and which no activation may swallow."""
    context, weights_TN = setting(
        activation, HalfMeanSquare(), GradientDescent(), points=5, outputs=1, inputs=1, width=2
    )
    found = []
    for engine in (InRegisters, Reference):
        stack = stack_of(context, weights_TN, rates=(rate, 0.01))
        found.append(engine(context, None, DEVICE).advance(stack, 3, 7).tolist())
    assert found[0] == found[1]
    assert found[0][0] in range(4, 7)
    assert found[0][1] == -1


@pytest.mark.parametrize("activation", ACTIVATIONS.values())
def test_a_hidden_weight_that_is_not_a_number_makes_the_loss_none_either(activation):
    context, weights_TN = setting(
        activation(), HalfMeanSquare(), GradientDescent(), points=4, inputs=1, outputs=1, width=2, trials=1
    )
    weights_TN[0, 0] = float("nan")
    assert InRegisters(context, None, DEVICE).value_and_gradient(weights_TN)[0].isnan().all()


def test_a_trial_that_has_diverged_costs_no_time():
    """A million steps would take the interpreter hours."""
    context, weights_TN = setting(Relu(), HalfMeanSquare(), GradientDescent(), points=4, outputs=1, width=2)
    stack = stack_of(context, weights_TN, bound=-1.0)
    assert InRegisters(context, None, DEVICE).advance(stack, 7, 1_000_000).tolist() == [7, 7]


def test_single_precision_is_as_exact_as_its_rounding():
    context, weights_TN = setting(Tanh(), HalfMeanSquare(), GradientDescent(), outputs=1, dtype=torch.float32, trials=1)
    exact = dataclasses.replace(context, dtype=torch.float64)
    given = InRegisters(context, None, DEVICE).value_and_gradient(weights_TN)
    for single, double in zip(
        given, Reference(exact, None, DEVICE).value_and_gradient(weights_TN.double()), strict=True
    ):
        assert single.dtype == torch.float32
        assert difference(single.double(), double) < 20 * torch.finfo(torch.float32).eps


def test_nothing_to_do_is_done():
    context, weights_TN = setting(Relu(), HalfMeanSquare(), GradientDescent())
    engine = InRegisters(context, None, DEVICE)
    losses_T, gradient_TN = engine.value_and_gradient(weights_TN[:0])
    assert (losses_T.shape, gradient_TN.shape) == ((0,), (0, weights_TN.shape[1]))
    stack = stack_of(context, weights_TN)
    assert engine.advance(stack.part(0, 0), 0, 5).shape == (0,)
    assert (engine.advance(stack, 5, 5) == -1).all()
    assert torch.equal(stack.weights_TN, weights_TN)
