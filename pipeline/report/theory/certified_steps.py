"""Steps of gradient descent on networks that are proved to lower the loss, from what is recorded at some of them.

A step of the rate r from weights w with the gradient g lowers the loss if ``r (lambda + M R / 3) / 2 < 1``, with lambda
the largest eigenvalue of the Hessian at w, M its Lipschitz constant within ``R = r |g|``, the length of the step:
``L(w - r g) <= L - r |g|^2 + r^2 |g|^2 (lambda / 2 + M R / 6)``. On the way the loss stays below L, which M rests on.

Of n steps between two records only the first gradient is known. As long as the way that they make, all their lengths
together, is at most R with ``q = r (lambda + M R) / 2 < 1``, each of them lowers the loss, and the way is at most

- ``r |g| ((1 + r nu)^n - 1) / (r nu)``, where ``-nu = -sqrt(2 L) F2`` is below the least eigenvalue of the Hessian: the
  gradient grows by at most ``1 + r nu`` in a step, as ``r lambda < 2``;
- ``sqrt(n r L / (1 - q))``, by Cauchy and Schwarz: the steps lower the loss by ``(1 - q) r |g|^2`` at least, in all by
  no more than L.

So R is enough if one of these is at most R: by induction no step is the first to go further. Behind the steps lambda
is at most ``lambda + M R``, until it is recorded again, and the output weights are longer by at most R.

Letters in formulas as in ``hessian_bounds``.

Shape letters: I intervals between two records.

Source: Nesterov, Lectures on Convex Optimization (2018), lemma 1.2.4, for a step of known length.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.models.hessian_bounds import OutputDerivatives

WIDENED = 1.05
"""Factor by which a radius that is not enough exceeds the way that it leaves room for, in the next attempt."""
MOST_ATTEMPTS = 60


class Proof(IntEnum):
    """Whether the steps of an interval are proved to lower the loss, and why not."""

    PROVED = 0
    RATE = 1
    """The rate is too large for the bound, of one step too."""
    FAR_APART = 2
    """One step is proved, but there are more until the next record."""
    UNKNOWN = 3
    """No sharpness is known, here or from before."""


class Trajectories(NamedTuple):
    """What is recorded of trials of one shape, NaN where nothing is."""

    rates_T: Tensor
    steps_H: Tensor
    losses_TH: Tensor
    gradients_TH: Tensor
    """Norms of the gradient."""
    sharpness_TH: Tensor
    """Largest eigenvalue of the Hessian."""
    output_weights_T: Tensor
    """V at step 0."""


class Known(NamedTuple):
    """Upper bounds on what a network is at a step; NaN where nothing is known."""

    eigenvalues_T: Tensor
    """lambda"""
    roots_T: Tensor
    """J"""
    largest_T: Tensor
    """V"""


def certified(derivatives: OutputDerivatives, recorded: Trajectories, margin: float) -> Tensor:
    """Which intervals between two records are proved to have steps that lower the loss only.

    Args:
        derivatives: Bounds for the points and the activation.
        recorded: At the recorded steps, 0 among them.
        margin: Relative, of ``r lambda / 2``, for what rounding does to a step.

    Returns:
        Values of ``Proof``, shape ``[T, I]``.
    """
    nothing_T = torch.full_like(recorded.rates_T, torch.nan)
    known, proofs = Known(nothing_T, nothing_T, recorded.output_weights_T), []
    for index, steps in enumerate(recorded.steps_H.diff().tolist()):
        loss_T, gradient_T = recorded.losses_TH[:, index], recorded.gradients_TH[:, index]
        known = _with_recorded(derivatives, known, recorded.sharpness_TH[:, index], loss_T)
        interval = Interval(derivatives, recorded.rates_T, loss_T, gradient_T, known, margin)
        proof_T, known = interval.prove(steps)
        proofs.append(proof_T)
    return torch.stack(proofs, dim=1)


def _with_recorded(derivatives: OutputDerivatives, known: Known, sharpness_T: Tensor, loss_T: Tensor) -> Known:
    """The lesser of two upper bounds: what is known from before, and what is recorded."""
    eigenvalues_T = torch.fmin(known.eigenvalues_T, sharpness_T)
    apart_T = (2 * loss_T).sqrt() * derivatives.second_derivative(known.largest_T)
    roots_T = torch.fmin(known.roots_T, (eigenvalues_T + apart_T).clamp(min=0).sqrt())
    return Known(eigenvalues_T, roots_T, known.largest_T)


class Interval(NamedTuple):
    """The steps between two records, of which the first begins where loss, gradient and bounds are known."""

    derivatives: OutputDerivatives
    rates_T: Tensor
    loss_T: Tensor
    gradient_T: Tensor
    known: Known
    margin: float

    def prove(self, steps: int) -> tuple[Tensor, Known]:
        """Prove the steps of the interval.

        Args:
            steps: How many there are.

        Returns:
            Values of ``Proof``, and what is known behind them.
        """
        length_T = self.rates_T * self.gradient_T
        index_T = self.rates_T * (self.known.eigenvalues_T + self._change(length_T) * length_T / 3) / 2
        one_T = index_T < 1 - self.margin
        if steps == 1:
            radius_T, proved_T, way_T = length_T, one_T, length_T
        else:
            radius_T, proved_T = self._radius(steps, length_T)
            way_T = torch.where(proved_T, radius_T, torch.nan)
        why_T = torch.where(one_T, Proof.FAR_APART, Proof.RATE)
        why_T = torch.where(index_T.isnan(), Proof.UNKNOWN, why_T)
        proof_T = torch.where(proved_T, Proof.PROVED, why_T)
        # That loss and Hessian stay within their bounds is known of steps that are proved, the way of a single one too.
        eigenvalues_T = torch.where(proved_T, self.known.eigenvalues_T + self._change(radius_T) * radius_T, torch.nan)
        largest_T = self.known.largest_T + way_T
        roots_T = self.known.roots_T + self.derivatives.second_derivative(largest_T) * way_T
        return proof_T, Known(eigenvalues_T, roots_T, largest_T)

    def _change(self, radius_T: Tensor) -> Tensor:
        """M within a radius."""
        largest_T = self.known.largest_T + radius_T
        roots_T = self.known.roots_T + self.derivatives.second_derivative(largest_T) * radius_T
        return self.derivatives.hessian_change(self.loss_T, roots_T, largest_T)

    def _radius(self, steps: int, length_T: Tensor) -> tuple[Tensor, Tensor]:
        """A radius that n steps do not leave, and whether there is one."""
        radius_T, proved_T = WIDENED * length_T, torch.zeros_like(length_T, dtype=torch.bool)
        for _ in range(MOST_ATTEMPTS):
            way_T = self._way(steps, length_T, radius_T)
            proved_T = (way_T <= radius_T) & way_T.isfinite()
            open_T = ~proved_T & way_T.isfinite()
            if not open_T.any():
                break
            radius_T = torch.where(open_T, WIDENED * way_T, radius_T)
        return radius_T, proved_T

    def _way(self, steps: int, length_T: Tensor, radius_T: Tensor) -> Tensor:
        """Length of the way of n steps at most if they stay within a radius; infinite if they need not descend."""
        q_T = self.rates_T * (self.known.eigenvalues_T + self._change(radius_T) * radius_T).clamp(min=0) / 2
        second_T = self.derivatives.second_derivative(self.known.largest_T + radius_T)
        growth_T = self.rates_T * (2 * self.loss_T).sqrt() * second_T
        by_gradient_T = length_T * torch.expm1(steps * torch.log1p(growth_T)) / growth_T
        by_gradient_T = torch.where(growth_T > 0, by_gradient_T, steps * length_T)
        by_loss_T = (steps * self.rates_T * self.loss_T / (1 - q_T)).sqrt()
        way_T = torch.fmin(by_gradient_T, by_loss_T)
        return torch.where(q_T < 1 - self.margin, way_T, torch.inf)
