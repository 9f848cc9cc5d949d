"""The bench measures every peer on the same work and gives ratios to the pack."""

import importlib.util

import pytest
import torch

from pipeline.bench import peers as bench
from pipeline.models.shallow import Shallow


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(bench, "QUICK_SHAPE", (12, 2, 5, 1))
    monkeypatch.setattr(bench, "SECONDS_OF_REPETITION", 0.01)
    monkeypatch.setattr(bench, "SECONDS_TO_SETTLE", 0.0)
    monkeypatch.setattr(bench, "REPETITIONS", 3)
    monkeypatch.setattr(bench, "COMPILED_PACK", 0)  # compiling takes half a minute


def test_every_peer_has_a_row_with_its_ratio(tiny):
    whole = bench.rows(bench.measure(quick=True, say=lambda text: None), 2e9)
    peers = ["pack", "reference engine", "Lightning per trial", "PyTorch loop per trial", "torch.func"]
    peers += ["JAX vmap"] * bool(importlib.util.find_spec("jax"))
    assert whole["peer"].to_list() == 2 * peers
    assert whole["activation"].to_list() == ["relu"] * len(peers) + ["tanh"] * len(peers)
    assert set(whole["N x d x m x K"]) == {"12 x 2 x 5 x 1"}
    table = whole.filter(activation="relu")
    assert table["pack is faster by"][0] == 1
    for row in table.iter_rows(named=True):
        expected = table["trial-steps/s"][0] / row["trial-steps/s"]
        assert row["of matrix products"] == pytest.approx(row["GFLOP/s"] / 2)
        assert row["pack is faster by"] == pytest.approx(expected)
        assert row["GFLOP/s"] == pytest.approx(row["trial-steps/s"] * (4 * 2 + 6 + 4) * 12 * 5 / 1e9)


@pytest.mark.parametrize("activation", bench.BENCHED, ids=lambda activation: activation.name())
def test_peers_train_the_network_of_the_pack(tiny, activation):
    """From equal weights, one step of the loop and one of the pack end at equal weights."""
    pack = bench.bench_pack((12, 2, 5, 1), 3, Shallow(activation))
    network, loss, inputs_PD, targets_PK = bench.plain_network(pack)
    module = bench.PackModule(pack, [1])
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
        return [name for name, _ in bench.available_peers(bench.bench_pack(bench.QUICK_SHAPE, num_trials, Shallow()))]

    monkeypatch.setattr(bench.shutil, "which", lambda name: "/usr/bin/c++")
    assert "torch.compile" in names(bench.COMPILED_PACK)
    assert "torch.compile" not in names(3)
    monkeypatch.setattr(bench.shutil, "which", lambda name: None)
    assert "torch.compile" not in names(bench.COMPILED_PACK)


def test_peer_that_would_need_more_memory_than_it_may_is_left_out(monkeypatch):
    monkeypatch.setattr(bench, "PEER_BYTES", 0)
    peers = [name for name, _ in bench.available_peers(bench.bench_pack((12, 2, 5, 1), 3, Shallow()))]
    assert peers == ["pack", "reference engine", "Lightning per trial", "PyTorch loop per trial"]
