"""Errors that fall with the width are held against what theory guarantees, from one side."""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.trial import Trial
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
from pipeline.optimizers.rules import LeastSquares
from pipeline.plan import make_plan
from pipeline.problems.datasets import Diabetes
from pipeline.problems.losses import Task
from pipeline.problems.measures import Grid, Measure, Normal, Uniform
from pipeline.problems.problem import FunctionProblem
from pipeline.problems.targets import TARGETS, AbsoluteValue, Gaussian, Runge, Sine, Step, Target, Xor, XSquared
from pipeline.records import store
from pipeline.records.schema import OUTCOMES, RECORDS
from pipeline.report.tables.approximation_rates import rates
from pipeline.report.tables.results import results
from pipeline.report.theory.approximation_bounds import bound_of
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan

WIDTHS = (2, 4, 8, 16, 32, 64)


def table_of(error: Callable[[Trial], float], model, target, widths=WIDTHS, bar=None, **fields) -> pl.DataFrame:
    """The rates of a run in which every trial ended with ``error(trial)``."""
    asked = {"target": (target,), "learning_rates": (0.5,), "seeds": 1, **fields}
    plan = make_plan("test", Experiment("?", (model,), widths, **asked))
    recorded = {"test_error": error} | ({} if bar is None else {"test_error_bar": bar})
    rows = [(trial.id, 10, name, of(trial), "pack") for trial in plan.trials.values() for name, of in recorded.items()]
    where = (0.1, "fused", "cpu", "host", "0.1.0", "pack", "", 1, "")
    ended = [(trial.id, "done", 10, "", trial.learning_rate, *where) for trial in plan.trials.values()]
    frames = (pl.DataFrame(rows, schema=RECORDS, orient="row"), pl.DataFrame(ended, schema=OUTCOMES, orient="row"))
    return rates(plan, results(plan, *frames))


def problem_of(target, dimension=None):
    inputs = Inputs(dimension=None if dimension is None else (dimension,))
    return next(Experiment("?", (Shallow(),), (2,), target=(target,), inputs=inputs).problems())


@pytest.mark.parametrize(
    "power, said",
    [(1.5, "consistent"), (2.5, "steeper than the bound"), (0.7, "shallower: check optimiser, floor, window")],
)
def test_a_rate_is_fitted_and_held_against_the_bound(power, said):
    noisy = {width: 1 + 0.004 * (-1) ** number for number, width in enumerate(WIDTHS)}
    error = table_of(lambda trial: noisy[trial.shape.width] * trial.shape.width**-power, Linear(), AbsoluteValue())
    row = error.row(0, named=True)
    assert row["rate"] == pytest.approx(power, abs=0.02)
    assert row["from"] <= row["rate"] <= row["to"]
    assert (row["bound"], row["theory"], row["against the bound"]) == (1.5, "Jackson: smoothness 1.5", said)
    assert row["widths"].endswith(" to 64")


def test_seeds_that_all_agree_are_no_more_sure_than_one():
    one, many = (
        table_of(
            lambda trial: trial.shape.width**-1.5 * (1 + 0.1 / trial.shape.width), Linear(), AbsoluteValue(), seeds=n
        )
        for n in (1, 5)
    )
    assert one.equals(many)
    assert one["from"].item() < one["to"].item()


def test_seeds_that_differ_widen_the_interval():
    def error(trial: Trial) -> float:
        return trial.shape.width**-0.5 * math.exp(0.02 * math.sin(12.9 * trial.seed + 78.2 * trial.shape.width))

    row = table_of(error, Shallow(), Gaussian(), seeds=5).row(0, named=True)
    assert row["to"] - row["from"] > 0.01
    assert row["theory"].startswith("Barron: C = 0.798")
    assert row["bound"] == 0.5


def test_what_cannot_be_fitted_says_why():
    few = table_of(lambda trial: math.inf if trial.shape.width > 8 else 1.0, Linear(), AbsoluteValue()).row(
        0, named=True
    )
    assert few["rate"] is None
    assert few["against the bound"].startswith("cannot say: 3 of 6 widths have a finite error above the floor")


