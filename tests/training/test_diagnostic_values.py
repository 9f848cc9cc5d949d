"""The diagnostics of a pack are those of its trials, however these are divided among threads."""

import re

import numpy as np
import pytest
import torch

from pipeline.diagnostics import DIAGNOSTICS
from pipeline.diagnostics.convergence import TestError
from pipeline.errors import PipelineError
from pipeline.models.shallow import Shallow
from pipeline.training import diagnostic_values
from pipeline.training.diagnostic_values import evaluate_diagnostics
from pipeline.training.module import NEVER, PackModule

EVERY = tuple(kind() for kind in DIAGNOSTICS.values())


def started(pack):
    module = PackModule(pack, (0, 40))
    module.on_fit_start()
    return module


def table(values):
    """Values by diagnostic and position of a trial."""
    return {
        (of.diagnostic, int(position)): value
        for of in values
        for position, value in zip(of.positions_T, of.values_T, strict=True)
    }


@pytest.mark.parametrize("model", range(2))
def test_every_diagnostic_of_a_trial_is_the_same_in_chunks_on_several_cores(model, pack, experiment, monkeypatch):
    module = started(pack(models=(experiment().models[model],)))
    whole = table(evaluate_diagnostics(module, EVERY, at_first=True, at_last=False))
    monkeypatch.setattr(diagnostic_values, "CORES", 3)
    monkeypatch.setattr(diagnostic_values, "OBSERVED_BYTES", 1)
    assert len(list(diagnostic_values._chunks(12, 1, 3))) == 12
    chunks = table(evaluate_diagnostics(module, EVERY, at_first=True, at_last=False))
    assert chunks.keys() == whole.keys()
    assert len({name for name, _ in whole}) > 10
    assert np.allclose(list(chunks.values()), [whole[key] for key in chunks], rtol=1e-9, atol=1e-14, equal_nan=True)


@pytest.mark.parametrize(
    "num_trials, most_trials, threads", [(0, 4, 2), (1, 4, 2), (9, 4, 2), (9, 1, 8), (100, 7, 4), (3, 2, 8)]
)
def test_chunks_hold_each_trial_once_and_every_thread_has_as_many(num_trials, most_trials, threads):
    chunks = list(diagnostic_values._chunks(num_trials, most_trials, threads))
    assert [position for chunk in chunks for position in range(num_trials)[chunk]] == list(range(num_trials))
    sizes = [chunk.stop - chunk.start for chunk in chunks]
    assert all(0 < size <= most_trials for size in sizes)
    assert len(chunks) <= 1 or len(chunks) % threads == 0 or len(chunks) == num_trials


def test_few_trials_are_one_chunk():
    assert len(list(diagnostic_values._chunks(9, 10, 4, shared_from=10))) == 1
    assert len(list(diagnostic_values._chunks(10, 10, 4, shared_from=10))) == 4


def test_trial_that_is_found_out_of_bounds_is_marked_and_has_no_values(pack):
    module = started(pack(models=(Shallow(),)))
    with torch.no_grad():
        module.weights[5] = 1e200
        module.weights[7] = torch.nan
    losses_T, gradient_TN = module.engine.value_and_gradient(module.weights.detach())
    values = table(evaluate_diagnostics(module, EVERY, at_first=True, at_last=False))
    assert {position for _, position in values} == set(range(12)) - {5, 7}
    for position in set(range(12)) - {5, 7}:  # those behind it are still themselves
        assert values["loss", position] == losses_T[position]
        assert values["gradient_norm", position] == pytest.approx(float(gradient_TN[position].norm()), rel=1e-12)
    assert (module.diverged_at != NEVER).nonzero().flatten().tolist() == [5, 7]


def test_no_value_is_computed_of_a_pack_that_has_diverged(pack):
    module = started(pack())
    module.diverged_at.fill_(0)
    assert table(evaluate_diagnostics(module, EVERY, at_first=True, at_last=False)) == {}


def test_what_no_step_changes_is_computed_at_the_first_recorded_step_alone(pack):
    module = started(pack())
    shape = module.pack.shape
    constant = {one.name() for one in EVERY if one.constant(shape.model, shape.loss)}
    first, later = (
        {of.diagnostic for of in evaluate_diagnostics(module, EVERY, at_first=first, at_last=False)}
        for first in (True, False)
    )
    assert constant
    assert first - later == constant & first
    assert not later & constant


def test_a_diagnostic_that_gives_one_number_for_all_trials_is_refused(pack, monkeypatch):
    """NumPy would copy it to every trial."""
    module = started(pack())
    monkeypatch.setattr(TestError, "__call__", lambda self, snapshot: snapshot.losses_T.mean())
    message = f"test_error gives the shape [] for {len(module.alive)} trials\n  hint: return one number for each trial"
    with pytest.raises(PipelineError, match=f"{re.escape(message)}$"):
        evaluate_diagnostics(module, (TestError(),), at_first=True, at_last=False)
