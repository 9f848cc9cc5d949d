"""The fused engine trains every model as the reference engine does, and each trial bit for bit as if it were alone."""

import dataclasses
import functools
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.choice import MOST_INPUTS, MOST_OUTPUTS
from pipeline.engines.cpu import engine as cpu
from pipeline.engines.cpu import training_kernels
from pipeline.engines.cpu.engine import Fused
from pipeline.engines.engine import Stack
from pipeline.engines.reference.engine import Reference
from pipeline.models import MODELS
from pipeline.models.activations import ACTIVATIONS, Activation, Relu, Tanh
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam, GradientDescent, UpdateRule
from pipeline.problems.losses import LOSSES, Task
from pipeline.problems.problem import Dataset

RULES = [rule for rule in OPTIMIZERS.values() if issubclass(rule, UpdateRule)]
PROCESSOR = torch.device("cpu")
LINEAR = [model for model in MODELS.values() if model.linear]
KINDS = [*ACTIVATIONS.values(), *LINEAR]
EVERY_TWO = [
    (kind, loss, RULES[(row + column) % len(RULES)])
    for row, kind in enumerate(KINDS)
    for column, loss in enumerate(LOSSES.values())
]
"""A Latin square: each kind meets each loss, and each rule meets each of both. A kernel is compiled for each case."""


def problem(rng, loss, num_points, num_inputs, num_outputs):
    inputs_PD = torch.from_numpy(rng.uniform(-1, 1, (num_points, num_inputs)))
    if loss.tasks == {Task.CLASSES}:
        targets_PK = torch.from_numpy(np.eye(num_outputs)[rng.integers(0, num_outputs, num_points)])
    else:
        targets_PK = torch.from_numpy(rng.integers(0, 2, (num_points, num_outputs)).astype(float))
    return Dataset(inputs_PD, targets_PK, inputs_PD[:2], targets_PK[:2])


def random_case(seed, kind, loss, rule, *, points, inputs, outputs, width, dtype=torch.float64):
    """Networks of an activation or linear models on cosines, and weights of five trials that are not zero."""
    rng = np.random.default_rng(seed)
    model = Shallow(kind()) if issubclass(kind, Activation) else kind(Cosine())
    data = problem(rng, loss(), points, inputs, outputs)
    context = PackContext(model, width, rule(), loss(), next(iter(loss.tasks)), data, dtype)
    weights_TN = torch.from_numpy(np.stack([model.initial_weights(width, inputs, outputs, rng) for _ in range(5)]))
    if model.linear:
        weights_TN = torch.from_numpy(rng.standard_normal(weights_TN.shape))
    return context, weights_TN.to(dtype)


def stack_of(context, weights_TN, trials=(0, 1, 2, 3, 4), bound=1e10):
    rates_T1 = torch.tensor([[0.01], [0.05], [0.02], [0.1], [0.03]], dtype=context.dtype)
    if context.model.linear:  # the largest eigenvalue grows as their number does
        rates_T1 /= context.width
    chosen_TN = weights_TN[list(trials)].clone()
    return Stack(
        tuple(f"trial {trial}" for trial in trials),
        chosen_TN,
        tuple(torch.zeros_like(chosen_TN) for _ in range(context.optimizer.slots)),
        rates_T1[list(trials)],
        torch.full((len(trials),), bound, dtype=context.dtype),
    )


def size_of_difference(a, b):
    return float((a - b).abs().max() / b.abs().max()) if b.abs().max() > 0 else float(a.abs().max())


def test_every_two_of_kind_loss_and_rule_meet():
    for first, second in itertools.combinations(range(3), 2):
        each = [{case[place] for case in EVERY_TWO} for place in (first, second)]
        assert {(case[first], case[second]) for case in EVERY_TWO} == set(itertools.product(*each))
    assert {rule for _, _, rule in EVERY_TWO} == set(RULES)


