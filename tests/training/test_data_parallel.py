"""The shards of the processes make up every batch, each point once."""

import pytest
import torch

from pipeline.engines.minibatches import Minibatches
from pipeline.models.activations import Tanh
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent
from pipeline.training.data_parallel import BatchShard
from pipeline.training.module import PackModule

every_model = pytest.mark.parametrize("model", [Linear(Cosine()), Shallow(Tanh())], ids=["linear", "shallow"])


def summed(module, num_processes, step=0):
    """Losses and gradients of all shards together."""
    stack = module.stack_of_all(module.configure_optimizers())
    losses_T, whole_TN = 0, torch.zeros_like(stack.weights_TN)
    for process in range(num_processes):
        gradient_TN = torch.full_like(stack.weights_TN, torch.nan)
        shard = BatchShard(module.context, module.pack.shape.batch_size, process, num_processes)
        losses_T = losses_T + shard.value_and_gradient(stack, step, gradient_TN)
        whole_TN += gradient_TN
    return losses_T, whole_TN


@every_model
@pytest.mark.parametrize("num_processes", [1, 2, 5, 30])
def test_shards_of_all_points_sum_to_the_loss_and_the_gradient(pack, model, num_processes):
    module = PackModule(pack(models=(model,)), [40])
    torch.testing.assert_close(summed(module, num_processes), module.engine.value_and_gradient(module.weights))


@every_model
@pytest.mark.parametrize("num_processes", [2, 3, 9])
def test_shards_of_a_minibatch_sum_to_one_update_of_a_single_process(pack, model, num_processes):
    whole = pack(models=(model,), optimizer=GradientDescent(), batch_size=7, steps=20)
    for step in (0, 1, 13):  # the third is in another epoch
        module = PackModule(whole, [20])
        module.on_fit_start()  # without bounds every trial has diverged
        before_TN = module.weights.clone()
        _, gradient_TN = summed(module, num_processes, step)
        optimizer = module.configure_optimizers()
        module.engine.advance(module.stack_of_all(optimizer), step, step + 1)
        torch.testing.assert_close(before_TN - module.weights, optimizer.learning_rates_T1 * gradient_TN)


@pytest.mark.parametrize("batch_size", ["full", 7])
def test_shard_in_chunks_of_trials_is_that_of_one_stack(pack, monkeypatch, batch_size):
    module = PackModule(pack(models=(Shallow(),), batch_size=batch_size), [40])
    expected = summed(module, 2, step=5)
    monkeypatch.setattr("pipeline.training.data_parallel.elements_of_chunk", lambda device, element: 6 * 4 * 5)
    torch.testing.assert_close(summed(module, 2, step=5), expected)


def test_shard_keeps_the_permutation_of_every_chunk(pack, monkeypatch):
    """Drawing a permutation anew at each update would take longer than the update."""
    module = PackModule(pack(models=(Shallow(),), batch_size=4, steps=6), [6])
    monkeypatch.setattr("pipeline.training.data_parallel.elements_of_chunk", lambda device, element: 6 * 2 * 5)
    drawn = []
    permutations = Minibatches.permutations
    monkeypatch.setattr(
        Minibatches, "permutations", lambda self, *name: drawn.append(name) or permutations(self, *name)
    )
    shard = BatchShard(module.context, 4, 0, 2)
    stack = module.stack_of_all(module.configure_optimizers())
    for step in range(6):  # one epoch
        shard.value_and_gradient(stack, step, torch.empty_like(stack.weights_TN))
    assert shard.most_trials == 5
    assert len(drawn) == 3


def test_shards_differ_by_one_point_at_most(pack):
    module = PackModule(pack(), [40])
    sizes = [BatchShard(module.context, None, process, 5).num_points for process in range(5)]
    assert sum(sizes) == 24
    assert max(sizes) - min(sizes) == 1
