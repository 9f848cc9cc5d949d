"""Errors that fall with the width are compared with what theory guarantees, from one side."""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import polars as pl
import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.trial import Trial
from pipeline.models.bases.polynomial import Legendre
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.bases.wavelet import Haar
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import LeastSquares
from pipeline.plans import make_plan
from pipeline.problems.measures import Grid
from pipeline.problems.targets import AbsoluteValue, Gaussian, Runge, Step, Xor, XSquared
from pipeline.records import store
from pipeline.records.schema import OUTCOMES, RECORDS
from pipeline.report.tables.approximation_rates import rates
from pipeline.report.tables.results import results
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan

WIDTHS = (2, 4, 8, 16, 32, 64)


def table_of(error: Callable[[Trial], float], model, target, widths=WIDTHS, bar=None, **fields) -> pl.DataFrame:
    """The rates of a run in which every trial ended with ``error(trial)``."""
    arguments = {"target": (target,), "learning_rates": (0.5,), "seeds": 1, **fields}
    plan = make_plan("test", Experiment("?", (model,), widths, **arguments))
    recorded = {"test_error": error} | ({} if bar is None else {"test_error_bar": bar})
    rows = [(trial.id, 10, name, of(trial), "pack") for trial in plan.trials.values() for name, of in recorded.items()]
    where = (0.1, "fused", "cpu", "host", "0.1.0", "pack", "", 1, "", "", "")
    ended = [(trial.id, "done", 10, "", trial.learning_rate, *where) for trial in plan.trials.values()]
    frames = (pl.DataFrame(rows, schema=RECORDS, orient="row"), pl.DataFrame(ended, schema=OUTCOMES, orient="row"))
    return rates(plan, results(plan, *frames))


@pytest.mark.parametrize(
    "power, verdict",
    [(1.5, "consistent"), (2.5, "steeper than the bound"), (0.7, "shallower: check optimiser, floor, window")],
)
def test_a_rate_is_fitted_and_compared_with_the_bound(power, verdict):
    noisy = {width: 1 + 0.004 * (-1) ** number for number, width in enumerate(WIDTHS)}
    error = table_of(lambda trial: noisy[trial.shape.width] * trial.shape.width**-power, Linear(), AbsoluteValue())
    row = error.row(0, named=True)
    assert row["rate"] == pytest.approx(power, abs=0.02)
    assert row["from"] <= row["rate"] <= row["to"]
    assert (row["bound"], row["theory"], row["against the bound"]) == (1.5, "Jackson: smoothness 1.5", verdict)
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
    verdict = of(lambda trial: 0.2 * trial.shape.width**-1.5)["against the bound"]
    assert verdict == "cannot say: 0 of 6 widths have a finite error above the floor; a rate needs 5"


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
    arguments = {"model": Linear(), "target": AbsoluteValue(), **fields}
    assert table_of(lambda trial: 1.0 / trial.shape.width, **arguments).is_empty()


def test_nothing_ran_yet():
    plan = make_plan("test", Experiment("?", (Linear(),), WIDTHS, target=(AbsoluteValue(),)))
    assert rates(plan, results(plan, pl.DataFrame(schema=RECORDS), pl.DataFrame(schema=OUTCOMES))).is_empty()


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
