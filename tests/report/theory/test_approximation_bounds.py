"""A bound is claimed only where the best errors obey it."""

from __future__ import annotations

import functools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import ACTIVATIONS, Identity, LeakyRelu, Relu, Tanh
from pipeline.models.bases import BASES
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.polynomial import Legendre
from pipeline.models.bases.random import RandomFeatures, RandomFourier, RandomRelu
from pipeline.models.bases.trigonometric import Cosine, Fourier
from pipeline.models.bases.wavelet import Haar
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.numerics.quadrature import cell_boundaries, gauss
from pipeline.problems.datasets import Diabetes
from pipeline.problems.losses import Task
from pipeline.problems.measures import Grid, Measure, Normal, Uniform
from pipeline.problems.problem import FunctionProblem
from pipeline.problems.targets import TARGETS, AbsoluteValue, Gaussian, Runge, Sine, Step, Target
from pipeline.report.theory.approximation_bounds import bound_of


def problem_of(target, dimension=None):
    inputs = Inputs(dimension=None if dimension is None else (dimension,))
    return next(Experiment("?", (Shallow(),), (2,), target=(target,), inputs=inputs).problems())


@pytest.mark.parametrize("target", [kind() for kind in TARGETS.values()], ids=lambda target: target.label())
@pytest.mark.parametrize("basis", [kind() for kind in BASES.values()], ids=lambda basis: basis.label())
def test_a_fixed_basis_is_bounded_by_the_rougher_of_target_and_basis(basis, target):
    problem = problem_of(target)
    bound, words = bound_of(problem, Linear(basis))
    order = basis.approximation_order()
    if isinstance(basis, RandomFeatures) and basis.holds_with_bounded_weights(target, problem.num_inputs):
        assert (bound, words) == (0.5, "Rahimi, Recht: bounded weights, in the mean")
    elif order is None or target.task is not Task.REGRESSION:
        assert (bound, words) == (None, "no bound known")
    elif math.isinf(min(target.smoothness, order)):
        assert (bound, words) == (None, "faster than any power")
    else:
        assert bound == min(target.smoothness, order) / problem.num_inputs
        assert words.startswith("Jackson: ")


@pytest.mark.parametrize(
    "basis, target",
    [
        (RandomFourier(), Gaussian()),
        (RandomFourier(0.5), Gaussian()),
        (RandomRelu(), Gaussian()),
        (RandomRelu(), Sine()),
    ],
    ids=lambda one: one.label(),
)
def test_random_features_obey_their_bound_whatever_is_drawn(basis, target):
    """The median over draws of the best error falls at least like the root of the number of functions."""
    assert bound_of(problem_of(target), Linear(basis))[0] == 0.5
    points_P = torch.linspace(-1, 1, 801, dtype=torch.float64)
    values_P1 = torch.from_numpy(target(points_P[:, None].numpy()))[:, None]

    def error(width: int, seed: int) -> float:
        features_PW = replace(basis, seed=seed)(points_P, width)
        best_W1 = torch.linalg.lstsq(features_PW, values_P1, driver="gelsd").solution
        return float((features_PW @ best_W1 - values_P1).norm())

    few, many = (np.median([error(width, seed) for seed in range(9)]) for width in (4, 16))
    assert many < few / 2


def test_random_features_have_no_bound_for_what_they_hold_with_unbounded_weights():
    assert bound_of(problem_of(Gaussian(0.5)), Linear(RandomFourier(1.0))) == (None, "no bound known")
    assert bound_of(problem_of(AbsoluteValue()), Linear(RandomRelu())) == (None, "no bound known")
    assert bound_of(problem_of(Gaussian(), 3), Linear(RandomRelu())) == (None, "no bound known")
    assert bound_of(problem_under(Normal(), Gaussian()), Linear(RandomFourier()))[0] is None


@pytest.mark.parametrize("dimension, rate", [(1, "2"), (2, "1.25"), (3, "1")])
def test_greedy_on_ridges_names_the_rate_of_all_ridges_and_claims_none_of_those_drawn(dimension, rate):
    words = f"no bound known of ridges that are drawn; of all ridges Siegel, Xu have {rate}"
    assert bound_of(problem_of(Gaussian(), dimension), Greedy(RandomRelu())) == (None, words)


def test_greedy_has_no_bound_elsewhere():
    assert bound_of(problem_of(AbsoluteValue()), Greedy(RandomRelu())) == (None, "no bound known")
    assert bound_of(problem_of(Gaussian()), Greedy()) == (None, "no bound known")


