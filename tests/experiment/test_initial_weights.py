"""Initial weights come from the id of a trial, and from nothing else."""

from __future__ import annotations

import torch

from pipeline.experiment.experiment import Experiment
from pipeline.experiment.initial_weights import initial_weights, initial_weights_of
from pipeline.models.shallow import Shallow
from pipeline.numerics.randomness import stream
from pipeline.problems.targets import Sine


def test_trials_of_one_shape_start_apart_and_each_where_its_id_says():
    trials = list(Experiment("?", (Shallow(),), (3,), target=(Sine(),), learning_rates=(0.1, 0.2), seeds=2).trials())
    weights_TN = initial_weights_of(trials, torch.float64)
    for weights_N, trial in zip(weights_TN, trials, strict=True):
        assert weights_N.tolist() == initial_weights(trial).tolist()
        expected = Shallow().initial_weights(3, 1, 1, stream(trial.id, "initial weights"))
        assert weights_N.tolist() == expected.tolist()
    assert len({tuple(row) for row in weights_TN.tolist()}) == 4


def test_a_stack_of_another_dtype_is_rounded():
    trials = list(Experiment("?", (Shallow(),), (3,), target=(Sine(),), learning_rates=(0.1,), seeds=2).trials())
    exact_TN, rounded_TN = (initial_weights_of(trials, dtype) for dtype in (torch.float64, torch.float32))
    assert torch.equal(exact_TN.float(), rounded_TN)
