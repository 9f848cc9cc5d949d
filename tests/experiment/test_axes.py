"""An axis holds what it says it holds, and refuses what nobody can train."""

import math

import pytest

from pipeline.errors import FieldError
from pipeline.experiment.axes import Inputs, LogSpaced, LogSpacedSteps, TimesLimits, at_most, distinct, positive
from pipeline.models.shallow import Shallow


@pytest.mark.parametrize("seed", [(1, 1), ()])
def test_a_seed_of_the_points_is_named_once(seed):
    with pytest.raises(FieldError, match=r"^seed(\.1)?: seed (is empty|names 1 twice)"):
        Inputs(seed=seed)


def test_log_spaced_rates_hold_both_ends_and_one_ratio():
    values = LogSpaced(1e-3, 10, 5).values()
    assert values == (0.001, 0.01, 0.1, 1.0, 10.0)


def test_a_log_spaced_rate_has_six_digits_so_that_its_trial_has_one_id_on_every_machine():
    assert LogSpaced(0.1, 0.3, 3).values() == (0.1, 0.173205, 0.3)
    assert math.sqrt(0.03) != 0.173205


def test_an_axis_is_not_empty_and_has_no_value_twice(refuses):
    distinct("widths", (2, 4))
    with refuses(("widths",), "widths is empty"):
        distinct("widths", ())
    with refuses(("widths", 2), "widths names 4 twice"):
        distinct("widths", (2, 4, 4))
    with refuses(("models", 1), "models names shallow(relu) twice"):
        distinct("models", (Shallow(), Shallow()))


@pytest.mark.parametrize(("value", "hint"), [(0, "take an integer from 1"), (math.nan, "take a number above 0")])
def test_a_value_that_is_not_above_zero_is_refused_at_its_position(refuses, value, hint):
    with refuses(("widths", 1), f"widths must be positive, not {value!r}") as refused:
        positive("widths", (2, value))
    assert refused.value.hint == hint


def test_a_bound_is_within_its_range(refuses):
    at_most(("dimension", 0), 1000, 1000)
    with refuses(("dimension", 0), "dimension must be at most 1000, not 1001"):
        at_most(("dimension", 0), 1001, 1000)


@pytest.mark.parametrize(
    "make, path, what",
    [
        (lambda: LogSpaced(0, 1, 3), ("log_from",), "log_from 0 is not between 0 and log_to 1"),
        (lambda: LogSpaced(1, 2, 1), ("num",), "num must be at least 2, not 1"),
        (lambda: TimesLimits((0.0,)), ("times_limit", 0), "times_limit must be positive, not 0.0"),
        (lambda: LogSpacedSteps(1), ("log_spaced",), "log_spaced must be at least 2, not 1"),
        (lambda: Inputs(test=0), ("test",), "test must be positive, not 0"),
        (lambda: Inputs(noise=(-1.0,)), ("noise", 0), "noise is a standard deviation, not -1.0"),
        (lambda: Inputs(dimension=(1, 1001)), ("dimension", 1), "dimension must be at most 1000, not 1001"),
        (lambda: LogSpaced(1, 2, 10**12), ("num",), "num must be at most 10000, not 1000000000000"),
        (lambda: LogSpacedSteps(10**12), ("log_spaced",), "log_spaced must be at most 100000, not 1000000000000"),
    ],
)
def test_impossible_part_is_refused_where_it_stands(refuses, make, path, what):
    with refuses(path, what) as refused:
        make()
    assert refused.value.hint
