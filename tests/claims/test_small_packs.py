"""The snapshot of a small pack is what training would show of these weights."""

import torch

from pipeline.claims.small_packs import NUM_TRIALS, small_snapshot
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow


def test_gradient_is_zero_where_the_least_squares_solution_is() -> None:
    """Half the mean square of a linear model: X^T (X w - y) / P, by the textbook."""
    snapshot = small_snapshot(Linear())
    features_PW, targets_PK = snapshot.context.prepared_AP.mT, snapshot.context.dataset.train_targets_PK
    weights_TKW = snapshot.weights_TN.view(NUM_TRIALS, targets_PK.shape[1], -1)
    residual_TPK = features_PW @ weights_TKW.mT - targets_PK
    expected = (features_PW.mT @ residual_TPK / len(targets_PK)).mT.reshape(NUM_TRIALS, -1)
    torch.testing.assert_close(snapshot.gradient_TN, expected)
    torch.testing.assert_close(snapshot.losses_T, residual_TPK.square().sum(dim=(1, 2)) / (2 * len(targets_PK)))


def test_weights_that_are_given_are_shown_in_the_dtype_of_the_training() -> None:
    snapshot = small_snapshot(Shallow(), weights=torch.ones(2, 33).double(), dtype=torch.float32)
    assert torch.equal(snapshot.weights_TN, torch.ones(2, 33))
