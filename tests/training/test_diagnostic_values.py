"""What is seen of a pack is that of its trials, however they are shared out."""

import numpy as np
import pytest
import torch

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.models.shallow import Shallow
from pipeline.training import diagnostic_values
from pipeline.training.diagnostic_values import observe
from pipeline.training.module import NEVER, PackModule

EVERY = tuple(kind() for kind in DIAGNOSTICS.values())


def started(pack):
    module = PackModule(pack, (0, 40))
    module.on_fit_start()
    return module


def table(seen):
    """Diagnostic and place of a trial to number."""
    return {
        (of.diagnostic, int(place)): value
        for of in seen
        for place, value in zip(of.positions_T, of.values_T, strict=True)
    }


@pytest.mark.parametrize("position", range(2))
def test_every_diagnostic_of_a_trial_is_the_same_in_chunks_on_several_cores(position, pack, experiment, monkeypatch):
    module = started(pack(models=(experiment().models[position],)))
    whole = table(observe(module, EVERY, at_first=True))
    monkeypatch.setattr(diagnostic_values, "CORES", 3)
    monkeypatch.setattr(diagnostic_values, "OBSERVED_BYTES", 1)
    assert len(list(diagnostic_values._parts(12, 1, 3))) == 12
    parts = table(observe(module, EVERY, at_first=True))
    assert parts.keys() == whole.keys()
    assert len({name for name, _ in whole}) > 10
    assert np.allclose(list(parts.values()), [whole[key] for key in parts], rtol=1e-9, atol=1e-14, equal_nan=True)


@pytest.mark.parametrize(
    "num_trials, most, lanes", [(0, 4, 2), (1, 4, 2), (9, 4, 2), (9, 1, 8), (100, 7, 4), (3, 2, 8)]
)
def test_parts_hold_each_trial_once_and_every_lane_has_as_many(num_trials, most, lanes):
    parts = list(diagnostic_values._parts(num_trials, most, lanes))
    assert [place for part in parts for place in range(num_trials)[part]] == list(range(num_trials))
    sizes = [part.stop - part.start for part in parts]
    assert all(0 < size <= most for size in sizes)
    assert len(parts) <= 1 or len(parts) % lanes == 0 or len(parts) == num_trials


def test_trial_that_is_found_out_of_bounds_is_marked_and_not_seen(pack):
    module = started(pack(models=(Shallow(),)))
    with torch.no_grad():
        module.weights[5] = 1e200
        module.weights[7] = torch.nan
    losses_T, gradient_TN = module.engine.value_and_gradient(module.weights.detach())
    seen = table(observe(module, EVERY, at_first=True))
    assert {place for _, place in seen} == set(range(12)) - {5, 7}
    for place in set(range(12)) - {5, 7}:  # those behind it are still themselves
        assert seen["loss", place] == losses_T[place]
        assert seen["gradient_norm", place] == pytest.approx(float(gradient_TN[place].norm()), rel=1e-12)
    assert (module.diverged_at != NEVER).nonzero().flatten().tolist() == [5, 7]


def test_nothing_is_seen_of_a_pack_that_has_diverged(pack):
    module = started(pack())
    module.diverged_at.fill_(0)
    assert table(observe(module, EVERY, at_first=True)) == {}


def test_what_no_step_changes_is_seen_at_the_first_recorded_step_alone(pack):
    module = started(pack())
    shape = module.pack.shape
    constant = {one.name() for one in EVERY if one.constant(shape.model, shape.loss)}
    first, later = ({of.diagnostic for of in observe(module, EVERY, at_first=first)} for first in (True, False))
    assert constant
    assert first - later == constant & first
    assert not later & constant