@pytest.mark.parametrize("activation", [Relu(), LeakyRelu()], ids=lambda kind: kind.label())
def test_two_units_hold_the_absolute_value(activation):
    assert bound_of(problem_of(AbsoluteValue()), Shallow(activation)) == (None, "two units hold |x| exactly")
    x_P = torch.linspace(-1, 1, 101, dtype=torch.float64)
    both_P = activation(x_P.clone()) + activation(-x_P)
    torch.testing.assert_close(both_P / both_P[-1], x_P.abs(), rtol=1e-15, atol=0)
    assert bound_of(problem_of(AbsoluteValue(), 2), Shallow(activation))[1] == "no Barron constant is known"
    assert bound_of(problem_of(AbsoluteValue()), Shallow(Tanh()))[1] == "no Barron constant is known"


def test_a_bound_suffers_from_the_dimension_only_for_a_fixed_basis():
    assert bound_of(problem_of(AbsoluteValue(), 3), Linear()) == (0.5, "Jackson: smoothness 1.5 / 3 inputs")
    assert bound_of(problem_of(Gaussian(), 4), Linear(Haar()))[0] == 0.25
    assert bound_of(problem_of(Gaussian(), 4), Shallow())[0] == 0.5
    assert bound_of(problem_of(Step()), Linear(Haar())) == (0.5, "Jackson: smoothness 0.5")
    assert bound_of(problem_of(Runge()), Linear(Haar())) == (1.0, "Jackson: order of the basis 1")


@pytest.mark.parametrize("activation", [kind() for kind in ACTIVATIONS.values()], ids=lambda kind: kind.label())
def test_a_network_is_bounded_where_the_target_has_a_barron_constant_and_the_units_bend(activation):
    bound, _ = bound_of(problem_of(Gaussian()), Shallow(activation))
    assert bound == (None if isinstance(activation, Identity) else 0.5)


MEASURES = (Uniform(), Uniform(0.0, 1.0), Uniform(-0.3, 0.5), Uniform(-3.0, 3.0), Uniform(-0.5, 2.0), Grid(), Normal())
SPANS = [kind() for name, kind in BASES.items() if name not in ("monomial", "chebyshev")]  # polynomials as well
COARSE, FINE = (8, 11, 15, 16), (64, 95, 127, 128)
"""Widths, at all places between two powers of two, at which errors are compared with the rate."""