@pytest.mark.parametrize("rounding", [0.0, 4e-16, 3e-15])
def test_errors_that_are_rounding_are_exact_and_have_no_rate(rounding):
    """Haar wavelets hold a step at 0 exactly: errors of 4e-16 to 3e-15 at every width."""
    row = table_of(lambda trial: rounding, Linear(Haar()), Step(), dtype="float64").row(0, named=True)
    assert (row["rate"], row["against the bound"]) == (None, "exact to rounding from width 2 on")
    later = table_of(lambda trial: 1.0 if trial.shape.width < 8 else rounding, Linear(), XSquared(), dtype="float64")
    assert later["against the bound"].to_list() == ["exact to rounding from width 8 on"]


def test_what_the_quadrature_does_not_know_is_left_out():
    def of(bar):
        return table_of(lambda trial: trial.shape.width**-1.5, Linear(), AbsoluteValue(), bar=bar).row(0, named=True)

    assert of(lambda trial: 1e-9)["rate"] == pytest.approx(1.5, abs=1e-6)
    said = of(lambda trial: 0.2 * trial.shape.width**-1.5)["against the bound"]
    assert said == "cannot say: 0 of 6 widths have a finite error above the floor; a rate needs 5"


def test_errors_of_smooth_functions_fall_exponentially_and_no_power_is_said():
    row = table_of(lambda trial: math.exp(-0.2 * trial.shape.width), Linear(Legendre()), Runge()).row(0, named=True)
    assert row["rate"] is None
    assert row["against the bound"] == "exponential: faster than any power, exp(-0.2 m)"


SOLVED = {"optimizer": LeastSquares(), "learning_rates": None, "dtype": "float64", "inputs": Inputs(train=(1024,))}


def test_a_polynomial_of_too_many_terms_for_its_points_hides_no_exponential():
    """Least squares on Runge's function at 1,024 random points: at width 64 the best error is 24 times lower."""
    measured = dict(zip(WIDTHS, (0.28491, 0.19336, 0.087929, 0.018119, 9.3181e-4, 3.1576e-5), strict=True))
    polynomials, cosines = (
        table_of(lambda trial: measured[trial.shape.width], Linear(basis), Runge(), **SOLVED).row(0, named=True)
        for basis in (Legendre(), Cosine())
    )
    assert polynomials["against the bound"].startswith("exponential: faster than any power, exp(-0.18")
    assert polynomials["widths"] == "2 to 32"
    assert cosines["against the bound"].startswith("cannot say: these widths leave a rate between ")


@pytest.mark.parametrize("basis, power", [(Haar(), 1), (Legendre(), 2)], ids=["bounded functions", "polynomials"])
def test_what_finitely_many_points_may_add_is_in_the_interval(basis, power):
    def error(trial: Trial) -> float:
        return trial.shape.width**-1.0 * math.sqrt(1 + trial.shape.width**power / 1024)

    row = table_of(error, Linear(basis), AbsoluteValue(), **SOLVED).row(0, named=True)
    assert row["rate"] < 1 - 1e-3
    assert row["from"] < 1 <= row["to"] + 1e-9


def test_a_model_without_a_bound_has_a_rate_all_the_same():
    row = table_of(lambda trial: 2.0 / trial.shape.width, Greedy(), AbsoluteValue()).row(0, named=True)
    assert row["rate"] == pytest.approx(1, abs=1e-6)
    assert (row["bound"], row["against the bound"]) == (None, "no bound known")


@pytest.mark.parametrize(
    "fields",
    [{"widths": (2, 4, 8, 64)}, {"target": Xor(), "model": Shallow()}],
    ids=["few widths", "classification"],
)
def test_where_there_is_no_rate_there_is_no_row(fields):
    asked = {"model": Linear(), "target": AbsoluteValue(), **fields}
    assert table_of(lambda trial: 1.0 / trial.shape.width, **asked).is_empty()


def test_nothing_ran_yet():
    plan = make_plan("test", Experiment("?", (Linear(),), WIDTHS, target=(AbsoluteValue(),)))
    assert rates(plan, results(plan, pl.DataFrame(schema=RECORDS), pl.DataFrame(schema=OUTCOMES))).is_empty()


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


