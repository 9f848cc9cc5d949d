"""Rates of convergence: how fast errors fall with the width, with an interval, and what that says of a bound.

The model is ``e^2 = C^2 m^(-2 r) exp(2 c / m) + floor^2`` for the median error over seeds: a power law with its
first correction, since errors of approximation only come near a power. Where it begins to hold is found in
``rate_windows.py``. The interval comes from a bootstrap over seeds and windows: seeds are drawn anew at each width,
since trials share no random numbers with those of another width, and every replicate chooses its own window. Rates
follow the redrawn medians to first order. It is wider by a part of what the correction moves the rate by beyond
noise, for the corrections that come after it.

Errors without chance, such as those of a fixed basis, have no noise but what the power law misses of them, and an end
of the interval is where the correction, which the widths may be too small to tell, is left out.

The interval of 90 % holds the true rate in 85 to 95 % of curves, of noisy power laws with a correction and without
one, and of the exact best errors of the shipped targets by the shipped bases (tests).

Errors that fall exponentially have no rate, but a decay. What neither model can be fitted to, or what leaves the rate
open by more than ``WIDEST``, is refused: a result with the reason, not an error.

Shape letters: B bootstrap replicates, C curves, R repetitions by seed, V windows by their first width, W widths.

Source: Efron, "Bootstrap methods: another look at the jackknife" (1979), for the bootstrap.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import PipelineError
from pipeline.numerics.exponential_decay import exponential_decay
from pipeline.numerics.randomness import stream
from pipeline.numerics.rate_windows import (
    LEAST_POINTS,
    Windows,
    fit_windows,
    longest_agreeing,
)

REPLICATES = 400
"""Bootstrap replicates of each curve."""
WIDEST = 3.0
"""Width of an interval above which it says nothing: rates of theory lie between 1/2 and 4."""
HIGHER_CORRECTIONS = 0.25
"""Effect of later corrections on a rate, as a fraction of that of the first: (1 + 2/m) has a fifth."""
NEAR = 0.02
"""Fraction of a bound by which a rate may fall short of it and is called consistent all the same."""
CHANCE = 0.05
"""Significance level at which noise alone may pass for a misfit of the power law."""


class Verdict(Enum):
    """Verdict on a bound of theory, from a measured rate; that a rate is steeper is no contradiction."""

    CONSISTENT = "consistent"
    STEEPER = "steeper than the bound"
    SHALLOWER = "shallower: check optimiser, floor, window"
    EXPONENTIAL = "exponential: faster than any power"
    CANNOT_SAY = "cannot say"


@dataclass(frozen=True)
class Rate:
    """Rate of convergence of one curve; NaN, with the reason, where none can be given."""

    rate: float
    """r of ``m^-r``, above 0 where errors fall; of the errors that were given, not of their squares."""
    low: float
    """Lower end of the interval."""
    high: float
    """Upper end of the interval."""
    constant: float
    """C of ``C m^-r``, in units of the errors."""
    floor: float
    """The known floor, or the fitted one, which is next to 0 where there is none."""
    first_width: float
    """First width of the window that was fitted."""
    last_width: float
    """Last width of the window that was fitted; widths at a fitted floor belong to it."""
    local_slopes: tuple[float, ...]
    """Rate from each width to the next, ``log2(e(m) / e(2 m))`` for doubled widths."""
    refused: str = ""
    """Why there is no rate."""
    decay: float = math.nan
    """gamma where the errors fall like ``exp(-gamma m)``, faster than any power; NaN where they do not."""

    @property
    def decays(self) -> bool:
        """Whether the errors fall exponentially, so that there is no rate."""
        return not math.isnan(self.decay)


def fit_rate(
    widths: Sequence[float],
    errors_RW: Tensor,
    floor: float | None = None,
    confidence: float = 0.9,
    *,
    exact: bool = False,
    corrected: bool = True,
) -> Rate:
    """Rate of convergence of one curve, with a confidence interval: ``fit_rates`` of a single curve.

    Args:
        widths: Widths m, increasing, above 0.
        errors_RW: Errors, not squared; NaN or infinite where a trial diverged.
        floor: What errors cannot fall below; 0 for none. ``None``: fit one.
        confidence: Probability that the interval holds the true rate, between 0 and 1.
        exact: Whether the errors are without chance.
        corrected: Whether the model has a correction ``exp(c / m)``.

    Returns:
        The rate, or why there is none.

    Raises:
        PipelineError: If the widths do not increase or are not as many as the errors, or a number is impossible.
    """
    return fit_rates(widths, errors_RW[None], floor, confidence, exact=exact, corrected=corrected)[0]


def fit_rates(
    widths: Sequence[float],
    errors_CRW: Tensor,
    floor: float | None = None,
    confidence: float = 0.9,
    *,
    exact: bool = False,
    corrected: bool = True,
) -> list[Rate]:
    """Rate of convergence of each curve, with a confidence interval for the true rate.

    A trial that diverged counts as an infinite error; a width whose median is not finite, or
    0, is left out. With one seed nothing but the scatter about the power law tells the noise, and
    the interval is Student's.

    Args:
        widths: Widths m, increasing, above 0.
        errors_CRW: Errors, not squared; NaN or infinite where a trial diverged.
        floor: What errors cannot fall below, such as that of a quadrature; 0 for none. ``None``: fit one.
        confidence: Probability that the interval holds the true rate, between 0 and 1.
        exact: Whether the errors are without chance, so that what a power law misses of them is no noise.
        corrected: Whether the model has a correction ``exp(c / m)``; without one the interval is narrower, and right
            only where the widths are known to be large enough.

    Returns:
        One rate for each curve, in their order.

    Raises:
        PipelineError: If the widths do not increase or are not as many as the errors, or a number is impossible.
    """
    _check(widths, errors_CRW, floor, confidence)
    log_widths_W = torch.tensor(widths, dtype=torch.float64).log()
    log_errors_CRW = torch.where(errors_CRW.isfinite(), errors_CRW.double(), torch.inf).log()
    median_CW = _median(log_errors_CRW)
    windows = (fit_windows(log_widths_W, median_CW, floor, corrected=first) for first in (corrected, False))
    full, plain = (_Fit.of(fitted, log_errors_CRW, confidence, exact=exact) for fitted in windows)
    low_C, high_C = _interval(full, plain, exact=exact)
    simple_C = (low_C <= plain.rate_C) & (plain.rate_C <= high_C)
    slopes_CW = -median_CW.diff(dim=1) / log_widths_W.diff()
    decay_C = exponential_decay(log_widths_W.exp(), median_CW, plain.windows.above_CW)
    refusals = [_refusal(widths, full.windows, curve, low_C, high_C) for curve in range(len(median_CW))]
    rates = [
        Rate(
            **(plain if simple_C[curve] else full).of_curve(curve, widths, floor),
            low=float(low_C[curve]),
            high=float(high_C[curve]),
            last_width=_last_width(widths, plain.windows.used_CW[curve]),
            local_slopes=tuple(slopes_CW[curve].tolist()),
            refused=refused,
        )
        for curve, refused in enumerate(refusals)
    ]
    curves = zip(rates, decay_C.tolist(), median_CW, strict=True)
    return [_classified(rate, gamma, widths, median_W) for rate, gamma, median_W in curves]


def _classified(rate: Rate, gamma: float, widths: Sequence[float], median_W: Tensor) -> Rate:
    """The rate, or that of an exponential where gamma is known, or of a curve that nothing could be fitted to."""
    if not math.isnan(gamma):
        return _decaying(rate, gamma, widths, median_W)
    return _without_numbers(rate) if rate.refused else rate


def _without_numbers(rate: Rate) -> Rate:
    """A rate with no numbers but its slopes, of a curve that nothing could be fitted to."""
    return dataclasses.replace(
        rate, rate=math.nan, low=math.nan, high=math.nan, constant=math.nan, floor=math.nan, first_width=math.nan
    )


def _decaying(rate: Rate, gamma: float, widths: Sequence[float], median_W: Tensor) -> Rate:
    """A rate of a curve that falls exponentially: no refusal, and all its widths count."""
    known = [float(width) for width, error in zip(widths, median_W.tolist(), strict=True) if math.isfinite(error)]
    return dataclasses.replace(
        _without_numbers(rate), refused="", decay=gamma, first_width=known[0], last_width=known[-1]
    )


@dataclass(frozen=True)
class _Fit:
    """One model fitted to all curves: its windows, the one chosen of each curve, and the interval of its rate."""

    windows: Windows
    variance_CV: Tensor
    """Variance of the rate of each window."""
    chosen_C: Tensor
    low_C: Tensor
    high_C: Tensor
    misfit_C: Tensor
    """Whether even the shortest window is off the power law by more than the noise of the seeds."""

    @staticmethod
    def of(windows: Windows, log_errors_CRW: Tensor, confidence: float, *, exact: bool) -> _Fit:
        deviations_CBW, noise_C, misfit_C = _replicates(log_errors_CRW, windows, exact=exact)
        variance_CV = (noise_C[:, None, None] * windows.influence_CVW).square().sum(dim=2)
        chosen_C = longest_agreeing(windows.rate_CV, variance_CV, windows.valid_CV)
        rates_CBV = windows.rate_CV[:, None] + deviations_CBW @ windows.influence_CVW.mT
        choice_CB = longest_agreeing(rates_CBV, variance_CV[:, None], windows.valid_CV[:, None])
        rates_CB = rates_CBV.gather(2, choice_CB[..., None])[..., 0]
        tail = (1 - confidence) / 2
        low_C, high_C = (torch.quantile(rates_CB, level, dim=1) for level in (tail, 1 - tail))
        return _Fit(windows, variance_CV, chosen_C, low_C, high_C, misfit_C)

    @property
    def rate_C(self) -> Tensor:
        return self.windows.rate_CV.gather(1, self.chosen_C[:, None])[:, 0]

    def of_curve(self, curve: int, widths: Sequence[float], floor: float | None) -> dict[str, float]:
        """Numbers of the chosen window of one curve, by the names of ``Rate``."""
        windows, chosen = self.windows, int(self.chosen_C[curve])
        return {
            "rate": float(windows.rate_CV[curve, chosen]),
            "constant": float(windows.log_constant_CV[curve, chosen].exp()),
            "floor": float(windows.log_floor_CV[curve, chosen].exp()) if floor is None else floor,
            "first_width": float(widths[chosen]) if windows.valid_CV[curve].any() else math.nan,
        }


def _interval(full: _Fit, plain: _Fit, *, exact: bool) -> tuple[Tensor, Tensor]:
    """Ends of the interval, ``[C]``: widened for later corrections, and over both models where the power law is off."""
    higher_C = torch.zeros_like(full.low_C) if exact else _higher_corrections(full, plain)
    low_C, high_C = full.low_C - higher_C, full.high_C + higher_C
    either_C = full.misfit_C | exact
    low_C = torch.where(either_C, torch.minimum(low_C, plain.low_C), low_C)
    return low_C, torch.where(either_C, torch.maximum(high_C, plain.high_C), high_C)


def _higher_corrections(full: _Fit, plain: _Fit) -> Tensor:
    """Effect of higher corrections on the rates, ``[C]``: a fraction of how far the first moves them beyond noise."""
    place_C1 = full.chosen_C[:, None]
    moved_C1 = (full.windows.rate_CV - plain.windows.rate_CV).gather(1, place_C1).abs()
    noise_C1 = (full.variance_CV - plain.variance_CV).gather(1, place_C1).clamp(min=0).sqrt()
    return HIGHER_CORRECTIONS * (moved_C1 - 2 * noise_C1).clamp(min=0)[:, 0]


def verdict(measured: Rate, bound: float) -> Verdict:
    """Verdict on a bound ``error <= constant * m^-bound``, from a measured rate and its interval.

    Nothing that is within ``NEAR`` of the bound is called shallower: intervals of exact errors that miss the rate of
    theory miss it by less (a test, over the shipped targets and bases).

    Args:
        measured: The rate of the errors.
        bound: Rate of theory.

    Returns:
        One of five answers.
    """
    if measured.refused:
        return Verdict.CANNOT_SAY
    if measured.decays:
        return Verdict.EXPONENTIAL
    if measured.low > bound:
        return Verdict.STEEPER
    return Verdict.SHALLOWER if measured.high < (1 - NEAR) * bound else Verdict.CONSISTENT


def _median(values_RW: Tensor) -> Tensor:
    """Median over seeds, the last dimension but one; of an even number the mean of the middle two."""
    ordered_RW = values_RW.sort(dim=-2).values
    seeds = ordered_RW.shape[-2]
    return (ordered_RW[..., (seeds - 1) // 2, :] + ordered_RW[..., seeds // 2, :]) / 2


def _replicates(log_errors_CRW: Tensor, windows: Windows, *, exact: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Deviations of bootstrap medians from the median, with the noise of a median, and which curves are misfits.

    A curve that is off the power law in the shortest window by more than its seeds scatter, once in twenty by chance,
    is treated as one without seeds: what the power law misses is then what is not known.

    Returns:
        Deviations ``[C, B, W]``, standard deviations ``[C]`` of a median, and misfits ``[C]``, bool.
    """
    num_seeds, num_widths = log_errors_CRW.shape[1:]
    rng = stream("replicates of rates", num_seeds, num_widths)
    known_CRW = _diverged_as_worst(log_errors_CRW)
    last_C1 = windows.last_C[:, None]
    missed_C, freedom_C = (values_CV.gather(1, last_C1)[:, 0] for values_CV in (windows.noise_CV, windows.freedom_CV))
    of_misses_CBW = _student_deviations(missed_C, freedom_C, num_widths, rng)
    if num_seeds == 1 or exact:
        return of_misses_CBW, missed_C, torch.zeros_like(windows.last_C, dtype=torch.bool)
    used_C = windows.used_CW.sum(dim=1)
    if num_seeds == 2:  # two seeds redrawn give three medians; all widths together know the noise better
        square_CW = (known_CRW[:, 0] - known_CRW[:, 1]).square() / 4 * windows.used_CW
        noise_C = (square_CW.sum(dim=1) / used_C).sqrt()
        deviations_CBW = _student_deviations(noise_C, used_C, num_widths, rng)
    else:
        deviations_CBW = _bootstrap_deviations(known_CRW, rng)
        noise_C = ((deviations_CBW.square().mean(dim=1) * windows.used_CW).sum(dim=1) / used_C).sqrt()
    square_C = freedom_C * (missed_C / noise_C).square()
    misfit_C = torch.special.gammainc(freedom_C / 2, square_C / 2) > 1 - CHANCE
    deviations_CBW = torch.where(misfit_C[:, None, None], of_misses_CBW, deviations_CBW)
    return deviations_CBW, torch.where(misfit_C, missed_C, noise_C), misfit_C


