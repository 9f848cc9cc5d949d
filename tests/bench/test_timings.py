"""The bench measures every peer on the same work and gives ratios to the pack."""

import importlib.util

import pytest

from pipeline.bench import peers, timings


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(timings, "QUICK_SHAPE", (12, 2, 5, 1))
    monkeypatch.setattr(timings, "SECONDS_OF_REPETITION", 0.01)
    monkeypatch.setattr(timings, "SECONDS_TO_SETTLE", 0.0)
    monkeypatch.setattr(timings, "REPETITIONS", 3)
    monkeypatch.setattr(peers, "COMPILED_PACK", 0)  # compiling takes half a minute


def test_every_peer_has_a_row_with_its_ratio(tiny):
    whole = timings.rows(timings.measure(quick=True, say=lambda text: None), 2e9)
    names = ["pack", "reference engine", "Lightning per trial", "PyTorch loop per trial", "torch.func"]
    names += ["JAX vmap"] * bool(importlib.util.find_spec("jax"))
    assert whole["peer"].to_list() == 2 * names
    assert whole["activation"].to_list() == ["relu"] * len(names) + ["tanh"] * len(names)
    assert set(whole["N x d x m x K"]) == {"12 x 2 x 5 x 1"}
    table = whole.filter(activation="relu")
    assert table["pack is faster by"][0] == 1
    for row in table.iter_rows(named=True):
        expected = table["trial-steps/s"][0] / row["trial-steps/s"]
        assert row["of matrix products"] == pytest.approx(row["GFLOP/s"] / 2)
        assert row["pack is faster by"] == pytest.approx(expected)
        assert row["GFLOP/s"] == pytest.approx(row["trial-steps/s"] * (4 * 2 + 6 + 4) * 12 * 5 / 1e9)


def test_as_many_steps_are_timed_as_fill_a_repetition(monkeypatch):
    """By a clock on which a step takes a hundredth of a second, after a first call that compiles."""
    now = [0.0]
    monkeypatch.setattr(timings.time, "perf_counter", lambda: now[0])

    def steps(count):
        now[0] += count / 100

    assert timings.calibrated_count(steps) == round(timings.SECONDS_OF_REPETITION * 100)


def test_a_matrix_product_has_a_rate():
    assert 1e8 < timings.matrix_product_rate() < 1e14


def test_the_median_passes_over_a_repetition_that_was_disturbed():
    assert timings.PeerTiming({}, "pack", 1, [1.0, 50.0, 2.0]).median == 2
