"""Peers on a GPU train the networks that the engine trains, from the same weights."""

import pytest
import torch

pytest.importorskip("triton")

from pipeline.bench import gpu_peers
from pipeline.engines.reference.engine import Reference
from pipeline.models.activations import Tanh
from pipeline.optimizers.rules import Adam, GradientDescent
from pipeline.problems.losses import HalfMeanSquare, SoftmaxCrossEntropy

CPU = torch.device("cpu")


def test_trials_begin_at_weights_of_their_own_and_without_memory():
    context = gpu_peers.context_of((12, 2, 5, 1), Tanh(), CPU, Adam(), HalfMeanSquare(), torch.float64)
    stack = gpu_peers.stack_of(context, 3, CPU)
    assert len(stack.weights_TN.unique(dim=0)) == len(stack) == 3
    assert not any(slot_TN.any() for slot_TN in stack.slots)
    assert torch.equal(stack.weights_TN, gpu_peers.stack_of(context, 3, CPU).weights_TN)


def test_blocks_are_waited_for_once_they_are_all_begun():
    happened = []
    steps = gpu_peers.in_blocks(lambda: happened.append("block"), lambda: happened.append("wait"), 7, lambda: None)
    steps.blocks(3)
    assert happened == ["block"] * 3 + ["wait"]
    assert steps.size == 7


def test_steps_of_a_peer_are_those_of_the_reference():
    """One block of JAX ends where as many steps of the reference engine end."""
    pytest.importorskip("jax")
    context = gpu_peers.context_of(
        (12, 2, 5, 3), Tanh(), CPU, GradientDescent(), SoftmaxCrossEntropy(),
        torch.float32,
    )  # fmt: skip
    stack = gpu_peers.stack_of(context, 2, CPU)
    Reference(context, None, CPU).advance(stack, 0, gpu_peers.SCANNED_STEPS)
    steps = gpu_peers.jax_vmap(context, 2, CPU)
    steps.blocks(1)
    trained = [torch.tensor(layer.tolist()).flatten(1) for layer in steps.state()]
    torch.testing.assert_close(torch.cat(trained, dim=1), stack.weights_TN, rtol=1e-4, atol=1e-6)
