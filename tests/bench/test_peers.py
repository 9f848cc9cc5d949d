"""Every peer trains the model of the pack, and none is measured that would take too much memory or time."""

import pytest
import torch

from pipeline.bench import peers
from pipeline.bench.bench_packs import BENCHED, QUICK_SHAPE, bench_pack
from pipeline.models.shallow import Shallow
from pipeline.training.module import PackModule


@pytest.mark.parametrize("activation", BENCHED, ids=lambda activation: activation.name())
def test_peers_train_the_network_of_the_pack(activation):
    """From equal weights, one step of the loop and one of the pack end at equal weights."""
    pack = bench_pack((12, 2, 5, 1), 3, Shallow(activation))
    network, loss, inputs_PD, targets_PK = peers.plain_network(pack)
    module = PackModule(pack, [1])
    hidden, _, last = network
    with torch.no_grad():
        layers = [torch.cat([layer.weight, layer.bias[:, None]], dim=1).flatten() for layer in (hidden, last)]
        module.weights[1] = torch.cat(layers)
    losses_T, gradient_TN = module.engine.value_and_gradient(module.weights)
    value = loss(network(inputs_PD), targets_PK)
    value.backward()
    by_hand = torch.cat([torch.cat([la.weight.grad, la.bias.grad[:, None]], dim=1).flatten() for la in (hidden, last)])
    torch.testing.assert_close(losses_T[1], value.detach())
    torch.testing.assert_close(gradient_TN[1], by_hand)


def test_compiled_step_is_a_peer_of_one_size_of_pack_where_there_is_a_compiler(monkeypatch):
    def names(num_trials):
        return [name for name, _ in peers.available_peers(bench_pack(QUICK_SHAPE, num_trials, Shallow()))]

    monkeypatch.setattr(peers.shutil, "which", lambda name: "/usr/bin/c++")
    assert "torch.compile" in names(peers.COMPILED_PACK)
    assert "torch.compile" not in names(3)
    monkeypatch.setattr(peers.shutil, "which", lambda name: None)
    assert "torch.compile" not in names(peers.COMPILED_PACK)


def test_peer_that_would_need_more_memory_than_it_may_is_left_out(monkeypatch):
    monkeypatch.setattr(peers, "PEER_BYTES", 0)
    found = [name for name, _ in peers.available_peers(bench_pack((12, 2, 5, 1), 3, Shallow()))]
    assert found == ["pack", "reference engine", "Lightning per trial", "PyTorch loop per trial"]
