"""Yardsticks are errors that are known exactly, by a second way."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.best_networks import ErrorBracket
from pipeline.models.shallow import Shallow
from pipeline.numerics.quadrature import rule
from pipeline.problems.datasets import Diabetes
from pipeline.problems.measures import Grid, Uniform
from pipeline.problems.targets import TARGETS, AbsoluteValue, Gaussian, Sine, XSquared
from pipeline.report.theory.best_network_brackets import BestNetworks
from pipeline.report.theory.yardsticks import DASHES, yardsticks_of

WIDTHS = (1, 2, 4, 8)


def problem_of(target, **inputs):
    return next(Experiment("?", (Shallow(),), (2,), target=(target,), inputs=Inputs(**inputs)).problems())


def errors_of(target, widths=WIDTHS, **inputs) -> dict[str, dict[int, float]]:
    return {one.name: one.errors for one in yardsticks_of(problem_of(target, **inputs), widths)}


@pytest.mark.parametrize("dimension", [1, 3])
def test_random_cosines_miss_the_bell_by_the_variance_of_one_over_their_number(dimension) -> None:
    """Of cos(w . x) under normal w: (1 + E cos 2 w . x) / 2 - f^2, and f(2 x) = f(x)^4; by Gauss quadrature."""
    errors = errors_of(Gaussian(), dimension=(dimension,))["mean of random cosines"]
    points_PD, weights_EP = rule(dimension, 20_000)
    bell = Gaussian()(points_PD.numpy())
    variance = weights_EP.mean(dim=0).numpy() @ ((1 + bell**4) / 2 - bell**2)
    # In three dimensions the rule has one cell, and errs by 3e-9.
    assert list(errors.values()) == pytest.approx([math.sqrt(variance / width) for width in WIDTHS], rel=1e-8)


def test_best_network_for_the_square_is_known_at_even_widths() -> None:
    assert errors_of(XSquared()) == {
        "best ReLU network": pytest.approx({width: math.sqrt(4 / 45) / (width + 1) ** 2 for width in (2, 4, 8)})
    }
    assert errors_of(XSquared(), widths=(1, 3)) == {  # as many pieces, which it might not have
        "best linear pieces (limit)": pytest.approx({width: math.sqrt(4 / 45) / (width + 1) ** 2 for width in (1, 3)})
    }


def test_best_pieces_of_a_wave_are_the_limit_of_those_with_knots_where_it_bends() -> None:
    """Pieces of lengths as |f''|^(-2/5) asks for, fitted by least squares: 1 + O(1/m) times the limit above it."""
    width, points = 255, -1 + (np.arange(2**17) + 0.5) / 2**16
    wave = Sine()(points[:, None])
    mass = np.cumsum(np.abs(wave) ** 0.4)
    piece = np.minimum((mass / mass[-1] * (width + 1)).astype(int), width)
    edges = np.flatnonzero(np.diff(piece)) + 1
    missed = 0.0
    for x, y in zip(np.split(points, edges), np.split(wave, edges), strict=True):
        across = x - x.mean()
        missed += float(np.square(y - y.mean() - across * (across @ y) / (across @ across)).sum())
    limit = errors_of(Sine(), widths=(width,))["best linear pieces (limit)"][width]
    assert math.sqrt(missed / len(points)) == pytest.approx(limit, rel=0.01)


@pytest.mark.parametrize("target", [kind() for kind in TARGETS.values()], ids=lambda target: target.label())
def test_every_yardstick_has_a_dash_and_falls_with_the_width(target) -> None:
    for name, errors in errors_of(target).items():
        assert name in DASHES
        assert list(errors.values()) == sorted(errors.values(), reverse=True)
        assert min(errors.values()) > 0


def test_nothing_is_known_of_another_measure_a_table_or_another_target() -> None:
    assert errors_of(XSquared(), measure=Grid()) == {}
    assert errors_of(Gaussian(), measure=Uniform(0.0, 1.0)) == {}
    assert errors_of(AbsoluteValue()) == {}
    assert yardsticks_of(next(Experiment("?", (Shallow(),), (2,), data=(Diabetes(),)).problems()), WIDTHS) == []


def test_a_bracket_of_networks_takes_the_place_of_limits_and_of_closed_forms_where_it_is_tight() -> None:
    problem = problem_of(Sine())
    tight, loose = ErrorBracket(0.1, 0.101), ErrorBracket(0.1, 0.2)
    names = {
        one.name: one.errors
        for one in yardsticks_of(problem, (1, 2, 4), BestNetworks({1: loose, 2: loose, 4: tight}, 1.0))
    }
    assert names["no ReLU network below"] == {1: 0.1, 2: 0.1, 4: 0.1}
    assert names["best ReLU network found"] == {1: 0.2, 2: 0.2, 4: 0.101}
    assert names["best linear pieces (limit)"].keys() == {1, 2}
    closed = {one.name for one in yardsticks_of(problem_of(XSquared()), (4,), BestNetworks({4: tight}, 1.0))}
    assert closed == {"no ReLU network below", "best ReLU network found"}


def test_networks_that_hold_the_target_are_no_line_on_a_logarithmic_axis() -> None:
    found = yardsticks_of(
        problem_of(AbsoluteValue()), (1, 2), BestNetworks({1: ErrorBracket(0, 0.2), 2: ErrorBracket(0, 1e-16)}, 1.0)
    )
    assert [(one.name, one.errors) for one in found] == [("best ReLU network found", {1: 0.2})]
