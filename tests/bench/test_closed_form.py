"""The closed form is held against loops that give the same losses."""

import pytest
import torch

from pipeline.bench import closed_form


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(closed_form, "SECONDS_OF_REPETITION", 0.01)
    monkeypatch.setattr(closed_form, "SECONDS_TO_SETTLE", 0.0)
    monkeypatch.setattr(closed_form, "REPETITIONS", 3)


def test_every_way_of_having_the_losses_of_a_sweep_gives_the_same(tiny):
    sweep = closed_form.closed_form_sweep(num_points=40, width=5, num_rates=7, num_steps=12, last=300)
    assert (len(sweep.steps), sweep.steps[-1]) == (12, 300)
    expected = closed_form.losses_of_stack(sweep)
    assert expected.shape == (7, 12)
    for way in closed_form.METHODS.values():
        torch.testing.assert_close(way(sweep), expected, rtol=1e-12, atol=0)


def test_the_closed_form_is_held_against_both_loops(tiny):
    sweep = closed_form.closed_form_sweep(num_points=40, width=5, num_rates=7, num_steps=12, last=300)
    table = closed_form.measure_closed_form(sweep, say=lambda text: None)
    assert table["way"].to_list() == list(closed_form.METHODS)
    assert set(table["sweep"]) == {"7 rates x 12 of 300 steps, 40 x 5"}
    assert table["closed form is faster by"][0] == 1
    for row in table.iter_rows(named=True):
        assert row["closed form is faster by"] == pytest.approx(row["milliseconds"] / table["milliseconds"][0])