LAWS = (Uniform(), Uniform(0.0, 1.0), Uniform(-0.3, 0.5), Uniform(-3.0, 3.0), Uniform(-0.5, 2.0), Grid(), Normal())
SPANS = [kind() for name, kind in BASES.items() if name not in ("monomial", "chebyshev")]  # polynomials as well
COARSE, FINE = (8, 11, 15, 16), (64, 95, 127, 128)
"""Widths, at all places between two powers of two, at which errors are held against the rate."""


@functools.lru_cache(maxsize=16)
def projection(basis: Basis, law: Measure, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, roots of their weights, and an orthonormal basis of what the features span, in the mean square of a law.

    Polynomials span the same on every interval, and so are taken in a basis of which float64 knows many.
    """
    low, high = law.bounds()
    if isinstance(law, Grid):
        points_P = law.sample(600, 1, np.random.default_rng(0))[:, 0]
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


def best_error(basis: Basis, target: Target, law: Measure, width: int) -> tuple[float, float]:
    """Least root mean square of what the features miss, and the root mean square of the target."""
    points_P, root_P, range_PS = projection(basis, law, width)
    values_P = root_P * target(points_P[:, None])
    return float(np.linalg.norm(values_P - range_PS @ (range_PS.T @ values_P))), float(np.linalg.norm(values_P))


def problem_under(law: Measure, target: Target) -> FunctionProblem:
    return FunctionProblem(target, law, 1, 16, 16, 0.0, 0)


def is_defined(basis: Basis, law: Measure) -> bool:
    return basis.domain is None or (basis.domain[0] <= law.bounds()[0] and law.bounds()[1] <= basis.domain[1])


@pytest.mark.parametrize(
    "basis, law",
    [pytest.param(basis, law, id=f"{basis.label()}-{law.label()}") for basis in SPANS for law in LAWS],
)
def test_a_bound_is_claimed_only_where_the_best_errors_obey_it(basis, law):
    """Over every basis, target of one input and law: by projections, which know nothing of the claims."""
    if not is_defined(basis, law):
        return
    said = []
    for kind in TARGETS.values():
        if kind.dimensions not in (1, None):
            continue
        target = kind()
        bound, words = bound_of(problem_under(law, target), Linear(basis))
        said.append(bound is not None or words == "faster than any power")
        if words == "faster than any power":
            (coarse, size), (fine, _) = (best_error(basis, target, law, width) for width in (32, 128))
            assert fine < 1e-12 * size + coarse / 4**4, target.label()
        elif bound is not None:
            coarse, fine = (
                max(best_error(basis, target, law, width)[0] * width**bound for width in widths)
                for widths in (COARSE, FINE)
            )
            size = best_error(basis, target, law, 8)[1]
            assert fine < 2 * max(coarse, size / 10), target.label()  # an order too many by 1/2 makes it 2.8 times
    inside = basis.order_holds_everywhere or (law.bounds()[0] >= -1 and law.bounds()[1] <= 1)
    assert isinstance(basis, RandomFeatures) or set(said) == {
        basis.approximation_order() is not None and law.fills_the_box and inside
    }


def test_where_no_bound_is_claimed_none_would_hold():
    """The errors of the kink by cosines do not fall at all where these repeat themselves."""
    for law in (Uniform(-3.0, 3.0), Uniform(-0.5, 2.0)):
        coarse, fine = (best_error(Cosine(), AbsoluteValue(), law, width)[0] for width in (16, 64))
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


def test_legendre_polynomials_and_haar_wavelets_reach_their_bounds(tmp_path):
    """|x| by exact least squares on points of a grid: 1.5 and 1, in a run of its own."""
    experiment = Experiment(
        "?",
        (Linear(Legendre()), Linear(Haar())),
        (8, 16, 32, 64, 128),  # of 4 Legendre polynomials only one sees more of |x| than its mean
        target=(AbsoluteValue(),),
        inputs=Inputs(measure=Grid(), train=(4096,), test=8192),
        optimizer=LeastSquares(),
        seeds=1,
        dtype="float64",
    )
    plan = make_plan("test", experiment)
    run_plan(plan, tmp_path, TrainingProgress(io.StringIO()))
    table = rates(plan, results(plan, store.read_records(tmp_path), store.read_outcomes(tmp_path)))
    assert table["rate"].to_list() == pytest.approx([1.5, 1.0], abs=0.1)
    assert set(table["against the bound"]) <= {"consistent", "steeper than the bound"}
