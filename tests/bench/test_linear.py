"""Linear models are measured as networks are, and every peer trains the model of the pack."""

import importlib.util

import pytest
import torch

from pipeline.bench import linear as bench_linear
from pipeline.bench import peers as bench_peers
from pipeline.bench import timings
from pipeline.training.module import PackModule


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(timings, "SECONDS_OF_REPETITION", 0.01)
    monkeypatch.setattr(timings, "REPETITIONS", 3)
    monkeypatch.setattr(bench_linear, "SECONDS_TO_SETTLE", 0.0)


@pytest.mark.parametrize("batch_size", ["full", 4])
def test_every_peer_has_a_row_with_its_ratio(tiny, monkeypatch, batch_size):
    basis, *_ = bench_linear.QUICK
    monkeypatch.setattr(bench_linear, "QUICK", (basis, (12, 8, 1), batch_size, 3))
    table = timings.rows(bench_linear.measure_linear(quick=True, say=lambda text: None), 2e9)
    peers = ["pack", "reference engine", "PyTorch loop per trial", "torch.func"]
    assert table["peer"].to_list() == peers + ["JAX vmap"] * bool(importlib.util.find_spec("jax"))
    assert table.row(0)[:4] == ("haar", "12 x 8 x 1", str(batch_size), 3)
    points = 12 if batch_size == "full" else batch_size
    for row in table.iter_rows(named=True):
        assert row["pack is faster by"] == pytest.approx(table["trial-steps/s"][0] / row["trial-steps/s"])
        assert row["GFLOP/s"] == pytest.approx(row["trial-steps/s"] * 4 * points * 8 / 1e9)


@pytest.mark.parametrize("case", bench_linear.CASES, ids=lambda case: "-".join(map(str, (case[0].name(), *case[1:]))))
def test_peers_train_the_model_of_the_pack_and_no_trial_diverges(case):
    """From equal weights loss and gradient on all points are equal; a pack that diverges would cost no time."""
    columns, make = bench_linear.case_of(*case)
    pack = make() if columns["pack of"] == 1 else bench_linear.case_of(*case[:3], 2)[1]()
    network, loss, inputs_PD, targets_PK = bench_peers.plain_network(pack)
    assert (len(inputs_PD), inputs_PD.shape[1], network.out_features) == case[1]
    module = PackModule(pack, [1])
    assert module.engine.name == (
        "linear_qr" if pack.shape.batch_size is None and pack.shape.loss.quadratic else "fused"
    )
    module.weights[0] = network.weight.detach().flatten()
    losses_T, gradient_TN = module.engine.value_and_gradient(module.weights)
    value = loss(network(inputs_PD), targets_PK)
    value.backward()
    torch.testing.assert_close(losses_T[0], value.detach())
    torch.testing.assert_close(gradient_TN[0], network.weight.grad.flatten())
    module.on_fit_start()
    stack = module.stack_of_all(module.configure_optimizers())
    assert (module.engine.advance(stack, 0, 2000) == -1).all()


@pytest.mark.parametrize("trials", [(), (3,)])
def test_batches_take_every_point_once_an_epoch(trials):
    points_P = torch.arange(12.0)
    batches = bench_peers.batches_of(points_P[:, None], points_P[:, None] + 100, 4, trials)
    for _ in range(2):
        inputs, targets = (torch.cat(parts, dim=-2) for parts in zip(*(next(batches) for _ in range(3)), strict=True))
        assert torch.equal(inputs + 100, targets)
        assert torch.equal(inputs.sort(dim=-2).values, points_P[:, None].expand(*trials, 12, 1))
