"""Large networks are trained on GPUs as the reference does, and each trial as if it were alone.

Without a GPU the kernels are run by Triton's interpreter, which rounds nothing to tf32.
"""

import itertools

import numpy as np
import pytest
import torch

pytest.importorskip("triton")

from pipeline.bench import gpu_checks, gpu_peers
from pipeline.engines.engine import Stack
from pipeline.engines.gpu import matrices
from pipeline.engines.gpu.block_sizes import Block, LaunchBlocks
from pipeline.engines.gpu.matrices import ByMatrices
from pipeline.engines.reference.engine import Reference
from pipeline.models.activations import ACTIVATIONS, LeakyRelu, Relu, Tanh
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum, UpdateRule
from pipeline.problems.losses import LOSSES, HalfMeanSquare

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
RULES = [rule for rule in OPTIMIZERS.values() if issubclass(rule, UpdateRule)]


@pytest.fixture(autouse=True)
def silent_numbers():
    """The interpreter computes with NumPy, which warns of what a GPU does silently."""
    with np.errstate(all="ignore"):
        yield


def context_of(shape, activation, rule=GradientDescent(), loss=HalfMeanSquare(), dtype=torch.float64):  # noqa: B008
    return gpu_peers.context_of(shape, activation, DEVICE, rule, loss, dtype)


def from_reference(context, batch_size=None, steps=1):
    """The relative difference of loss, gradient and weights after some steps."""
    return gpu_checks.difference(context, ByMatrices, context, DEVICE, steps, batch_size)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=lambda kind: kind.name())
def test_steps_of_every_loss_are_those_of_the_reference(loss):
    """Of more outputs than one and fewer than the padded ones; points enough for one batch, and some more."""
    assert from_reference(context_of((9, 3, 5, 5), Tanh(), loss=loss()), 6) < 1e-12


def test_every_epoch_has_an_order_of_its_own_like_that_of_the_reference():
    assert from_reference(context_of((9, 3, 5, 2), Tanh()), batch_size=4, steps=5) < 1e-12


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=lambda kind: kind.name())
def test_steps_of_every_activation_are_those_of_the_reference(activation):
    assert from_reference(context_of((9, 17, 5, 1), activation())) < 1e-12


@pytest.mark.parametrize("rule", RULES, ids=lambda kind: kind.name())
def test_steps_of_every_rule_are_those_of_the_reference(rule):
    assert from_reference(context_of((9, 2, 5, 1), LeakyRelu(), rule()), steps=2) < 1e-12


@pytest.mark.parametrize(("of_points", "of_units", "outputs"), [((16, 32), (32, 16), 1), ((32, 16), (16, 32), 3)])
def test_any_blocks_give_the_same(monkeypatch, of_points, of_units, outputs):
    """Several blocks of points and of units, the last of each half empty."""
    blocks = LaunchBlocks(Block(*of_points, 4), Block(*of_units, 4))
    monkeypatch.setattr(matrices, "launch_blocks", lambda *size, **constants: blocks)
    assert from_reference(context_of((40, 2, 40, outputs), Tanh(), Momentum())) < 1e-12


@pytest.mark.parametrize("batch_size", [None, 5])
def test_numbers_do_not_depend_on_pack_interruptions_or_memory(monkeypatch, batch_size):
    context = context_of((12, 3, 9, 2), Tanh(), Adam(), dtype=torch.float32)
    engine, whole = ByMatrices(context, batch_size, DEVICE), gpu_peers.stack_of(context, 3, DEVICE)
    alone = Stack(
        whole.trial_ids[1:2],
        whole.weights_TN[1:2].clone(),
        tuple(slot_TN[1:2].clone() for slot_TN in whole.slots),
        whole.learning_rates_T1[1:2],
        whole.loss_bounds_T[1:2],
    )
    losses_T, gradient_TN = engine.value_and_gradient(whole.weights_TN)
    loss_T, gradient_1N = engine.value_and_gradient(alone.weights_TN)
    assert torch.equal(losses_T[1:2], loss_T)
    assert torch.equal(gradient_TN[1:2], gradient_1N)
    engine.advance(alone, 0, 3)
    monkeypatch.setattr(matrices, "SLOPES_BYTES", 2 * 16 * 16 * 4)  # for two trials, then the third
    for first, last in itertools.pairwise((0, 1, 3)):
        engine.advance(whole, first, last)
    for together, single in zip((whole.weights_TN, *whole.slots), (alone.weights_TN, *alone.slots), strict=True):
        assert torch.equal(together[1], single[0])


@pytest.mark.parametrize("activation", [Relu(), Tanh()], ids=lambda activation: activation.name())
@pytest.mark.parametrize("rate", [1e30, float("inf"), float("nan")])
def test_divergence_is_found_at_the_step_at_which_the_reference_finds_it(activation, rate):
    context, found = context_of((5, 2, 3, 1), activation), []
    for engine in (ByMatrices, Reference):
        stack = gpu_peers.stack_of(context, 2, DEVICE)
        stack.learning_rates_T1[0] = rate
        found.append(engine(context, None, DEVICE).advance(stack, 3, 7).tolist())
    assert found[0] == found[1]
    assert found[0][0] in range(4, 7)
    assert found[0][1] == -1


def test_nothing_to_do_is_done():
    context = context_of((5, 2, 3, 1), Relu())
    engine, stack = ByMatrices(context, None, DEVICE), gpu_peers.stack_of(context, 2, DEVICE)
    losses_T, gradient_TN = engine.value_and_gradient(stack.weights_TN[:0])
    assert (losses_T.shape, gradient_TN.shape) == ((0,), (0, stack.weights_TN.shape[1]))
    assert engine.advance(stack.part(0, 0), 0, 5).shape == (0,)
    before_TN = stack.weights_TN.clone()
    assert (engine.advance(stack, 5, 5) == -1).all()
    assert torch.equal(stack.weights_TN, before_TN)


class Graph:
    """What a CUDA graph does, as far as steps know: it is captured and replayed."""

    def replay(self):
        self.made()


@pytest.mark.parametrize("counts", [(1, 3), (200,), (40, 7, 90)])
def test_steps_from_a_graph_are_all_steps_in_their_order(monkeypatch, counts):
    made, done, captured = [], torch.zeros(1, dtype=torch.int32), []

    class Capture:
        """While it lasts, steps are remembered rather than made; afterwards the graph makes them."""

        def __init__(self, graph):
            self.graph, self.before = graph, None

        def __enter__(self):
            self.before = (len(made), int(done))

        def __exit__(self, *error):
            offsets = [step - self.before[1] for step in made[self.before[0] :]]
            captured.append(offsets)
            del made[self.before[0] :]
            done.fill_(self.before[1])

            def again():
                made.extend(int(done) + offset for offset in offsets)
                done.add_(len(offsets))

            self.graph.made = again

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", Capture)
    steps = matrices.several_steps(lambda offset: made.append(int(done) + offset), done)
    for count in counts:
        steps(count)
    assert made == list(range(sum(counts)))
    assert int(done) == sum(counts)
    assert captured == [list(range(matrices.CAPTURED_STEPS))] * (max(counts) > 2 * matrices.CAPTURED_STEPS)
