"""Engines of full batches are timed beside the fused engine on the same trials."""

import pytest

from pipeline.bench import full_batches, timings
from pipeline.bench.full_batches import case_of, measure_full_batches, measure_sharpness, microseconds
from pipeline.bench.timings import PeerTiming
from pipeline.models.activations import Relu
from pipeline.models.bases.wavelet import Haar
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.training.module import PackModule


class Echo:
    """Another build that does nothing, at once."""

    def steps_of(self, pack, what="step"):
        return (lambda count: None), len(pack.trials)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(timings, "SECONDS_OF_REPETITION", 0.001)
    monkeypatch.setattr(timings, "REPETITIONS", 1)
    monkeypatch.setattr(timings, "calibrated_count", lambda steps: steps(1) or 1)
    monkeypatch.setattr(full_batches, "SECONDS_TO_SETTLE", 0.0)
    monkeypatch.setattr(full_batches, "has_jax", lambda: False)


def test_steps_and_sharpness_have_a_row_each_with_ratios(tiny):
    told = {"quick": True, "say": lambda text: None, "other": Echo()}
    table = microseconds([*measure_full_batches(**told), *measure_sharpness(**told)])
    assert table["model"].to_list() == ["relu", "linear(haar)", "relu, sharpness"]
    assert table["pack of"].to_list() == [32] * 3
    for row in table.iter_rows(named=True):
        assert row["x fused engine"] == pytest.approx(row["fused engine"] / row["pack"])
        assert row["x other build"] == pytest.approx(row["other build"] / row["pack"])


def test_a_peer_that_was_not_measured_leaves_its_place_empty():
    timing = [PeerTiming({"model": name}, peer, 1, [2e-6]) for name, peer in
              [("a", "pack"), ("a", "JAX vmap"), ("b", "pack")]]  # fmt: skip
    assert microseconds(timing).rows() == [("a", 2.0, 2.0, 1.0), ("b", 2.0, None, None)]


@pytest.mark.parametrize("model, engine", [(Shallow(Relu()), "one_input"), (Linear(Haar()), "linear_qr")])
def test_packs_are_those_that_the_engines_are_for(model, engine):
    columns, made = case_of(model, (16, 1, 4, 1), "float64", 2)
    pack = made()
    assert PackModule(pack, [1]).engine.name == engine
    assert (pack.shape.dtype, len(pack.trials)) == (columns["dtype"], columns["pack of"])


def test_sharpness_with_every_unit_is_that_of_the_engine(monkeypatch):
    pack = case_of(Shallow(Relu()), (16, 1, 4, 1), "float32", 2)[1]()
    for every_unit in (False, True):
        steps, trained = full_batches.sharpness(pack, every_unit=every_unit)
        steps(1)
        assert trained == 2