@pytest.mark.parametrize("kind, loss, rule", EVERY_TWO, ids=lambda kind: kind.name())
@settings(max_examples=2, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    points=st.integers(3, 150),
    width=st.integers(1, 40),
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 3),
    batched=st.booleans(),
)
def test_hundred_steps_are_those_of_the_reference(kind, loss, rule, seed, points, width, inputs, outputs, batched):
    """Rounding differs in each step; after a hundred the weights still agree to 12 digits of the largest.

    Adam divides by the root of a mean square, so that a gradient that is only rounding moves a weight as far as any
    other: its epsilon is above such gradients here, and its rates are small, as large ones double a difference.
    """
    if rule is Adam:
        rule = functools.partial(Adam, epsilon=1e-3)
    context, weights_TN = random_case(
        seed, kind, loss, rule, points=points, inputs=inputs, outputs=outputs, width=width
    )
    batch_size = max(1, points // 3) if batched else None
    found = []
    for engine in (Fused, Reference):
        stack = stack_of(context, weights_TN)
        if isinstance(context.optimizer, Adam):
            stack.learning_rates_T1.mul_(0.1)
        made = engine(context, batch_size, PROCESSOR)
        value_and_gradient = made.value_and_gradient(weights_TN)
        assert (made.advance(stack, 0, 100) == -1).all()
        found.append((*value_and_gradient, stack.weights_TN, *stack.slots))
    for fused, reference in zip(*found, strict=True):
        assert size_of_difference(fused, reference) < 1e-12


@pytest.mark.parametrize("kind", [Tanh, Linear])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=lambda kind: kind.name())
def test_losses_of_answers_that_are_right_and_sure_keep_their_digits(kind, loss):
    """At logits of 25 and -25, where the probability of the right answer rounds to 1 and its slope is 1e-22."""
    context, weights_TN = random_case(
        1, kind, loss, GradientDescent, points=50, inputs=2, outputs=3, width=9, dtype=torch.float32
    )
    context.dataset.train_targets_PK[:] = torch.tensor([1.0, 0.0, 0.0])
    num_features, constant = (9, 0) if kind is Linear else (10, 9)
    weights_TN[:, -3 * num_features :].view(5, 3, -1)[:, :, constant] = torch.tensor([25.0, -25.0, -25.0])
    exact = Reference(dataclasses.replace(context, dtype=torch.float64), None, PROCESSOR)
    fused = Fused(context, None, PROCESSOR).value_and_gradient(weights_TN)
    for own, its in zip(fused, exact.value_and_gradient(weights_TN.double()), strict=True):
        assert size_of_difference(own.double(), its) < 1e-4


SIZES = [(1, 1), (2, 3), (5, 4), (8, 1), (9, 5), (14, 1), (64, 10), (MOST_INPUTS, 2), (3, MOST_OUTPUTS)]
EVERY_SIZE = [*((Relu, *size) for size in SIZES), *((Linear, 1, outputs) for outputs in (1, 6, 7, 13, MOST_OUTPUTS))]


