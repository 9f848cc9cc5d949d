"""How fast errors fall with the width, with an interval, and what that says of a bound.

The law is ``e^2 = C^2 m^(-2 r) + floor^2`` for the median error over seeds; where it begins
to hold is found in ``rate_windows.py``. The interval comes from a bootstrap over seeds and
windows: seeds are drawn anew at each width, since trials share no random numbers with those
of another width, and every replicate chooses its own window. Rates follow the redrawn
medians to first order.

The true rate is covered as often as the interval says where the errors follow the law from
some width on (a test). Errors that only come near it, by a share like 1/m at every width, are
covered less often once the noise is smaller than what is missing at the largest widths.

What a power law cannot be fitted to is refused: a result with the reason, not an error.

Shape letters as everywhere, and C for curves, S for seeds, W for widths, V for windows by
the width they begin at, B for replicates.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import PipelineError
from pipeline.numerics.randomness import stream
from pipeline.numerics.rate_windows import (
    LEAST_POINTS,
    Windows,
    fit_windows,
    longest_agreeing,
    remaining_drift,
)

REPLICATES = 400


class Verdict(Enum):
    """What a measured rate says of a bound; that a rate is steeper is no contradiction."""

    CONSISTENT = "consistent"
    STEEPER = "steeper than the bound"
    SHALLOWER = "shallower: check optimiser, floor, window"
    CANNOT_SAY = "cannot say"


@dataclass(frozen=True)
class Rate:
    """The rate of one curve; NaN, with the reason, where none can be given."""

    rate: float
    """r of ``m^-r``, above 0 where errors fall; of the errors that were given, not of their squares."""
    low: float
    high: float
    """Ends of the interval."""
    constant: float
    floor: float
    """The known floor, or the fitted one, which is next to 0 where there is none."""
    first_width: float
    last_width: float
    """Ends of the window that was fitted; widths at a fitted floor belong to it."""
    local_slopes: tuple[float, ...]
    """Rate from each width to the next, ``log2(e(m) / e(2 m))`` for doubled widths."""
    refused: str = ""
    """Why there is no rate."""


def fit_rate(widths: Sequence[float], errors_SW: Tensor, floor: float | None = None, confidence: float = 0.9) -> Rate:
    """The rate of one curve, as in ``fit_rates``."""
    return fit_rates(widths, errors_SW[None], floor, confidence)[0]


def fit_rates(
    widths: Sequence[float], errors_CSW: Tensor, floor: float | None = None, confidence: float = 0.9
) -> list[Rate]:
    """The rate of each curve, and an interval that holds the true one with the given confidence.

    A trial that diverged counts as an infinite error; a width whose median is not finite, or
    0, is left out. With one seed nothing but the scatter about the law tells the noise, and
    the interval is Student's.

    Args:
        widths: Increasing, above 0.
        errors_CSW: Errors, not squared; NaN or infinite where a trial diverged.
        floor: What errors cannot fall below, such as that of a quadrature; 0 for none. ``None``: fit one.
        confidence: Between 0 and 1.

    Raises:
        PipelineError: If the widths do not increase or are not as many as the errors, or a number is impossible.
    """
    _check(widths, errors_CSW, floor, confidence)
    log_widths_W = torch.tensor(widths, dtype=torch.float64).log()
    log_errors_CSW = torch.where(errors_CSW.isfinite(), errors_CSW.double(), torch.inf).log()
    median_CW = _median(log_errors_CSW)
    windows = fit_windows(log_widths_W, median_CW, floor)
    deviations_CBW, noise_C = _replicates(log_errors_CSW, windows)
    variance_CV = (noise_C[:, None, None] * windows.influence_CVW).square().sum(dim=2)
    chosen_C = longest_agreeing(windows.rate_CV, variance_CV, windows.valid_CV)
    rates_CBV = windows.rate_CV[:, None] + deviations_CBW @ windows.influence_CVW.mT
    choice_CB = longest_agreeing(rates_CBV, variance_CV[:, None], windows.valid_CV[:, None])
    rates_CB = rates_CBV.gather(2, choice_CB[..., None])[..., 0]
    tail = (1 - confidence) / 2
    drift_C = remaining_drift(windows, variance_CV, chosen_C)
    low_C = torch.quantile(rates_CB, tail, dim=1) + drift_C.clamp(max=0)
    high_C = torch.quantile(rates_CB, 1 - tail, dim=1) + drift_C.clamp(min=0)
    slopes_CW = -median_CW.diff(dim=1) / log_widths_W.diff()
    return [
        Rate(
            rate=float(windows.rate_CV[curve, chosen]),
            low=float(low_C[curve]),
            high=float(high_C[curve]),
            constant=float(windows.log_constant_CV[curve, chosen].exp()),
            floor=float(windows.log_floor_CV[curve, chosen].exp()) if floor is None else floor,
            first_width=float(widths[chosen]) if windows.valid_CV[curve].any() else math.nan,
            last_width=_last_width(widths, windows.used_CW[curve]),
            local_slopes=tuple(slopes_CW[curve].tolist()),
            refused=_why_refused(widths, windows, curve),
        )
        for curve, chosen in enumerate(chosen_C.tolist())
    ]


def verdict(measured: Rate, bound: float) -> Verdict:
    """Hold a measured rate against a bound ``error <= constant * m^-bound``."""
    if measured.refused:
        return Verdict.CANNOT_SAY
    if measured.low > bound:
        return Verdict.STEEPER
    return Verdict.SHALLOWER if measured.high < bound else Verdict.CONSISTENT


def _median(values_SW: Tensor) -> Tensor:
    """Median over seeds, the last dimension but one; of an even number the mean of the middle two."""
    ordered_SW = values_SW.sort(dim=-2).values
    seeds = ordered_SW.shape[-2]
    return (ordered_SW[..., (seeds - 1) // 2, :] + ordered_SW[..., seeds // 2, :]) / 2


def _replicates(log_errors_CSW: Tensor, windows: Windows) -> tuple[Tensor, Tensor]:
    """How far the medians of replicates are from the median, ``[C, B, W]``, and the noise of a median, ``[C]``."""
    num_seeds, num_widths = log_errors_CSW.shape[1:]
    rng = stream("replicates of rates", num_seeds, num_widths)
    known_CSW = _diverged_as_worst(log_errors_CSW)
    if num_seeds == 1:
        last_C1 = windows.last_C[:, None]
        noise_C, spare_C = (values_CV.gather(1, last_C1)[:, 0] for values_CV in (windows.noise_CV, windows.spare_CV))
        return _student(noise_C, spare_C, num_widths, rng), noise_C
    used_C = windows.used_CW.sum(dim=1)
    if num_seeds == 2:  # two seeds redrawn give three medians; all widths together know the noise better
        square_CW = (known_CSW[:, 0] - known_CSW[:, 1]).square() / 4 * windows.used_CW
        noise_C = (square_CW.sum(dim=1) / used_C).sqrt()
        return _student(noise_C, used_C, num_widths, rng), noise_C
    deviations_CBW = _redrawn(known_CSW, rng)
    square_CW = deviations_CBW.square().mean(dim=1) * windows.used_CW
    return deviations_CBW, (square_CW.sum(dim=1) / used_C).sqrt()


def _redrawn(values_CSW: Tensor, rng: np.random.Generator) -> Tensor:
    """Medians of seeds drawn anew at each width, less the median, ``[C, B, W]``.

    The median of redrawn values is the value of the median of redrawn ranks. Redrawn medians
    scatter more than medians do, by an eighth for 3 to 10 normal numbers and by
    ``0.4 / sqrt(S)`` for more (simulated, to 0.03), and are drawn together by as much.
    """
    num_curves, num_seeds, num_widths = values_CSW.shape
    ordered_CSW = values_CSW.sort(dim=1).values
    ranks_BSW = torch.from_numpy(rng.integers(num_seeds, size=(REPLICATES, num_seeds, num_widths))).sort(dim=1).values
    middle_CBW = sum(
        ordered_CSW.gather(1, ranks_BSW[:, rank].expand(num_curves, -1, -1))
        for rank in ((num_seeds - 1) // 2, num_seeds // 2)
    )
    return (middle_CBW / 2 - _median(values_CSW)[:, None]) * (1 - 0.4 / math.sqrt(max(num_seeds, 10)))


def _student(noise_C: Tensor, spare_C: Tensor, num_widths: int, rng: np.random.Generator) -> Tensor:
    """Normal deviations ``[C, B, W]``, each replicate with a noise that so many numbers may have come from."""
    spare_C = spare_C.nan_to_num(1.0).long().clamp(min=1)
    normal_BW = torch.from_numpy(rng.standard_normal((REPLICATES, num_widths)))
    squares_BW = torch.from_numpy(rng.standard_normal((REPLICATES, num_widths))).square().cumsum(dim=1)
    scale_CB = (spare_C / squares_BW[:, spare_C - 1]).mT.sqrt()
    return (noise_C[:, None] * scale_CB)[..., None] * normal_BW


def _diverged_as_worst(log_errors_CSW: Tensor) -> Tensor:
    """Errors that are not finite replaced by the largest finite one of their width; 0 if there is none."""
    finite_CSW = log_errors_CSW.isfinite()
    worst_C1W = torch.where(finite_CSW, log_errors_CSW, -torch.inf).amax(dim=1, keepdim=True)
    return torch.where(finite_CSW, log_errors_CSW, torch.where(worst_C1W.isfinite(), worst_C1W, 0.0))


def _last_width(widths: Sequence[float], used_W: Tensor) -> float:
    used = [width for width, is_used in zip(widths, used_W.tolist(), strict=True) if is_used]
    return float(used[-1]) if used else math.nan


def _why_refused(widths: Sequence[float], windows: Windows, curve: int) -> str:
    if windows.valid_CV[curve].any():
        return ""
    above = [width for width, is_above in zip(widths, windows.above_CW[curve].tolist(), strict=True) if is_above]
    if len(above) < LEAST_POINTS:
        return f"{len(above)} of {len(widths)} widths have a finite error above the floor; a rate needs {LEAST_POINTS}"
    return f"the errors above the floor, of widths {above[0]:g} to {above[-1]:g}, span less than a decade"


def _check(widths: Sequence[float], errors_CSW: Tensor, floor: float | None, confidence: float) -> None:
    num_seeds, num_widths = errors_CSW.shape[1:]
    if len(widths) != num_widths:
        raise PipelineError(f"{len(widths)} widths for errors of {num_widths}", hint="give one width a column")
    if num_seeds < 1:
        raise PipelineError("there are no seeds", hint="give the errors of one at least")
    if not all(0 < left < right < math.inf for left, right in itertools.pairwise(widths)):
        raise PipelineError(f"widths {list(widths)} do not increase from above 0", hint="sort them, each once")
    if (errors_CSW < 0).any():
        raise PipelineError("an error is negative", hint="give errors, not their logarithms or differences")
    if floor is not None and not 0 <= floor < math.inf:
        raise PipelineError(f"floor {floor!r} is no error", hint="take a number from 0, or None to fit one")
    if not 0 < confidence < 1:
        raise PipelineError(f"confidence {confidence!r} is not between 0 and 1", hint="take a number like 0.9")