@functools.lru_cache(maxsize=16)
def projection(basis: Basis, measure: Measure, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, roots of their weights, and an orthonormal basis of what the features span under a measure.

    Polynomials span the same on every interval, and so are taken in a basis of which float64 knows many.
    """
    low, high = measure.bounds()
    if isinstance(measure, Grid):
        points_P = measure.sample(600, 1, np.random.default_rng(0))[:, 0]
        root_P = np.full(600, 600**-0.5)
    else:
        points_PD, weights_P = gauss(cell_boundaries(low, high, tuple(np.linspace(-1, 1, 129)), 80), 1)
        points_P, root_P = points_PD[:, 0].numpy(), weights_P.sqrt().numpy()
    if basis.order_holds_everywhere:
        features_PW = np.polynomial.legendre.legvander((2 * points_P - low - high) / (high - low), width - 1)
    else:
        features_PW = basis(torch.from_numpy(points_P), width).numpy()
    range_PS, sizes_S, _ = np.linalg.svd(root_P[:, None] * features_PW, full_matrices=False)
    return points_P, root_P, range_PS[:, sizes_S > 1e-12 * sizes_S[0]]


def best_error(basis: Basis, target: Target, measure: Measure, width: int) -> tuple[float, float]:
    """Least root mean square of what the features miss, and the root mean square of the target."""
    points_P, root_P, range_PS = projection(basis, measure, width)
    values_P = root_P * target(points_P[:, None])
    return float(np.linalg.norm(values_P - range_PS @ (range_PS.T @ values_P))), float(np.linalg.norm(values_P))


def problem_under(measure: Measure, target: Target) -> FunctionProblem:
    return FunctionProblem(target, measure, 1, 16, 16, 0.0, 0)


def is_defined(basis: Basis, measure: Measure) -> bool:
    return basis.domain is None or (basis.domain[0] <= measure.bounds()[0] and measure.bounds()[1] <= basis.domain[1])


@pytest.mark.parametrize(
    "basis, measure",
    [pytest.param(basis, measure, id=f"{basis.label()}-{measure.label()}") for basis in SPANS for measure in MEASURES],
)
def test_a_bound_is_claimed_only_where_the_best_errors_obey_it(basis, measure):
    """Over every basis, target of one input and measure: by projections, which know nothing of the claims."""
    if not is_defined(basis, measure):
        return
    claims = []
    for kind in TARGETS.values():
        if kind.dimensions not in (1, None):
            continue
        target = kind()
        bound, words = bound_of(problem_under(measure, target), Linear(basis))
        claims.append(bound is not None or words == "faster than any power")
        if words == "faster than any power":
            (coarse, size), (fine, _) = (best_error(basis, target, measure, width) for width in (32, 128))
            assert fine < 1e-12 * size + coarse / 4**4, target.label()
        elif bound is not None:
            coarse, fine = (
                max(best_error(basis, target, measure, width)[0] * width**bound for width in widths)
                for widths in (COARSE, FINE)
            )
            size = best_error(basis, target, measure, 8)[1]
            assert fine < 2 * max(coarse, size / 10), target.label()  # an order too many by 1/2 makes it 2.8 times
    inside = basis.order_holds_everywhere or (measure.bounds()[0] >= -1 and measure.bounds()[1] <= 1)
    assert isinstance(basis, RandomFeatures) or set(claims) == {
        basis.approximation_order() is not None and measure.fills_the_box and inside
    }


def test_where_no_bound_is_claimed_none_would_hold():
    """The errors of the kink by cosines do not fall at all where these repeat themselves."""
    for measure in (Uniform(-3.0, 3.0), Uniform(-0.5, 2.0)):
        coarse, fine = (best_error(Cosine(), AbsoluteValue(), measure, width)[0] for width in (16, 64))
        assert fine > 0.3 * coarse
    assert bound_of(problem_under(Uniform(-3.0, 3.0), AbsoluteValue()), Linear(Cosine()))[0] is None


@pytest.mark.parametrize("basis", [kind() for kind in BASES.values() if kind.order_holds_everywhere], ids=Basis.label)
def test_a_basis_whose_order_holds_everywhere_spans_polynomials_on_every_interval(basis):
    x_P = torch.linspace(-3, 2, 50, dtype=torch.float64)
    polynomials_PW = torch.from_numpy(np.polynomial.legendre.legvander((2 * x_P.numpy() + 1) / 5, 7))
    features_PW = basis(x_P, 8)
    features_PW = features_PW / features_PW.norm(dim=0)
    fitted_WW = torch.linalg.lstsq(features_PW, polynomials_PW).solution
    assert (features_PW @ fitted_WW - polynomials_PW).abs().max() < 1e-9


@pytest.mark.parametrize("target", [AbsoluteValue(), Gaussian()], ids=lambda target: target.label())
@pytest.mark.parametrize(
    "basis", [basis for basis in SPANS if basis.approximation_order() is not None], ids=Basis.label
)
def test_a_bound_in_the_plane_is_obeyed_by_the_best_errors(basis, target):
    points_PD, weights_P = gauss(cell_boundaries(-1, 1, (0.0,), 16), 2, nodes=2)
    root_P, errors = weights_P.sqrt().numpy(), {}
    values_P = root_P * target(points_PD.numpy())
    for width in (36, 64, 225, 289):
        range_PW = np.linalg.qr(root_P[:, None] * Linear(basis).prepare(points_PD, width).numpy().T)[0]
        errors[width] = np.linalg.norm(values_P - range_PW @ (range_PW.T @ values_P))
    bound = bound_of(problem_of(target, 2), Linear(basis))[0]
    rate = 2.0 if bound is None else bound  # where errors fall faster than any power
    coarse, fine = (max(errors[width] * width**rate for width in widths) for widths in ((36, 64), (225, 289)))
    assert fine < 1.2 * coarse + 1e-9


def test_a_bound_says_why_there_is_none():
    def why(target, measure, basis):
        return bound_of(problem_under(measure, target), Linear(basis))

    assert why(AbsoluteValue(), Normal(), Cosine()) == (None, "no bound known under the law normal")
    assert why(Gaussian(), Normal(2.0), Legendre()) == (None, "no bound known under the law normal(scale=2.0)")
    assert why(Runge(), Uniform(-3, 3), Fourier()) == (None, "no bound known for fourier on [-3, 3]")
    assert why(AbsoluteValue(), Uniform(-3, 3), Legendre()) == (1.5, "Jackson: smoothness 1.5")
    assert why(AbsoluteValue(), Uniform(0, 1), Legendre()) == (None, "faster than any power")
    assert why(Step(2.0), Uniform(-3, 3), Legendre()) == (0.5, "Jackson: smoothness 0.5")
    assert why(Step(2.0), Uniform(), Haar()) == (1.0, "Jackson: order of the basis 1")


@pytest.mark.parametrize("measure, bound", [(Uniform(), 0.5), (Uniform(-3, 3), 0.5), (Grid(), 0.5), (Normal(), None)])
def test_barron_needs_inputs_that_are_bounded(measure, bound):
    assert bound_of(problem_under(measure, Gaussian()), Shallow())[0] == bound


def test_of_a_table_nothing_is_known():
    problem = next(Experiment("?", (Linear(),), (2,), data=(Diabetes(),)).problems())
    assert not isinstance(problem, FunctionProblem)
    assert bound_of(problem, Linear()) == (None, "of a table nothing is known")