def _bootstrap_deviations(values_CRW: Tensor, rng: np.random.Generator) -> Tensor:
    """Medians of seeds drawn anew at each width, less the median.

    The median of redrawn values is the value of the median of redrawn ranks. Redrawn medians
    scatter more than medians do, by an eighth for 3 to 10 normal numbers and by
    ``0.4 / sqrt(R)`` for more (simulated, to 0.03), and are drawn together by as much.

    Returns:
        Shape ``[C, B, W]``.
    """
    num_curves, num_seeds, num_widths = values_CRW.shape
    ordered_CRW = values_CRW.sort(dim=1).values
    ranks_BRW = torch.from_numpy(rng.integers(num_seeds, size=(REPLICATES, num_seeds, num_widths))).sort(dim=1).values
    middle_CBW = sum(
        ordered_CRW.gather(1, ranks_BRW[:, rank].expand(num_curves, -1, -1))
        for rank in ((num_seeds - 1) // 2, num_seeds // 2)
    )
    return (middle_CBW / 2 - _median(values_CRW)[:, None]) * (1 - 0.4 / math.sqrt(max(num_seeds, 10)))


def _student_deviations(noise_C: Tensor, freedom_C: Tensor, num_widths: int, rng: np.random.Generator) -> Tensor:
    """Student's t deviations ``[C, B, W]``: normal, in each replicate of a noise that may have given it."""
    freedom_C = freedom_C.nan_to_num(1.0).long().clamp(min=1)
    normal_BW = torch.from_numpy(rng.standard_normal((REPLICATES, num_widths)))
    squares_BW = torch.from_numpy(rng.standard_normal((REPLICATES, num_widths))).square().cumsum(dim=1)
    scale_CB = (freedom_C / squares_BW[:, freedom_C - 1]).mT.sqrt()
    return (noise_C[:, None] * scale_CB)[..., None] * normal_BW


def _diverged_as_worst(log_errors_CRW: Tensor) -> Tensor:
    """Errors that are not finite replaced by the largest finite one of their width; 0 if there is none."""
    finite_CRW = log_errors_CRW.isfinite()
    worst_C1W = torch.where(finite_CRW, log_errors_CRW, -torch.inf).amax(dim=1, keepdim=True)
    return torch.where(finite_CRW, log_errors_CRW, torch.where(worst_C1W.isfinite(), worst_C1W, 0.0))


def _last_width(widths: Sequence[float], used_W: Tensor) -> float:
    used = [width for width, is_used in zip(widths, used_W.tolist(), strict=True) if is_used]
    return float(used[-1]) if used else math.nan


def _refusal(widths: Sequence[float], windows: Windows, curve: int, low_C: Tensor, high_C: Tensor) -> str:
    if windows.valid_CV[curve].any():
        low, high = float(low_C[curve]), float(high_C[curve])
        return "" if high - low <= WIDEST else f"these widths leave a rate between {low:.1f} and {high:.1f}"
    above = [width for width, is_above in zip(widths, windows.above_CW[curve].tolist(), strict=True) if is_above]
    if len(above) < LEAST_POINTS:
        return f"{len(above)} of {len(widths)} widths have a finite error above the floor; a rate needs {LEAST_POINTS}"
    return f"the errors above the floor, of widths {above[0]:g} to {above[-1]:g}, span less than a decade"


def _check(widths: Sequence[float], errors_CRW: Tensor, floor: float | None, confidence: float) -> None:
    num_seeds, num_widths = errors_CRW.shape[1:]
    if len(widths) != num_widths:
        raise PipelineError(f"{len(widths)} widths for errors of {num_widths}", hint="give one width a column")
    if num_seeds < 1:
        raise PipelineError("there are no seeds", hint="give the errors of one at least")
    if not all(0 < left < right < math.inf for left, right in itertools.pairwise(widths)):
        raise PipelineError(f"widths {list(widths)} do not increase from above 0", hint="sort them, each once")
    if (errors_CRW < 0).any():
        raise PipelineError("an error is negative", hint="give errors, not their logarithms or differences")
    if floor is not None and not 0 <= floor < math.inf:
        raise PipelineError(f"floor {floor!r} is no error", hint="take a number from 0, or None to fit one")
    if not 0 < confidence < 1:
        raise PipelineError(f"confidence {confidence!r} is not between 0 and 1", hint="take a number like 0.9")
