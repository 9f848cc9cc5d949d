"""A figure shows what the records hold, whatever the numbers are."""

from __future__ import annotations

import functools
import json
import math

import polars as pl
import pytest
import vl_convert
from synthetic_run import BY_NAME, OF_RATES, drawn, rows_with, tables_of

from pipeline.experiment.axes import LogSpaced
from pipeline.experiment.experiment import Experiment
from pipeline.models.bases.polynomial import Chebyshev, Monomial
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import LeastSquares
from pipeline.problems.targets import AbsoluteValue, Step
from pipeline.records.schema import FITTED_SAMPLES, OUTCOMES, RECORDS
from pipeline.report.figures.catalogue import FIGURES
from pipeline.report.figures.charts import MOST_PANELS
from pipeline.report.tables.results import results
from pipeline.report.tables.run_tables import RunTables


@pytest.fixture(params=FIGURES, ids=BY_NAME)
def figure(request):
    return request.param


def test_every_figure_has_a_name_a_title_and_a_caption():
    assert len(BY_NAME) == len(FIGURES)
    for figure in FIGURES:
        sentences = [figure.caption, *figure.remarks.values()]
        assert figure.title
        assert all(sentence.endswith(".") for sentence in filter(None, sentences))


def test_every_figure_draws_the_run_with_infinite_and_nan_values(run, figure):
    spec = drawn(figure.name, run.tables)
    assert (spec is None) == (figure not in OF_RATES)
    if spec is None:
        return
    assert vl_convert.vegalite_to_svg(spec).count("<path") > 5
    assert figure.caption_of(spec).endswith(".")


@pytest.fixture(scope="module")
def nothing(run):
    """A run of which nothing is recorded yet."""
    empty = pl.DataFrame(schema=RECORDS), pl.DataFrame(schema=OUTCOMES)
    return RunTables(run.plan, results(run.plan, *empty), empty[0], pl.DataFrame(schema=FITTED_SAMPLES))


def test_no_figure_is_drawn_of_nothing(nothing, figure):
    assert figure.draw(nothing) is None


@functools.cache
def of_one_value(value, status):
    """A run in which every diagnostic has one value; made once for all figures."""
    experiment = Experiment("?", (Linear(), Shallow()), (2, 4), target=(AbsoluteValue(),), learning_rates=(0.1, 1.0))
    names = ("loss", "test_error", "condition_number", "largest_stable_learning_rate", "least_squares_error")
    names += ("stability_index", "weight_norm", "gradient_norm")
    names += ("gram_condition_number", "predicted_steps", "excess_loss")
    return tables_of(experiment, lambda trial: [(0, name, value) for name in names], status)


@functools.cache
def at_extremes(rates, loss):
    """A run at the ends of float64; made once for all figures."""
    experiment = Experiment("?", (Linear(),), (2, 4), target=(AbsoluteValue(),), learning_rates=rates, dtype="float64")
    names = ("loss", "test_error", "largest_stable_learning_rate", "condition_number")
    return tables_of(experiment, lambda trial: [(0, name, loss) for name in names])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0])
@pytest.mark.parametrize("status", ["done", "diverged"])
def test_every_figure_survives_a_run_of_one_odd_value(figure, value, status):
    spec = drawn(figure.name, of_one_value(value, status))
    assert spec is None or vl_convert.vegalite_to_vega(spec)


@pytest.mark.parametrize("rates", [(1e300, 1e308), (1e-200, 1e-180), (1e-307, 1e307)])
@pytest.mark.parametrize("loss", [1.0, 1e308, 1e-320])
def test_every_figure_survives_extreme_learning_rates_and_losses(figure, rates, loss):
    spec = drawn(figure.name, at_extremes(rates, loss))
    assert spec is None or vl_convert.vegalite_to_vega(spec)


def test_a_solver_has_an_error_but_no_learning_rates():
    experiment = Experiment("?", (Linear(),), (2, 4), target=(AbsoluteValue(),), optimizer=LeastSquares())
    tables = tables_of(experiment, lambda trial: [(1, "test_error", 0.3), (0, "loss", 1.0), (1, "loss", 0.1)])
    assert {row["median"] for row in rows_with(drawn("error_by_width", tables), "median")} == {0.3}
    assert drawn("loss_by_step", tables) is None
    assert drawn("loss_by_rate_and_width", tables) is None


def test_a_large_sweep_gives_small_figures():
    experiment = Experiment(
        "?",
        (Linear(Monomial()), Linear(), Linear(Chebyshev()), Shallow()),
        tuple(range(2, 12)),
        target=(AbsoluteValue(), Step(), Step(0.1), Step(0.2)),
        learning_rates=LogSpaced(1e-3, 10, 50),
        seeds=1,
    )
    numbers = [(step, "loss", 1 / (1 + step)) for step in range(0, 2000, 250)]
    tables = tables_of(experiment, lambda trial: numbers)
    assert tables.results.height == 8000
    assert len(json.dumps(drawn("loss_by_step", tables))) < 300_000
    spec = drawn("loss_by_rate_and_width", tables)
    assert len(spec["concat"]) == MOST_PANELS
    assert spec["title"] == "The first 12 of 16 panels"
    assert len(json.dumps(spec)) < 1_500_000


@pytest.mark.parametrize("figure", ["error_by_width", "condition_by_width"])
def test_one_value_has_an_axis_with_ticks(figure):
    experiment = Experiment("?", (Linear(), Linear(Monomial())), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,))
    numbers = [(0, "test_error", 0.3), (0, "condition_number", math.inf)]
    encoding = drawn(figure, tables_of(experiment, lambda trial: numbers))["layer"][0]["encoding"]["x"]
    low, high = encoding["scale"]["domain"]
    assert sum(low <= tick <= high for tick in encoding["axis"]["values"]) >= 2