@pytest.mark.parametrize(("kind", "inputs", "outputs"), EVERY_SIZE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_value_and_gradient_of_few_and_many_inputs_and_outputs(kind, inputs, outputs, dtype):
    context, weights_TN = random_case(
        inputs, kind, LOSSES["half_mean_square"], GradientDescent,
        points=77, inputs=inputs, outputs=outputs, width=21, dtype=dtype,
    )  # fmt: skip
    exact = Reference(
        PackContext(*(getattr(context, name) for name in ("model", "width", "optimizer", "loss", "task", "dataset")),
                torch.float64), None, PROCESSOR,
    ).value_and_gradient(weights_TN.double())  # fmt: skip
    for fused, reference in zip(Fused(context, None, PROCESSOR).value_and_gradient(weights_TN), exact, strict=True):
        assert fused.dtype == dtype
        assert size_of_difference(fused.double(), reference) < 20 * torch.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("batch_size", [None, 30])
@pytest.mark.parametrize("cores", [1, 2, 3])
@pytest.mark.parametrize("kind", [Tanh, Linear])
def test_numbers_do_not_depend_on_pack_cores_or_interruptions(monkeypatch, dtype, batch_size, cores, kind):
    context, weights_TN = random_case(
        3, kind, LOSSES["half_mean_square"], Adam, points=100, inputs=2, outputs=1, width=17, dtype=dtype
    )
    monkeypatch.setattr(cpu, "LARGE_WORK", 0)
    monkeypatch.setattr(cpu, "PERMUTED_POINTS_AT_ONCE", 250)  # of one trial two epochs of 90 points, of more trials one
    monkeypatch.setattr(cpu, "CORES", 1)
    alone = Fused(context, batch_size, PROCESSOR)
    monkeypatch.setattr(cpu, "CORES", cores)
    together = Fused(context, batch_size, PROCESSOR)
    whole = stack_of(context, weights_TN, trials=(4, 2, 0, 1, 3))
    for first, last in itertools.pairwise((0, 1, 2, 8, 31, 60)):
        together.advance(whole, first, last)
    for position, trial in enumerate((4, 2, 0, 1, 3)):
        stack = stack_of(context, weights_TN, trials=(trial,))
        alone.advance(stack, 0, 60)
        assert torch.equal(stack.weights_TN[0], whole.weights_TN[position])
        for slot, same in zip(stack.slots, whole.slots, strict=True):
            assert torch.equal(slot[0], same[position])
    losses_T, gradient_TN = together.value_and_gradient(whole.weights_TN)
    for position in range(5):
        loss_T, alone_TN = alone.value_and_gradient(whole.weights_TN[position : position + 1])
        assert torch.equal(loss_T[0], losses_T[position])
        assert torch.equal(alone_TN[0], gradient_TN[position])


@pytest.mark.parametrize("batch_size", [None, 41])
@pytest.mark.parametrize(("kind", "inputs", "outputs"), [(Relu, 33, 1), (Tanh, 40, 3), (Linear, 1, 6)])
@pytest.mark.usefixtures("all_steps_are_large")
def test_hundred_steps_with_many_inputs_or_outputs_are_those_of_the_reference(kind, inputs, outputs, batch_size):
    context, weights_TN = random_case(
        9, kind, LOSSES["half_mean_square"], Adam, points=150, inputs=inputs, outputs=outputs, width=35
    )
    found = []
    for engine in (Fused, Reference):
        stack = stack_of(context, weights_TN, trials=(1,))
        assert engine(context, batch_size, PROCESSOR).advance(stack, 0, 100).tolist() == [-1]
        found.append((stack.weights_TN, *stack.slots))
    for fused, reference in zip(*found, strict=True):
        assert size_of_difference(fused, reference) < 1e-12


def test_what_fills_up_registers_reaches_no_number():
    """An epsilon that is zero in float32 makes NaN of a weight whose slope is zero, as it is of those that fill up."""
    context, weights_TN = random_case(
        2, Linear, LOSSES["half_mean_square"], lambda: Adam(epsilon=1e-60),
        points=20, inputs=1, outputs=2, width=5, dtype=torch.float32,
    )  # fmt: skip
    found = []
    for engine in (Fused, Reference):
        stack = stack_of(context, weights_TN)
        assert (engine(context, 10, PROCESSOR).advance(stack, 0, 20) == -1).all()
        found.append(stack.weights_TN)
    assert size_of_difference(*found) < 1e-5


@pytest.fixture
def all_steps_are_large(monkeypatch):
    monkeypatch.setattr(training_kernels, "LARGE_STEP", 0)
    monkeypatch.setattr(cpu, "CORES", 2)


@pytest.mark.parametrize("points", [5, 33, 64, 97, 400])
@pytest.mark.parametrize(
    "kind, rule", [*((Tanh, rule) for rule in RULES), (Linear, Adam)], ids=lambda kind: kind.name()
)
@pytest.mark.usefixtures("all_steps_are_large")
def test_hundred_steps_in_chunks_are_those_of_the_reference(points, kind, rule):
    """Of 5 points there is one chunk without a full tile, of 64 there are two, of 400 four."""
    context, weights_TN = random_case(
        7, kind, LOSSES["half_mean_square"], rule, points=points, inputs=2, outputs=2, width=11
    )
    found = []
    for engine in (Fused, Reference):
        stack = stack_of(context, weights_TN, trials=(3,))
        made = engine(context, None, PROCESSOR)
        value_and_gradient = made.value_and_gradient(weights_TN[:1])
        assert made.advance(stack, 0, 100).tolist() == [-1]
        found.append((*value_and_gradient, stack.weights_TN, *stack.slots))
    for fused, reference in zip(*found, strict=True):
        assert size_of_difference(fused, reference) < 1e-12


@pytest.mark.parametrize(("kind", "outputs"), [(Relu, 1), (Tanh, 3), (Linear, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.usefixtures("all_steps_are_large")
def test_numbers_do_not_depend_on_how_many_cores_share_a_trial(monkeypatch, kind, outputs, dtype):
    context, weights_TN = random_case(
        3, kind, LOSSES["half_mean_square"], Adam, points=500, inputs=9, outputs=outputs, width=17, dtype=dtype
    )
    found = []
    for cores, trials in itertools.product((1, 2, 3, 7), ((2,), (2, 4), (0, 1, 2, 3, 4))):
        monkeypatch.setattr(cpu, "CORES", cores)
        engine = Fused(context, None, PROCESSOR)
        assert engine.tiling.num_chunks == training_kernels.CHUNKS
        stack = stack_of(context, weights_TN, trials=trials)
        for first, last in itertools.pairwise((0, 1, 13, 40) if len(trials) == 2 else (0, 40)):
            assert (engine.advance(stack, first, last) == -1).all()
        value_and_gradient = engine.value_and_gradient(stack.weights_TN)
        arrays = (stack.weights_TN, *stack.slots, *value_and_gradient)
        found.append([array[trials.index(2)] for array in arrays])
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("num_trials, cores, together", [(1, 2, True), (2, 2, False), (3, 64, True), (4, 64, False)])
@pytest.mark.usefixtures("all_steps_are_large")
def test_cores_share_trials_only_where_more_of_them_work_so(monkeypatch, num_trials, cores, together):
    """Four chunks keep four cores busy; four trials, a core each, do so without waiting for each other."""
    monkeypatch.setattr(cpu, "CORES", cores)
    context, weights_TN = random_case(
        3, Relu, LOSSES["half_mean_square"], GradientDescent, points=400, inputs=2, outputs=1, width=5
    )
    engine = Fused(context, None, PROCESSOR)
    shared = []
    monkeypatch.setattr(engine, "_advance_by_chunks", lambda *arguments: shared.append(arguments))
    engine.advance(stack_of(context, weights_TN, trials=range(num_trials)), 0, 1)
    assert bool(shared) == together


@pytest.mark.parametrize(("points", "batch_size"), [(24, None), (24, 12), (200, None)])
@pytest.mark.parametrize("rate", [50.0, 1e30, float("inf"), float("nan")])
@pytest.mark.parametrize("kind", [Relu, Linear])
def test_divergence_is_found_at_the_step_at_which_the_reference_finds_it_and_ends_there(
    monkeypatch, rate, points, batch_size, kind
):
    """With more chunks and cores than trials, which share the 200 points of each."""
    monkeypatch.setattr(training_kernels, "LARGE_STEP", 0)
    monkeypatch.setattr(cpu, "CORES", 6)
    monkeypatch.setattr(training_kernels, "CHUNKS", 6)
    context, weights_TN = random_case(
        5, kind, LOSSES["half_mean_square"], GradientDescent, points=points, inputs=1, outputs=1, width=6
    )
    found = []
    for engine in (Fused, Reference):
        stack = stack_of(context, weights_TN)
        stack.learning_rates_T1[1:3] = rate
        made = engine(context, batch_size, PROCESSOR)
        found.append([*made.advance(stack, 0, 10).tolist(), *made.advance(stack.part(3, 5), 10, 60).tolist()])
        calm = stack_of(context, weights_TN, trials=(0, 3, 4))
        made.advance(calm, 0, 10)
        made.advance(calm.part(1, 3), 10, 60)
        if engine is Fused:
            assert torch.equal(stack.weights_TN[[0, 3, 4]], calm.weights_TN)
    assert found[0] == found[1]
    assert found[0][1] in range(1, 10)
    assert found[0][0] == -1


@pytest.mark.parametrize("trials", [1, 5])
@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize(
    ("field", "name"), [("learning_rates_T1", "rates"), ("loss_bounds_T", "bounds"), ("weights_TN", "weights")]
)
def test_numbers_of_another_type_than_the_kernel_takes_move_no_weight(monkeypatch, trials, batch_size, field, name):
    """Rates in float64, read as float32, had moved weights by 1,280 in place of 1.28; one trial is shared by cores."""
    monkeypatch.setattr(training_kernels, "LARGE_STEP", 0)
    monkeypatch.setattr(cpu, "CORES", 6)
    context, weights_TN = random_case(
        5, Relu, LOSSES["half_mean_square"], Adam, points=400, inputs=2, outputs=1, width=5, dtype=torch.float32
    )
    stack = stack_of(context, weights_TN, trials=range(trials))
    before = stack.weights_TN.clone()
    wrong = dataclasses.replace(stack, **{field: getattr(stack, field).double()})
    with pytest.raises(TypeError, match=f"^{name}: an array of float64, where the kernel takes float32$"):
        Fused(context, batch_size, PROCESSOR).advance(wrong, 0, 3)
    assert torch.equal(stack.weights_TN, before)


@pytest.mark.parametrize("trials", [1, 5])
def test_a_gradient_is_refused_at_weights_of_another_type(monkeypatch, trials):
    monkeypatch.setattr(training_kernels, "LARGE_STEP", 0)
    context, weights_TN = random_case(
        5, Relu, LOSSES["half_mean_square"], Adam, points=400, inputs=2, outputs=1, width=5, dtype=torch.float32
    )
    with pytest.raises(TypeError, match=r"^weights: an array of torch.float64, where the kernel takes torch.float32$"):
        Fused(context, None, PROCESSOR).value_and_gradient(weights_TN[:trials].double())


@pytest.mark.parametrize("cores", [2, 9])
@pytest.mark.usefixtures("all_steps_are_large")
def test_a_trial_that_has_diverged_costs_no_time(cores, monkeypatch):
    """A million steps of a large network would take minutes; each of five trials on one core, and on several."""
    monkeypatch.setattr(cpu, "CORES", cores)
    monkeypatch.setattr(training_kernels, "CHUNKS", 9)
    context, weights_TN = random_case(
        5, Relu, LOSSES["half_mean_square"], GradientDescent, points=2000, inputs=2, outputs=1, width=500
    )
    stack = stack_of(context, weights_TN, bound=-1.0)
    assert Fused(context, None, PROCESSOR).advance(stack, 7, 1_000_000).tolist() == [7] * 5


@pytest.mark.parametrize("kind", [Relu, Linear])
def test_a_trial_that_has_diverged_is_left_where_it_was_whatever_its_next_batches(monkeypatch, kind):
    """A bound that the loss of a batch is now above and now below, an epoch at a time or many, alone or in a pack."""
    context, weights_TN = random_case(
        6, kind, LOSSES["half_mean_square"], GradientDescent, points=40, inputs=1, outputs=1, width=6
    )
    bound = float(Reference(context, None, PROCESSOR).value_and_gradient(weights_TN)[0].max())
    engine, found = Fused(context, 4, PROCESSOR), []
    for at_once in (1, 1 << 16):
        monkeypatch.setattr(cpu, "PERMUTED_POINTS_AT_ONCE", at_once)
        stack, alone = (stack_of(context, weights_TN, trials, bound) for trials in ((0, 1, 2, 3, 4), (1,)))
        diverged_T = engine.advance(stack, 0, 60)
        assert diverged_T[1] == engine.advance(alone, 0, 60)[0]
        assert torch.equal(stack.weights_TN[1], alone.weights_TN[0])
        assert (stack.loss_bounds_T == bound).all()
        found.append((diverged_T, stack.weights_TN))
    assert (found[0][0] >= 0).any()
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


@pytest.mark.parametrize("points", [9, 100])
@pytest.mark.parametrize("kind", [Relu, Linear])
@pytest.mark.usefixtures("all_steps_are_large")
def test_nothing_to_do_is_done(points, kind):
    context, weights_TN = random_case(
        1, kind, LOSSES["half_mean_square"], GradientDescent, points=points, inputs=1, outputs=1, width=2
    )
    engine = Fused(context, None, PROCESSOR)
    losses_T, gradient_TN = engine.value_and_gradient(weights_TN[:0])
    assert losses_T.shape == (0,)
    assert gradient_TN.shape == (0, weights_TN.shape[1])
    stack = stack_of(context, weights_TN)
    assert engine.advance(stack.part(0, 0), 0, 5).shape == (0,)
    assert (engine.advance(stack, 5, 5) == -1).all()
    assert (engine.advance(stack.part(0, 1), 5, 5) == -1).all()
    assert torch.equal(stack.weights_TN, weights_TN)
