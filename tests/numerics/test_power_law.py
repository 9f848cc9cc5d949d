"""A power law is found with its floor, and the reference's cosine errors give the known rates."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pipeline.numerics.power_law import fit_power_law
from pipeline.numerics.randomness import stream

WIDTHS = 2.0 ** np.arange(1, 11)
X = torch.from_numpy(np.log(WIDTHS))
ALL = torch.ones(1, 10, dtype=torch.bool)


def cosine_errors() -> np.ndarray:
    """L2 errors of x on [0, pi] in the cosines to frequency m = 2, 4, ..., 1024; they fall like m^-3/2."""
    odd = np.arange(1, 2_000_001, 2, dtype=np.float64)
    return np.sqrt(8 / np.pi * np.array([(odd[odd > width] ** -4).sum() for width in WIDTHS]))


def logs(errors: np.ndarray) -> Tensor:
    return torch.from_numpy(np.log(errors))[None]


@pytest.mark.parametrize(
    ("first", "floor", "fitted", "rate", "digits"),
    [(0, 0.0, False, 1.482, 3), (2, 0.0, False, 1.498, 3), (0, 1e-3, False, 0.89, 2), (0, 1e-3, True, 1.450, 3)],
    ids=["all", "from 8", "with a floor that is not fitted", "with a fitted floor"],
)
def test_rates_of_cosine_errors_are_the_known_ones(
    first: int, floor: float, fitted: bool, rate: float, digits: int
) -> None:
    used = ALL.clone()
    used[0, :first] = False
    fit = fit_power_law(X, logs(np.sqrt(cosine_errors() ** 2 + floor**2)), used, floor=fitted)
    assert float(fit.rate_C) == pytest.approx(rate, abs=0.6 * 10**-digits)  # known to `digits` digits
    if fitted:
        assert float(fit.log_floor_C.exp()) == pytest.approx(9.9e-4, abs=0.5e-5)


@given(rate=st.floats(0.2, 5), constant=st.floats(1e-3, 1e3), turn=st.floats(8, 500))
@settings(max_examples=25, deadline=None)
def test_exact_power_law_with_a_floor_is_recovered(rate: float, constant: float, turn: float) -> None:
    """From the floor being met at width 8, two widths after the first, to its being met at the last but one."""
    floor = constant * turn**-rate
    fit = fit_power_law(X, logs(np.sqrt((constant * WIDTHS**-rate) ** 2 + floor**2)), ALL, floor=True)
    assert float(fit.rate_C) == pytest.approx(rate, rel=1e-5)
    assert float(fit.log_constant_C) == pytest.approx(math.log(constant), abs=1e-4)
    assert float(fit.log_floor_C) == pytest.approx(math.log(floor), abs=1e-4)


@pytest.mark.parametrize("floor", [True, False])
def test_exact_power_law_without_a_floor_has_next_to_none(floor: bool) -> None:
    fit = fit_power_law(X, logs(3 * WIDTHS**-2.0), ALL, floor=floor)
    assert float(fit.rate_C) == pytest.approx(2, rel=1e-9)
    assert float(fit.log_floor_C) < math.log(3 * WIDTHS[-1] ** -2.0) - 10
    assert float(fit.residual_C) < 1e-12


@pytest.mark.parametrize("floor", [True, False])
def test_influence_is_how_the_rate_moves_with_each_error(floor: bool) -> None:
    noise = 0.05 * torch.from_numpy(stream("noise").standard_normal((1, 10)))
    used = ALL.clone()
    used[0, [0, 4]] = False
    y = logs(np.sqrt(WIDTHS**-3.0 + 1e-5)) + noise
    fit = fit_power_law(X, y, used, floor=floor)
    step = 1e-3
    for place in range(10):
        moved = [y.clone(), y.clone()]
        moved[0][0, place] += step
        moved[1][0, place] -= step
        up, down = (fit_power_law(X, other, used, floor=floor).rate_C for other in moved)
        # The fit without second derivatives: off by the size of the residuals.
        assert float(up - down) / (2 * step) == pytest.approx(float(fit.influence_CW[0, place]), abs=0.05)
    assert not fit.influence_CW[0, [0, 4]].any()


def test_curves_do_not_know_of_each_other() -> None:
    noise = 0.3 * torch.from_numpy(stream("curves").standard_normal((4, 10)))
    y = logs(np.sqrt(WIDTHS**-2.0 + 1e-4)) + noise
    together = fit_power_law(X, y, ALL.expand(4, -1), floor=True)
    alone = torch.cat([fit_power_law(X, curve[None], ALL, floor=True).rate_C for curve in y])
    torch.testing.assert_close(together.rate_C, alone, rtol=1e-9, atol=0)
