"""Every step that is proved to lower the loss does, whatever was recorded; and the proof reaches as far as it says."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.models.activations import ACTIVATIONS, Activation
from pipeline.models.curvature import curvature
from pipeline.models.hessian_bounds import OutputDerivatives, largest_output_weights, output_derivatives
from pipeline.models.shallow import Shallow
from pipeline.problems.losses import HalfMeanSquare
from pipeline.report.theory.certified_steps import Interval, Known, Proof, Trajectories, certified

STEPS, WIDTH, MARGIN = 200, 8, 5e-4
TIMES_LIMIT = (0.05, 0.2, 0.5, 0.9, 1.2, 1.6, 2.5)
SMOOTH = [kind() for kind in ACTIVATIONS.values() if kind.derivative_bounds is not None]
SPARSE = tuple(sorted({0, STEPS, *np.geomspace(1, STEPS, 25).round().astype(int).tolist()}))
EVERY = tuple(range(STEPS + 1))


class Descent(NamedTuple):
    """Networks of several rates from the same weights, looked at at every step."""

    derivatives: OutputDerivatives
    rates_T: Tensor
    losses_TH: Tensor
    gradients_TH: Tensor
    sharpness_TH: Tensor
    ways_TH: Tensor
    """Length of each step."""
    output_weights_TH: Tensor

    def seen(self, steps: tuple[int, ...], *, ends: bool = False) -> Trajectories:
        """What is recorded at some steps, of the sharpness perhaps at the first and the last alone."""
        at = list(steps)
        sharpness_TH = self.sharpness_TH[:, at].clone()
        if ends:
            sharpness_TH[:, 1:-1] = math.nan
        recorded = self.losses_TH[:, at], self.gradients_TH[:, at], sharpness_TH
        return Trajectories(self.rates_T, torch.tensor(at), *recorded, self.output_weights_TH[:, 0])

    def falls(self) -> Tensor:
        """Whether each step lowers the loss, or leaves it where rounding is all that is left."""
        return self.losses_TH.diff() <= 1e-12 * self.losses_TH[:, :-1]


@pytest.fixture(scope="module", params=SMOOTH, ids=Activation.label)
def descent(request: pytest.FixtureRequest) -> Descent:
    """On a cubic, by closed-form derivatives that other tests hold against autograd."""
    model, loss = Shallow(request.param), HalfMeanSquare()
    inputs_PD = torch.linspace(-1, 1, 16, dtype=torch.float64)[:, None]
    targets_KP, prepared_AP = (3 * inputs_PD**3 - inputs_PD).mT, model.prepare(inputs_PD, WIDTH)
    start_N = torch.from_numpy(model.initial_weights(WIDTH, 1, 1, np.random.default_rng(5)))
    weights_TN = start_N.repeat(len(TIMES_LIMIT), 1)
    found: list[tuple[Tensor, ...]] = []
    rates_T = torch.empty(0)
    for _ in range(STEPS + 1):
        curved = curvature(model, loss, weights_TN, prepared_AP, targets_KP, WIDTH)
        gradient_TN = (curved.jacobian() * curved.error_TKP[:, None]).sum(dim=(2, 3))
        sharpness_T = torch.linalg.eigvalsh(curved.hessian().nan_to_num())[:, -1]
        if not found:
            rates_T = torch.tensor(TIMES_LIMIT, dtype=torch.float64) * 2 / sharpness_T
        step_TN = rates_T[:, None] * gradient_TN
        output_T = largest_output_weights(model.layers(weights_TN, WIDTH, 1)[1])
        losses_T = loss(curved.outputs_TKP, targets_KP)
        found.append((losses_T, gradient_TN.norm(dim=1), sharpness_T, step_TN.norm(dim=1), output_T))
        weights_TN = weights_TN - step_TN
    assert request.param.derivative_bounds is not None
    derivatives = output_derivatives(request.param.derivative_bounds, inputs_PD)
    return Descent(derivatives, rates_T, *(torch.stack(values, dim=1) for values in zip(*found, strict=True)))


@pytest.mark.parametrize(("steps", "ends"), [(EVERY, False), (EVERY, True), (SPARSE, False), (SPARSE, True)])
def test_every_step_that_is_proved_to_lower_the_loss_does(descent: Descent, steps: tuple[int, ...], ends: bool) -> None:
    falls_TI = descent.falls()
    assert not falls_TI[-2:].all(), "far above the limit some steps raise the loss"
    proofs_TI = certified(descent.derivatives, descent.seen(steps, ends=ends), MARGIN)
    for trial, proofs in enumerate(proofs_TI.tolist()):
        for first, last, proof in zip(steps, steps[1:], proofs, strict=False):
            assert proof != Proof.PROVED or falls_TI[trial, first:last].all()
    assert (proofs_TI[:2, 0] == Proof.PROVED).all(), "something is proved of small rates"
    assert (proofs_TI[-2:, 0] != Proof.PROVED).all(), "and the first step of none above the limit"


def test_a_small_rate_is_proved_at_every_step_and_the_more_is_recorded_the_more_is_proved(descent: Descent) -> None:
    def share(steps: tuple[int, ...], *, ends: bool = False) -> Tensor:
        proved_TI = certified(descent.derivatives, descent.seen(steps, ends=ends), MARGIN) == Proof.PROVED
        return (proved_TI * torch.tensor(steps).diff()).sum(dim=1) / STEPS

    every, sparse, ends = share(EVERY), share(SPARSE), share(SPARSE, ends=True)
    assert every[0] == 1.0
    assert (every >= sparse).all()
    assert (sparse >= ends).all()
    assert 0 < ends[0] <= sparse[0]


def test_the_reason_is_what_is_missing(descent: Descent) -> None:
    proofs_TI = certified(descent.derivatives, descent.seen((0, 1, STEPS)), MARGIN)
    assert proofs_TI[0].tolist() == [Proof.PROVED, Proof.FAR_APART] or (proofs_TI[0] == Proof.PROVED).all()
    assert proofs_TI[-1, 0] == Proof.RATE
    unseen = descent.seen(EVERY)._replace(sharpness_TH=torch.full((len(TIMES_LIMIT), STEPS + 1), math.nan))
    assert (certified(descent.derivatives, unseen, MARGIN) == Proof.UNKNOWN).all()


def test_a_rate_within_the_margin_of_the_limit_is_not_proved() -> None:
    """Without third derivatives and with tiny gradients the bound is the sharpness alone."""
    flat = output_derivatives(ACTIVATIONS["identity"].derivative_bounds, torch.zeros(4, 1))  # type: ignore[arg-type]
    one_TH, tiny_TH = torch.ones(3, 2, dtype=torch.float64), torch.full((3, 2), 1e-12, dtype=torch.float64)
    rates_T = torch.tensor([2 - 1.1e-3, 2 - 0.9e-3, 2 + 1e-3], dtype=torch.float64)
    found = Trajectories(rates_T, torch.tensor([0, 1]), one_TH, tiny_TH, one_TH, one_TH[:, 0])
    assert certified(flat, found, MARGIN)[:, 0].tolist() == [Proof.PROVED, Proof.RATE, Proof.RATE]


def test_a_longer_step_needs_more_room_and_a_third_of_the_change_counts() -> None:
    """One output weight, inputs 0 behind a one: ``F2 = 1``, ``F3 = 0``, J at most ``sqrt(lambda + sqrt(2 L))``.

    With lambda = 1, L = 1/2 and R = r |g| the root is ``sqrt 2 + R``, so that the step is proved up to
    ``r (1 + (sqrt 2 + R) R) / 2 = 1``.
    """
    flat = output_derivatives(ACTIVATIONS["identity"].derivative_bounds, torch.zeros(4, 1))  # type: ignore[arg-type]
    rate, half = 1.0, math.sqrt(2) / 2
    longest = math.sqrt(half**2 + (2 / rate - 1)) - half
    lengths_T = torch.tensor([0.999 * longest, 1.001 * longest], dtype=torch.float64)
    ones_TH = torch.ones(2, 2, dtype=torch.float64)
    recorded = (0.5 * ones_TH, lengths_T[:, None].expand(2, 2), ones_TH)
    found = Trajectories(rate * ones_TH[:, 0], torch.tensor([0, 1]), *recorded, ones_TH[:, 0])
    assert certified(flat, found, 0.0)[:, 0].tolist() == [Proof.PROVED, Proof.RATE]


def judged(steps: tuple[int, ...], sharpness: tuple[float, ...], loss: float = 0.5) -> list[int]:
    """Of inputs 0 and identities, where ``F2 = 1`` and ``F3 = 0``, at the rate 1/10, steps of the length 1/100.

    The limit of the sharpness is 20, and ``M = 3 (sqrt(lambda + 1) + R)``, about 13.7 close to it.
    """
    flat = output_derivatives(ACTIVATIONS["identity"].derivative_bounds, torch.zeros(4, 1))  # type: ignore[arg-type]
    ones_TH = torch.ones(1, len(steps), dtype=torch.float64)
    recorded = (loss * ones_TH, 0.1 * ones_TH, torch.tensor([sharpness], dtype=torch.float64))
    found = Trajectories(0.1 * ones_TH[:, 0], torch.tensor(steps), *recorded, ones_TH[:, 0])
    return certified(flat, found, 0.0)[0].tolist()


def test_the_way_of_four_steps_is_that_of_a_gradient_that_grows() -> None:
    """By ``r nu = 0.1`` each: 0.01 (1 + 1.1 + 1.21 + 1.331) = 0.0464, which is 0.64 of sharpness, and 0.05 of one."""
    assert judged((0, 4), (19.0, math.nan)) == [Proof.PROVED]
    assert judged((0, 4), (19.5, math.nan)) == [Proof.FAR_APART]
    assert judged((0, 1), (19.9, math.nan)) == [Proof.PROVED]


def test_the_way_of_many_steps_is_bounded_by_the_loss_that_they_lower() -> None:
    """Of 10,000 steps it is at most ``sqrt(0.05 / (1 - q))``: 0.4 at the sharpness 9, and too far at 12."""
    assert judged((0, 10_000), (9.0, math.nan), loss=5e-5) == [Proof.PROVED]
    assert judged((0, 10_000), (12.0, math.nan), loss=5e-5) == [Proof.FAR_APART]
    assert judged((0, 10_000), (9.0, math.nan)) == [Proof.FAR_APART]


def test_a_sharpness_that_is_not_recorded_again_is_known_the_less_the_further() -> None:
    """Each step of the length 0.01 adds 0.137: 19.8, 19.94, 20.07."""
    seen_once = (19.8, math.nan, math.nan, math.nan)
    assert judged((0, 1, 2, 3), seen_once) == [Proof.PROVED, Proof.PROVED, Proof.RATE]
    assert judged((0, 1, 2, 3), (19.8, 19.8, 19.8, 19.8)) == [Proof.PROVED] * 3


def test_behind_a_step_that_is_not_proved_its_length_is_known_and_the_hessian_is_not() -> None:
    curved = output_derivatives(ACTIVATIONS["tanh"].derivative_bounds, torch.zeros(4, 1))  # type: ignore[arg-type]
    one_T = torch.ones(1, dtype=torch.float64)
    known = Known(torch.tensor([3.0]).double(), 2 * one_T, one_T)
    for sharp, steps in ((9.0, 1), (0.5, 1), (9.0, 7)):
        interval = Interval(curved, 0.3 * one_T, one_T, one_T, known._replace(eigenvalues_T=sharp * one_T), 0.0)
        proof_T, after = interval.prove(steps)
        assert (proof_T == Proof.PROVED).item() == (sharp == 0.5)
        assert after.eigenvalues_T.isnan().item() == (sharp == 9.0)
        if steps == 1:
            assert after.largest_T.item() == pytest.approx(1.3)
            longer = 2 + 0.3 * curved.second_derivative(torch.tensor([1.3]).double())
            assert after.roots_T.item() == pytest.approx(longer.item())
        else:
            assert after.largest_T.isnan()
            assert after.roots_T.isnan()
