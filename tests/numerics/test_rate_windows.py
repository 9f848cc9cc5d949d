"""The longest window of widths is chosen whose rate agrees with those of all windows inside it."""

import math

import pytest
import torch
from torch import Tensor

from pipeline.numerics.rate_windows import fit_windows, longest_agreeing

WIDTHS = 2.0 ** torch.arange(10, dtype=torch.float64)
X = WIDTHS.log()


def test_every_window_of_an_exact_power_law_has_its_rate() -> None:
    windows = fit_windows(X, (3 * WIDTHS**-1.5).log()[None], floor=0.0)
    valid_V = windows.valid_CV[0]
    torch.testing.assert_close(windows.rate_CV[0, valid_V], torch.full((6,), 1.5, dtype=torch.float64))
    torch.testing.assert_close(windows.log_constant_CV[0, valid_V], torch.full((6,), math.log(3), dtype=torch.float64))


def test_a_window_has_five_widths_and_spans_a_decade() -> None:
    windows = fit_windows(X, (WIDTHS**-1.0).log()[None], floor=0.0)
    assert windows.valid_CV[0].tolist() == [True] * 6 + [False] * 4  # 2^5 to 2^9 are five, and sixteen times as wide
    assert windows.last_C.tolist() == [5]
    assert windows.rate_CV[0, 6:].isnan().all()
    near = torch.linspace(1, 9, 10, dtype=torch.float64)
    assert not fit_windows(near.log(), (near**-1.0).log()[None], floor=0.0).valid_CV.any()


def test_degrees_of_freedom_are_points_less_unknowns() -> None:
    y_CW = (WIDTHS**-1.0).log()[None]
    assert fit_windows(X, y_CW, floor=0.0).freedom_CV[0, 0] == 8
    assert fit_windows(X, y_CW, floor=0.0, corrected=True).freedom_CV[0, 0] == 7
    assert fit_windows(X, y_CW, floor=None, corrected=True).freedom_CV[0, 0] == 6


def test_what_is_not_finite_or_near_a_known_floor_is_left_out() -> None:
    floor = 1e-2
    errors_W = (WIDTHS**-2.0).square().add(floor**2).sqrt()
    errors_W[0] = math.nan
    windows = fit_windows(X, errors_W.log()[None], floor=floor)
    # 10 floors are 0.1: at width 4 the error is 0.0633.
    assert windows.used_CW[0].tolist() == [False, True] + [False] * 8


@pytest.mark.parametrize(
    ("rates", "chosen"),
    [
        ([2.0, 2.0, 2.0], 0),
        ([3.0, 2.0, 2.0], 1),
        ([2.0, 3.0, 2.0], 2),  # one window inside that is off is enough against the first
        ([3.0, 4.0, 2.0], 2),
    ],
)
def test_first_window_that_agrees_with_all_inside_it_is_chosen(rates: list[float], chosen: int) -> None:
    variances_V = torch.tensor([0.01, 0.02, 0.04])
    valid_V = torch.ones(3, dtype=torch.bool)
    assert int(longest_agreeing(torch.tensor(rates), variances_V, valid_V)) == chosen


def test_agreement_is_to_half_a_standard_deviation_of_the_difference() -> None:
    def chosen(difference: float) -> int:
        rates_V, variances_V = torch.tensor([1.0, 1.0 + difference]), torch.tensor([1.0, 5.0])  # the difference has 4
        return int(longest_agreeing(rates_V.double(), variances_V.double(), torch.ones(2, dtype=torch.bool)))

    assert chosen(0.99) == 0
    assert chosen(1.01) == 1


def test_windows_that_are_not_valid_are_never_chosen() -> None:
    def chosen(valid: list[bool]) -> Tensor:
        return longest_agreeing(torch.zeros(2, 3), torch.ones(3), torch.tensor(valid))

    assert chosen([False, True, True]).tolist() == [1, 1]
    assert chosen([False, False, False]).tolist() == [0, 0]


def test_residuals_on_the_same_side_count_as_more_noise() -> None:
    """The same residuals, once alternating, once in two runs: lag-one correlation makes their mean less certain."""
    alternating_W = 1e-3 * torch.tensor([1.0, -1.0] * 5).double()
    runs_W = 1e-3 * torch.tensor([1.0, 1, 1, -1, -1, -1, -1, 1, 1, 1]).double()
    noise_2 = [fit_windows(X, (noise_W - X)[None], floor=0.0).noise_CV[0, 0] for noise_W in (alternating_W, runs_W)]
    assert noise_2[1] > 1.3 * noise_2[0]
