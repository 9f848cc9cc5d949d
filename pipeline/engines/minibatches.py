"""Minibatches: for each trial a random permutation of the points in every epoch, drawn from the trial's own id.

Shape letters: B points of a minibatch.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pipeline.numerics.randomness import stream


class Minibatches:
    """Batches of a fixed size without replacement: every point at most once an epoch, a remainder below B left out.

    The batch of a step depends on the trial's id and the step alone, so that nothing needs to be remembered across an
    interruption. Several processes may take a ``part`` of each batch; the batch stays what it is.

    Args:
        prepared_AP: Prepared inputs of all points, shape ``[A, P]``.
        targets_KP: Targets, shape ``[K, P]``.
        batch_size: B.
        part: Which places of each batch are taken.
    """

    def __init__(self, prepared_AP: Tensor, targets_KP: Tensor, batch_size: int, part: slice = slice(None)) -> None:
        self.prepared_PA, self.targets_PK = prepared_AP.mT.contiguous(), targets_KP.mT.contiguous()
        self.batch_size, self.part = batch_size, part
        self.per_epoch = len(self.prepared_PA) // batch_size
        self._drawn: tuple[tuple[str, ...], int] | None = None
        self._permutation_TP = torch.empty(0)

    def at(self, trial_ids: tuple[str, ...], step: int) -> tuple[Tensor, Tensor]:
        """The batch of each trial in the update after ``step``.

        Args:
            trial_ids: T ids.
            step: Updates made before.

        Returns:
            Prepared inputs, shape ``[T, A, B]``, and targets, shape ``[T, K, B]``.
        """
        epoch, batch = divmod(step, self.per_epoch)
        if self._drawn != (trial_ids, epoch):
            self._permutation_TP = self.permutations(trial_ids, epoch)
            self._drawn = (trial_ids, epoch)
        rows_TB = self._permutation_TP[:, batch * self.batch_size : (batch + 1) * self.batch_size][:, self.part]
        return self.prepared_PA[rows_TB].mT, self.targets_PK[rows_TB].mT

    def permutations(self, trial_ids: tuple[str, ...], epoch: int) -> Tensor:
        """The permutation of all points in an epoch of each trial.

        Args:
            trial_ids: T ids.
            epoch: From 0.

        Returns:
            Numbers of points, shape ``[T, P]``, int64.
        """
        num_points = len(self.prepared_PA)
        drawn = [stream(*permutation_stream_name(trial_id, epoch)).permutation(num_points) for trial_id in trial_ids]
        return torch.from_numpy(np.stack(drawn)).to(self.prepared_PA.device)


def permutation_stream_name(trial_id: str, epoch: int) -> tuple[str | int, ...]:
    """The name of the random stream that the permutation of one epoch of one trial is drawn from."""
    return trial_id, "minibatches", epoch
