"""The reference engine divides a stack into even chunks, and finds the step at which each trial diverges."""

import numpy as np
import torch

from pipeline.engines.reference.engine import first_out_of_bounds
from pipeline.models.shallow import Shallow
from pipeline.training.module import NEVER, PackModule


def test_chunks_are_even_and_cover_every_trial_once(pack):
    engine = PackModule(pack(models=(Shallow(),)), [40], engine="reference").engine
    for num_trials in (1, 2, 5, 4000, 5001):
        bounds = engine.bounds(num_trials)
        sizes = np.diff(bounds)
        assert bounds[0] == 0
        assert bounds[-1] == num_trials
        assert sizes.max() - sizes.min() <= 1
        assert sizes.max() * engine.elements_of_trial <= max(engine.most_elements, engine.elements_of_trial)


def test_first_loss_out_of_bounds_is_found():
    nan, inf = float("nan"), float("inf")
    history_HT = torch.tensor([[1.0, 1.0, 1.0, 1.0], [2.0, nan, 1.0, 9.0], [3.0, 1.0, inf, 1.0]])
    assert first_out_of_bounds(history_HT, torch.full((4,), 5.0), 10).tolist() == [NEVER, 11, 12, 11]


def test_no_trials_have_no_losses(pack):
    engine = PackModule(pack(models=(Shallow(),)), [40], engine="reference").engine
    losses_T, gradient_TN = engine.value_and_gradient(torch.empty(0, 19, dtype=torch.float64))
    assert (losses_T.shape, gradient_TN.shape) == ((0,), (0, 19))
